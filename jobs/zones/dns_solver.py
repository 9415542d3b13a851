"""Answers dns-01 challenges (RFC 8555 section 8.4): one TXT value a challenge, added beside what stands there."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence

from jobs.policy.failure import Failure
from jobs.ports import Record
from jobs.preflight.resolver import Lookup, servers, system_servers
from jobs.zones import kept
from jobs.zones.authoritative import seen_everywhere
from jobs.zones.place import challenge_place
from jobs.zones.serving import Serving, Zones
from jobs.zones.writing import put, take

TTL = 60
LONGEST_WAIT = 120.0
"""Seconds in which every authoritative server has to show a value."""

Say = Callable[[Failure], None]


def txt_value(key_authorization: str) -> str:
    """base64url of the SHA-256 of the key authorization, without padding."""
    return urlsafe_b64encode(hashlib.sha256(key_authorization.encode("ascii")).digest()).rstrip(b"=").decode()


class DnsSolver:
    """Of one run; safe from several threads. `say` hears of a value that could not be taken away: it stays on the list
    and is swept at the next start."""

    def __init__(self, zones: Zones, resolvers: Sequence[str], timeout: float, say: Say) -> None:
        self._zones = zones
        self._resolvers = resolvers
        self._timeout = timeout
        self._say = say
        self._lock = threading.Lock()
        self._put: dict[tuple[str, str], tuple[Serving, Record]] = {}

    def present(self, name: str, token: str, key_authorization: str) -> None:
        """Raises Failure("dns01_not_served"), Failure("dns01_lookup_failed") and so on, and what a backend raises; each
        says that it is about `name`."""
        place = asyncio.run(challenge_place(self._lookup(), self._zones, name))
        if place.trouble:
            raise _about(name, Failure(place.trouble.code, place.trouble.text))
        if place.serving is None:
            words = f"{name}: no DNS backend of this host serves {place.owner}, so it can't be validated by DNS"
            raise _about(name, Failure("dns01_not_served", words, permanent=True))
        record = Record(place.owner, "TXT", txt_value(key_authorization), TTL)
        with self._lock:
            self._put[name, token] = (place.serving, record)
        try:
            put(place.serving, record, kept.CHALLENGE, None)
        except Failure as failure:
            raise _about(name, failure) from failure

    def settle(self, name: str, token: str) -> None:
        """Raises Failure("dns01_not_everywhere"), which names the server that lags behind."""
        serving, record = self._put[name, token]
        findings = asyncio.run(seen_everywhere(self._lookup(), serving.zone, record, True, LONGEST_WAIT))
        if findings:
            words = f"{name}: " + "; ".join(finding.text for finding in findings)
            raise _about(name, Failure(findings[0].code, words))

    def clean(self, name: str, token: str) -> None:
        with self._lock:
            found = self._put.pop((name, token), None)
        if found is None:
            return
        try:
            take(self._zones, found[1])
        except Failure as failure:
            self._say(failure)

    def _lookup(self) -> Lookup:
        """A new one each time: an older answer must not be believed, and a loop of asyncio has its own."""
        asked = servers(self._resolvers) or system_servers()
        return Lookup(asked, authoritative=not self._resolvers, timeout=self._timeout)


def _about(name: str, failure: Failure) -> Failure:
    """The same, for one name only: the others are ordered without it."""
    return Failure(failure.code, failure.detail, failure.retry_at, failure.permanent, {name: failure.detail})
