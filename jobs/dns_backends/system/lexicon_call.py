"""One change at a DNS service by the library dns-lexicon, in a process of its own: `python -m` this module.

The library knows ninety services, each by code of its own, with no time limit to its requests and words of its own for
what goes wrong. Apart, it can be stopped, sees neither the environment nor the arguments of the panel, and writes no
log. What is to be done is read from stdin, as JSON; the last line of stdout is the outcome. Of an error that nobody
foresaw that is its type and its words.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from types import TracebackType
from typing import Any

import dns.name
import dns.resolver
from lexicon.client import Client
from lexicon.config import ConfigResolver
from lexicon.exceptions import AuthenticationError, ProviderNotAvailableError

from jobs.dns_backends.system.values import means, value_of
from jobs.policy.failure import Failure
from jobs.ports import Record

_FIRST, _LONGEST = 0.2, 3.0
"""Seconds between two looks at what a service shows, growing."""

_LONGEST_WORDS = 600


@dataclass(frozen=True)
class Job:
    """`config`: the library's; with the service's name under `provider_name`, and its own options under that name."""

    config: dict[str, Any]
    zone: str
    record: Record
    present: bool
    patience: float
    """Seconds in which the service has to show the change."""


@dataclass(frozen=True)
class Outcome:
    """`code`: of a Failure; empty: it is done."""

    code: str = ""
    text: str = ""


@dataclass(frozen=True)
class _Listed:
    """A value as the service shows it; `content` is how it wants to hear of it."""

    content: str
    ttl: int | None


class _Config(ConfigResolver):
    """The TTL is that of the set, as soon as that is known."""

    def __init__(self, ttl: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.ttl = ttl

    def resolve(self, config_key: str) -> Any:
        return self.ttl if config_key == "lexicon:ttl" else super().resolve(config_key)


class _Set:
    """The values of one name and kind at the service."""

    def __init__(self, operations: Any, job: Job) -> None:
        self._operations = operations
        self._job = job
        record, zone = job.record, job.zone
        relative = record.name.removesuffix(zone).rstrip(".")
        self._names = {record.name, relative or "@", relative}

    def listed(self) -> list[_Listed]:
        """Services filter as they like, and name the owner in full or below the zone."""
        record = self._job.record
        found = self._operations.list_records(record.kind, record.name)
        return [
            _Listed(str(one.get("content", "")), _whole(one.get("ttl")))
            for one in found
            if one.get("type") == record.kind and str(one.get("name", "")).rstrip(".").lower() in self._names
        ]

    def ours(self, found: Sequence[_Listed]) -> list[_Listed]:
        return [one for one in found if _same(self._job.record, one.content)]

    def others(self, found: Sequence[_Listed]) -> list[str]:
        return [one.content for one in found if not _same(self._job.record, one.content)]

    def create(self, content: str) -> None:
        record = self._job.record
        self._operations.create_record(record.kind, record.name, content)

    def delete(self, content: str) -> None:
        """Always with the value, for without one the whole set would go."""
        record = self._job.record
        self._operations.delete_record(rtype=record.kind, name=record.name, content=content)

    def settled(self, done: Callable[[list[_Listed]], bool]) -> list[_Listed]:
        """What is shown once it is as it should be, or when the patience is over."""
        wait, end = _FIRST, time.monotonic() + self._job.patience
        while not done(found := self.listed()) and time.monotonic() + wait < end:
            time.sleep(wait)
            wait = min(wait * 1.5, _LONGEST)
        return found


def change(job: Job) -> Outcome:
    """Put the value beside what stands there, or take it away; and see that the service shows it so."""
    known = {"domain": job.zone, "delegated": job.zone, "resolve_zone_name": True}
    config = _Config(job.record.ttl)
    with Client(config.with_dict({**job.config, **known})) as operations:
        values = _Set(operations, job)
        before = values.listed()
        if bool(values.ours(before)) is job.present:
            return Outcome()
        config.ttl = next((one.ttl for one in before if one.ttl), job.record.ttl)
        return _added(values, job, before) if job.present else _removed(values, job, before)


def _added(values: _Set, job: Job, before: list[_Listed]) -> Outcome:
    values.create(job.record.value)
    others = values.others(before)
    after = values.settled(lambda found: bool(values.ours(found)) and not _lost(others, values.others(found)))
    lost = _lost(others, values.others(after))
    if values.ours(after) and not lost:
        return Outcome()
    for one in values.ours(after) or [_Listed(job.record.value, None)]:
        values.delete(one.content)
    if lost:
        return _restored(values, others, job)
    words = f"the service took {job.record.name} {job.record.kind} without a complaint, but does not show it; it was "
    return Outcome("zone_change_not_served", f"{words}told to take it back")


def _removed(values: _Set, job: Job, before: list[_Listed]) -> Outcome:
    for one in values.ours(before):
        values.delete(one.content)
    others = values.others(before)
    after = values.settled(lambda found: not values.ours(found))
    if _lost(others, values.others(after)):
        return _restored(values, others, job)
    if values.ours(after):
        words = f"the service was told to remove a value at {job.record.name} {job.record.kind}, but shows it still"
        return Outcome("zone_change_not_served", words)
    return Outcome()


def _restored(values: _Set, others: list[str], job: Job) -> Outcome:
    """Put back what the service took away beside what it was told."""
    for content in _lost(others, values.others(values.listed())):
        values.create(content)
    after = values.settled(lambda found: not _lost(others, values.others(found)))
    words = f"{job.record.name} {job.record.kind}: the service took other values of the set away"
    left = _lost(others, values.others(after))
    if left:
        return Outcome("zone_not_restored", f"{words}; not put back: {', '.join(left)[:_LONGEST_WORDS]}")
    return Outcome("dns_backend_replaces", f"{words}; they were put back")


def _lost(before: Sequence[str], after: Sequence[str]) -> list[str]:
    return [content for content in before if content not in after]


def _same(record: Record, content: str) -> bool:
    """Whether a value as a service shows it, with quotes or without, is the record's."""
    if record.kind == "TXT":
        return content.strip().strip('"') == record.value
    try:
        return means(value_of(record.kind, content), value_of(record.kind, record.value))
    except Failure:
        return False


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def outcome(job: Job) -> Outcome:
    """The change, and what the service or the library says against it. requests' errors are OSErrors."""
    try:
        return change(job)
    except ProviderNotAvailableError as error:
        extras = metadata.metadata("dns-lexicon").get_all("Provides-Extra") or ()
        known = job.config["provider_name"] in extras
        return Outcome("dns_backend_extra_missing" if known else "option_invalid", str(error))
    except AuthenticationError as error:
        return Outcome("dns_backend_denied", str(error))
    except OSError as error:
        answer = getattr(error, "response", None)
        if answer is None:
            asked = getattr(error, "request", None) is not None  # by requests, which got no answer
            code = "dns_backend_unreachable" if asked else "dns_backend_service_failed"
            return Outcome(code, f"{type(error).__name__}: {error}")
        said = " ".join(str(answer.text).split())[:_LONGEST_WORDS] or "nothing more"
        code = "dns_backend_denied" if answer.status_code in (401, 403) else "dns_backend_service_failed"
        return Outcome(code, f"{error}; it said: {said}")


def _tell(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    print(" ".join(f"{kind.__name__}: {error}".split()))  # noqa: T201


def main() -> None:
    """The library looks up in the world's DNS where a zone begins, or guesses it from a list that it fetches; but that
    is known, and may not be so out there yet."""
    sys.excepthook = _tell
    logging.disable(logging.CRITICAL)
    dns.resolver.zone_for_name = lambda name, *_, **__: dns.name.from_text(str(name))
    given = json.load(sys.stdin)
    done = outcome(Job(**{**given, "record": Record(**given["record"])}))
    print(json.dumps(asdict(done)))  # noqa: T201


if __name__ == "__main__":
    main()
