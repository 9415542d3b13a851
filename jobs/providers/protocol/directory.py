"""The CA's directory (RFC 8555 section 7.1.1): where to send what, and what it says about itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobs.policy.failure import Failure
from jobs.policy.persist import Offer, advertised
from jobs.ports import Waits, finish
from jobs.providers.protocol.problem import Answer, http_date
from jobs.providers.protocol.wire import Wire

LONGEST_AGE = 3600.0
"""Seconds that a directory is believed: CAs move their addresses."""

FIRST_WAIT, LONGEST_WAIT = 0.05, 1.0
"""Seconds between two looks whether another order has fetched it, growing."""

FAILED_FOR = 5.0
"""Seconds for which a directory that could not be had is not asked for again."""

LONGEST_TERMS = 2000
"""Characters of the address of terms of service."""


@dataclass(frozen=True)
class Directory:
    new_nonce: str
    new_account: str
    new_order: str
    revoke: str | None
    renewal_info: str | None
    terms_url: str | None
    eab_required: bool
    caa_identities: tuple[str, ...]
    profiles: tuple[str, ...]
    website: str | None
    address: str
    """From which the answer came."""
    persist: Offer | None = None
    """Whether and how it takes dns-persist-01."""
    date: datetime | None = None
    """When it was sent, by the CA's clock."""


class Directories:
    """The directory at one address, fetched when asked for and kept for an hour. Safe from several threads.

    Of several orders that need it at the same time one fetches it, and the others have what came of that.
    """

    def __init__(self, wire: Wire, url: str) -> None:
        self._wire = wire
        self._url = url
        self._lock = threading.Lock()
        self._known: Directory | None = None
        self._fetched = 0.0
        self._trouble: Failure | None = None
        self._failed = 0.0
        self._fetching = False
        """Whether an order does so now; it may be waiting, in no thread, for its next try."""

    def known(self) -> Directory | None:
        """What was fetched before, without asking now."""
        return self._known

    def get(self) -> Waits[Directory]:
        """The directory, for an order. Raises Failure("ca_not_acme"), Failure("ca_unreachable")."""
        return self._unless(lambda: self._fresh() is not None)

    def anew(self, old: Directory) -> Waits[Directory]:
        """The directory as it is now, where an address of `old` led nowhere: CAs move. Raises as `get`."""
        return self._unless(lambda: self._known is not old)

    def now(self, seconds: float | None = None) -> Directory:
        """The directory, for who is no order, and holds this thread. It is not waited for an order that fetches it, or
        the two might wait for each other. `seconds`: by one try, for who waits at most so long. Raises as `get`."""
        fresh = self._fresh()
        return fresh if fresh is not None else finish(self._renewed(time.monotonic(), seconds))

    def look(self, seconds: float) -> Directory:
        """The directory as it is now, for somebody who waits at most so long. Raises as `get`."""
        return self._keep(finish(self._fetch(seconds)))

    def _unless(self, known: Callable[[], bool]) -> Waits[Directory]:
        """Fetched, unless it is `known`, or another order is fetching it."""
        began, wait = time.monotonic(), FIRST_WAIT
        while True:
            with self._lock:
                if self._known is not None and known():
                    return self._known
                if not self._fetching:
                    self._fetching = True
                    break
            yield wait
            wait = min(wait * 2, LONGEST_WAIT)
        try:
            return (yield from self._renewed(began, None))
        finally:
            self._fetching = False

    def _renewed(self, began: float, seconds: float | None) -> Waits[Directory]:
        """Fetched, for who asks since `began`. Several who ask at about the same time share one failure."""
        if self._trouble is not None and self._failed >= began - FAILED_FOR:
            same = self._trouble
            raise Failure(same.code, same.detail, same.retry_at, same.permanent, of_provider=same.of_provider)
        try:
            found = yield from self._fetch(seconds)
        except Failure as failure:
            failure.of_provider = True  # without its directory, a CA can't be asked for anything
            self._trouble, self._failed = failure, time.monotonic()
            raise
        return self._keep(found)

    def _fresh(self) -> Directory | None:
        """What is known, if that is believed."""
        return self._known if time.monotonic() - self._fetched <= LONGEST_AGE else None

    def _keep(self, found: Directory) -> Directory:
        with self._lock:
            self._known, self._fetched = found, time.monotonic()
        return found

    def _fetch(self, seconds: float | None) -> Waits[Directory]:
        answer = yield from self._wire.get(self._url, "fetching the CA's directory", seconds)
        self._wire.outward.came_from(answer.peer)
        return _parse(self._url, answer)


def _parse(url: str, answer: Answer) -> Directory:
    raw = answer.json()
    missing = [key for key in ("newNonce", "newAccount", "newOrder") if not isinstance(raw.get(key), str)]
    if missing:
        raise Failure("ca_not_acme", f"{url}: expected an ACME directory, but {missing[0]} is missing", permanent=True)
    meta = raw.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    identities = meta.get("caaIdentities")
    profiles = meta.get("profiles")
    return Directory(
        new_nonce=raw["newNonce"],
        new_account=raw["newAccount"],
        new_order=raw["newOrder"],
        revoke=_text(raw.get("revokeCert")),
        renewal_info=_text(raw.get("renewalInfo")),
        terms_url=_terms(url, _text(meta.get("termsOfService"))),
        eab_required=meta.get("externalAccountRequired") is True,
        caa_identities=tuple(str(one) for one in identities) if isinstance(identities, list) else (),
        profiles=tuple(str(one) for one in profiles) if isinstance(profiles, dict) else (),
        website=_text(meta.get("website")),
        address=answer.peer,
        persist=advertised(meta),
        date=http_date(answer.headers.get("date", "")),
    )


def _terms(url: str, terms: str | None) -> str | None:
    """What a person is asked to read and accept, which has to be something that can be read and compared."""
    if terms and (not terms.isprintable() or " " in terms or len(terms) > LONGEST_TERMS):
        words = f"{url}: expected the URL of terms of service, got {terms[:80]!r}"
        raise Failure("ca_not_acme", words, permanent=True)
    return terms or None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
