"""What all conversations with the root side share: what this host says of itself, and how much of it is worked at."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime

from jobs.policy import root_contract
from jobs.policy.discovery import Found
from jobs.policy.failure import Failure
from jobs.policy.root_contract import Known
from jobs.ports import AccountSource, Place, ServiceTarget
from jobs.rootside.quota import Quota
from jobs.wiring.instance import Instance
from jobs.wiring.parts import services, sources
from jobs.wiring.root_trust import Trust

PROGRAMS = 2
"""Questions for which programs of services are started, at a time, whoever asks."""

RELOADS, BETWEEN_RELOADS = 20, 10.0
"""So often a service is reloaded at once, and then once in so many seconds: whoever wants more waits."""

CHANGES, BETWEEN_CHANGES = 500, 0.5
"""The same for values in zones, each of which is a reload of its zone."""

FRESH, RECENT = 5.0, 60.0
"""Seconds for which what a web server said of its websites holds: where something is changed by it, and else."""


@dataclass
class RootHost:
    """`instance`: the root side's own."""

    instance: Instance
    clock: Callable[[], datetime]
    trust: Trust
    pause: Callable[[float], object] = time.sleep
    asked: dict[str, float] = field(default_factory=dict)
    """When a service was reloaded on mere demand (`time.monotonic`), by its name."""
    _programs: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(PROGRAMS))
    _reloads: dict[str, Quota] = field(default_factory=dict)
    _changes: Quota = field(default_factory=lambda: Quota(CHANGES, BETWEEN_CHANGES))
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _found: dict[str, tuple[float, Found]] = field(default_factory=dict)
    _known: Known | None = None

    @property
    def place(self) -> Place:
        return self.instance.place

    def services(self) -> dict[str, ServiceTarget]:
        """Made anew: each one keeps what it read, and serves one thread at a time."""
        return {service.name: service for service in services(self.instance)}

    @contextmanager
    def programs(self) -> Iterator[None]:
        """For a block that starts programs of services."""
        with self._programs:
            yield

    def wait_for_reload(self, service: str) -> None:
        """Returns when the service may be reloaded once more. Only for whoever changes something: one at a time."""
        quota = self._reloads.setdefault(service, Quota(RELOADS, BETWEEN_RELOADS))
        while left := quota.take():
            self.pause(left)

    def wait_for_change(self) -> None:
        """The same for a value in a zone."""
        while left := self._changes.take():
            self.pause(left)

    def find(self, name: str) -> Found:
        """What a source says now. Raises Failure."""
        source = next((one for one in sources(self.instance) if one.name == name), None)
        if source is None:
            raise root_contract.refused(f"{name[:40]!r}: there is no such source on this host")
        with self._lock:
            return self._ask(source)

    def known(self, within: float) -> Known:
        """The websites by this host's own word, which is at most `within` seconds old. A source that can't be read now
        stays with what it said last. Raises Failure where it has said nothing yet."""
        with self._lock:
            present = {source.name: source for source in sources(self.instance)}
            oldest = time.monotonic() - within
            for name, source in present.items():
                if name not in self._found:
                    self._ask(source)
                elif self._found[name][0] < oldest:
                    with suppress(Failure):
                        self._ask(source)
            if self._found.keys() - present.keys():
                self._found = {name: self._found[name] for name in present}
                self._known = None
            if self._known is None:
                self._known = root_contract.known([found for _, found in self._found.values()])
            return self._known

    def _ask(self, source: AccountSource) -> Found:
        began, remarks = time.monotonic(), getattr(source, "remarks", tuple)
        found = Found(source.name, tuple(source.accounts()), tuple(source.websites()), tuple(remarks()))
        self._found[source.name] = began, found
        self._known = None
        return found
