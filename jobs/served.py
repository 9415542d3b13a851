"""What services serve now beside what is installed: looked at many at a time, within a time.

Nothing is written here, and nothing is asked but by handshakes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from jobs import privileged
from jobs.policy.certificate import Certificate
from jobs.policy.failure import Failure
from jobs.policy.proof import read_certificate, read_der
from jobs.policy.served_watch import Look, Seen, Shown, judged
from jobs.policy.site import Website
from jobs.ports import Place, Served, ServiceTarget
from jobs.store import LEAF, set_damage

AT_ONCE = 12


@dataclass(frozen=True)
class Watched:
    """A website on a service; `key` is the caller's own."""

    key: int
    service: ServiceTarget
    website: Website


def look(items: Sequence[Watched], place: Place, seconds: float) -> dict[int, Look]:
    """What each of `items` serves, by key. Begun are those for which there is time; who waits for an address at which
    nobody answers ends by its own limit. Those that were not begun are missing."""
    ends = time.monotonic() + seconds
    begun: dict[int, Future[Look]] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for item in items:
            begun[item.key] = pool.submit(_looked_at, item, place)
        wait(begun.values(), timeout=max(ends - time.monotonic(), 0))
        for future in begun.values():
            future.cancel()  # what runs already goes on
    return {key: future.result() for key, future in begun.items() if not future.cancelled()}


def _looked_at(item: Watched, place: Place) -> Look:
    directory = place.link(item.website.main, item.service.name)
    damage = set_damage(directory)
    if damage:
        return Look(Seen.DAMAGED, None, damage)
    try:
        expected = _installed(place, item)
        answers = item.service.probe(item.website, expected)
    except Failure as failure:
        seen = Seen.IDLE if failure.code == "service_not_running" else Seen.UNKNOWN
        return Look(seen, None, failure.detail)
    return judged(expected, [_shown(answer) for answer in answers])


def _installed(place: Place, item: Watched) -> Certificate:
    path = place.link(item.website.main, item.service.name) / LEAF
    content = privileged.read(path)
    if content is None:
        raise Failure("unreadable", f"{path}: there is no such file")
    return read_certificate(content)


def _shown(answer: Served) -> Shown:
    certificate, detail = None, answer.detail
    if answer.leaf is not None:
        try:
            certificate = read_der(answer.leaf)
        except Failure as failure:
            detail = failure.detail
    return Shown(str(answer.endpoint), answer.fingerprint, certificate, detail)
