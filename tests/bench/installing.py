"""Inside a private host: the install step of many websites on one service, as a process of its own, and timed.

`python -m tests.bench.installing WEBSITES FD` prepares the host (accounts, vhosts, daemons, an instance, and in its
store a set a website of a CA that is made here), has every service get them, then new sets as at a renewal, and writes
what was found to FD. `python -m tests.bench.installing one SERVICE ROUND FD` is the process that is measured.
"""

from __future__ import annotations

import json
import os
import pickle
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from jobs import install, privileged
from jobs.demo.accounts import add_user
from jobs.demo.daemons import apache, dovecot, exim
from jobs.demo.product import INSTANCE, Product
from jobs.install import Item
from jobs.policy.proof import read_certificate
from jobs.policy.site import Website
from jobs.ports import ServiceTarget
from jobs.privileged import programs as programs_of
from jobs.store import store
from jobs.wiring.instance import now, open_instance
from jobs.wiring.kept_files import KeptFiles
from jobs.wiring.parts import key_group, services
from tests.authority import Authority
from tests.bench.spent import highest, of_daemon

SERVICES = {"apache": "apache2", "dovecot": "dovecot", "exim": "exim4"}
"""And the name of the daemon's processes."""

ROUNDS = ("first", "renewal")
"""The websites are new to the service; and it has them, and gets the next set of each."""

OF_ACCOUNT = 20
LABELS = ("www",)
_LONGEST = 600
_WORK = Path("/var/lib/bench-install")


@dataclass
class Clock:
    """Seconds of the wall clock in which one thing was going on, in however many threads."""

    began: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def running(self) -> Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            with self.lock:
                self.began.append(start)
                self.ended.append(time.monotonic())


def union(*kinds: Clock) -> float:
    """Seconds in which at least one of them was going on."""
    total, until = 0.0, 0.0
    for start, end in sorted(pair for kind in kinds for pair in zip(kind.began, kind.ended, strict=True)):
        total += max(end - max(start, until), 0.0)
        until = max(until, end)
    return total


@dataclass(frozen=True)
class Installed:
    """One run. `wall`: of the step; of it `programs` in the daemon's own programs (its test, its questions), `reload`
    until the service's reload returned, `handshakes` while any was made; `own` is the rest. `cpu`: of this process,
    `programs_cpu` of what it started, `daemon_cpu` of the daemon. Seconds; `memory` in MB, at the highest."""

    wall: float
    programs: float
    tests: int
    reload: float
    handshakes: float
    probes: int
    own: float
    cpu: float
    programs_cpu: float
    daemon_cpu: float
    memory: float
    failed: list[str]


def measure_one(name: str, items: Sequence[Item]) -> Installed:
    """Install them, here and now. The clocks sit on the seams: programs, the service's reload, and handshakes."""
    instance = open_instance(INSTANCE)
    (service,) = [one for one in services(instance) if one.name == name]
    programs, reload, handshakes = Clock(), Clock(), Clock()
    programs_of.ended_within = _clocked(programs, programs_of.ended_within)
    privileged.probe = _clocked(handshakes, privileged.probe)
    service.reload = _clocked(reload, service.reload)  # type: ignore[method-assign]
    before, child_before, began = _cpu(resource.RUSAGE_SELF), _cpu(resource.RUSAGE_CHILDREN), time.monotonic()
    daemon = of_daemon(SERVICES[name])[0]
    outcomes = install.install(service, items, instance.place, KeptFiles(instance.place).before)
    wall = time.monotonic() - began
    return Installed(
        wall=wall, programs=union(programs), tests=len(programs.began), reload=union(reload),
        handshakes=union(handshakes), probes=len(handshakes.began),
        own=wall - union(programs, reload, handshakes), cpu=_cpu(resource.RUSAGE_SELF) - before,
        programs_cpu=_cpu(resource.RUSAGE_CHILDREN) - child_before,
        daemon_cpu=of_daemon(SERVICES[name])[0] - daemon,
        memory=highest(os.getpid()),
        failed=[f"{one.website}: {one.text}" for one in outcomes if one.state != "installed"],
    )


def _clocked(clock: Clock, act: Callable[..., Any]) -> Callable[..., Any]:
    def acted(*words: Any, **more: Any) -> Any:
        with clock.running():
            return act(*words, **more)

    return acted


def _cpu(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def prepare(count: int) -> None:
    """A server with that many websites, without TLS yet, and its daemons; and the product as after `setup`."""
    sites = [Website(f"acc{number // OF_ACCOUNT}", _names(number)) for number in range(count)]
    for account, own in groupby(sites, lambda site: site.account):
        docroot = add_user(account)
        apache.add_vhosts(account, "".join(apache.plain_vhost(docroot, *site.names) for site in own))
    apache.start_apache()
    dovecot.start_dovecot()
    exim.start_exim([site.main for site in sites])
    product = Product()
    product.make()
    product.run("setup")
    _WORK.mkdir(mode=0o700)
    _stored(sites)


def _names(number: int) -> tuple[str, ...]:
    domain = f"site{number}.test"
    return domain, *(f"{label}.{domain}" for label in LABELS)


def _stored(sites: Sequence[Website]) -> None:
    """Two sets a website, and who has to install which."""
    instance = open_instance(INSTANCE)
    group, authority = key_group(services(instance)), Authority("Bench", now())
    for around in ROUNDS:
        items = []
        for site in sites:
            bundle = authority.bundle(site.names)
            certificate = read_certificate(bundle.leaf)
            items.append(Item(site, certificate, store(instance.place, site.main, bundle, certificate, group)))
        (_WORK / around).write_bytes(pickle.dumps(items))
    instance.close()


def reload_alone(service: ServiceTarget, item: Item) -> float:
    """Seconds from a reload that nobody of ours has anything to do with until the service shows its certificates."""
    began = time.monotonic()
    service.reload()
    service.probe(item.website, item.certificate)
    return time.monotonic() - began


def _alone() -> dict[str, dict[str, float]]:
    """What each daemon takes by itself, now that it has all the websites: its own test, and its reload."""
    commands = {
        "apache": ["apache2ctl", "configtest"],
        "dovecot": ["doveconf", "-x", "-n"],
        "exim": ["exim4", "-bV"],
    }
    found: dict[str, dict[str, float]] = {}
    instance = open_instance(INSTANCE)
    item = pickle.loads((_WORK / ROUNDS[-1]).read_bytes())[0]
    for service in services(instance):
        if service.name in commands:
            began = time.monotonic()
            subprocess.run(commands[service.name], check=True, capture_output=True)
            test = time.monotonic() - began
            found[service.name] = {"test": test, "reload": reload_alone(service, item)}
    instance.close()
    return found


def main(words: Sequence[str]) -> None:
    if words[0] == "one":
        _, name, around, sink = words
        items = pickle.loads((_WORK / around).read_bytes())
        _write(int(sink), asdict(measure_one(name, items)))
        return
    count, sink = words
    prepare(int(count))
    found = {around: {name: _apart(name, around) for name in SERVICES} for around in ROUNDS}
    _write(int(sink), {"rounds": found, "alone": _alone()})


def _apart(name: str, around: str) -> Any:
    path = _WORK / f"{name}-{around}.json"
    with path.open("w+", encoding="utf-8") as sink:
        command = [sys.executable, "-m", "tests.bench.installing", "one", name, around, str(sink.fileno())]
        subprocess.run(command, check=True, pass_fds=[sink.fileno()], timeout=_LONGEST)
        sink.seek(0)
        return json.load(sink)


def _write(descriptor: int, found: Any) -> None:
    with os.fdopen(descriptor, "w", encoding="utf-8") as sink:
        json.dump(found, sink)


if __name__ == "__main__":
    main(sys.argv[1:])
