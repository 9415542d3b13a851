"""Answers dns-01 challenges (RFC 8555 section 8.4): one TXT value a challenge, added beside what stands there."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from jobs.crash_points import edges
from jobs.policy.failure import Failure
from jobs.policy.finding import Finding
from jobs.ports import Record, Waits
from jobs.preflight.resolver import Lookup, lookup_by
from jobs.preflight.wire import Server
from jobs.zones import kept
from jobs.zones.authoritative import seen_everywhere
from jobs.zones.place import challenge_place, not_served
from jobs.zones.serving import Zones
from jobs.zones.watching import Watching
from jobs.zones.writing import put, take

TTL = 60
LONGEST_WAIT = 120.0
"""Seconds after a value was put in which every authoritative server has to show it."""

_LEAST = 5.0
"""Seconds that a value is waited for in any case: the others of its order may have taken all the time."""

Say = Callable[[Finding], None]


def txt_value(key_authorization: str) -> str:
    """base64url of the SHA-256 of the key authorization, without padding."""
    return urlsafe_b64encode(hashlib.sha256(key_authorization.encode("ascii")).digest()).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class _Put:
    """`since`: of the monotonic clock, when the backend was done."""

    record: Record
    since: float


class DnsSolver:
    """Of one run; safe from several threads. `say` hears of name servers that were left aside, and of a value that
    could not be taken away: that one stays on the list and is swept later. Every Failure is about its name only."""

    def __init__(self, zones: Zones, resolvers: Sequence[str], timeout: float, say: Say) -> None:
        self._zones = zones
        self._resolvers = resolvers
        self._timeout = timeout
        self._say = say
        self._lock = threading.Lock()
        self._put: dict[tuple[str, str], _Put] = {}
        self._aside: frozenset[Server] = frozenset()
        self._told: set[Finding] = set()
        """Remarks: several orders may find the same, at the same time."""
        self._watching = Watching()

    def present(self, name: str, token: str, key_authorization: str) -> None:
        """Raises Failure("dns01_not_served"), Failure("dns01_lookup_failed") and so on, and what a backend raises."""
        with _about(name):
            place = asyncio.run(challenge_place(self._lookup(), self._zones, name))
            if place.trouble:
                raise Failure(place.trouble.code, f"{name}: {place.trouble.text}")
            if place.serving is None:
                words = f"{name}: {not_served(self._zones)} {place.owner}, so it can't be validated by DNS"
                raise Failure("dns01_not_served", words, permanent=True)
            record = Record(place.owner, "TXT", txt_value(key_authorization), TTL)
            self._remember(name, token, record)
            with edges("place challenge"):
                put(place.serving, record, kept.CHALLENGE, None)
            self._remember(name, token, record)

    def settle(self, name: str, token: str) -> Waits[None]:
        """Raises Failure("dns01_not_everywhere"), which names the server that lags behind. A value that is gone again
        was that of an authorization which two orders share, and the other one was quicker."""
        with self._lock:
            found, aside = self._put.get((name, token)), self._aside
        if found is None:
            return
        left = max(found.since + LONGEST_WAIT - time.monotonic(), _LEAST)
        with _about(name):
            lookup = self._lookup()
        look = partial(seen_everywhere, lookup, found.record, True, left, aside)
        seen = yield from self._watching.until(look)
        with self._lock:
            fresh = [remark for remark in seen.remarks if remark not in self._told]
            self._told.update(fresh)
            self._aside |= seen.aside
        for remark in fresh:
            self._say(remark)
        if seen.against:
            words = f"{name}: " + "; ".join(finding.text for finding in seen.against)
            raise Failure(seen.against[0].code, words, names={name: words})

    def clean(self, name: str, token: str) -> None:
        with self._lock:
            found = self._put.pop((name, token), None)
        if found is None:
            return
        try:
            with edges("remove challenge"):
                take(self._zones, found.record)
        except Failure as failure:
            self._say(Finding(failure.code, failure.detail))

    def _remember(self, name: str, token: str, record: Record) -> None:
        with self._lock:
            self._put[name, token] = _Put(record, time.monotonic())

    def _lookup(self) -> Lookup:
        """A new one each time: an older answer must not be believed, and a loop of asyncio has its own."""
        return lookup_by(self._resolvers, self._timeout)


@contextmanager
def _about(name: str) -> Iterator[None]:
    """A failure of one name only: the others are ordered without it."""
    try:
        yield
    except Failure as failure:
        names = {name: failure.detail}
        raise Failure(failure.code, failure.detail, failure.retry_at, failure.permanent, names) from failure
