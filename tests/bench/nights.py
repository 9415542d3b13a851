"""Inside a private host: one subject has nights over websites whose certificates are good, and is timed.

`python -m tests.bench.nights SUBJECT WEBSITES NIGHTS FD`. Writes to FD as JSON a list of what each night took.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jobs.demo.daemons.pebble import Pebble
from jobs.demo.product import CODE
from tests.bench import issue_host, night_host
from tests.bench.issue_host import Site
from tests.bench.pebble import start_bench_pebble
from tests.bench.peers.kept import CertbotRenews, DehydratedKeeps, Keeper, LegoRenews
from tests.bench.spent import Commands

Night = dict[str, Any]
"""`seconds`, `cpu` (seconds), `memory` (MB of the largest process), `opened` (files, by all processes, None where
nobody could count); of ours by `due` and `check`, with `inside` as `tests.bench.night_asked` tells it."""

PEERS: dict[str, Callable[[], Keeper]] = {
    "certbot renew": CertbotRenews, "lego renew, one by one": LegoRenews, "dehydrated -c": DehydratedKeeps,
}
OURS = "ours"
_COUNTING = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=open,openat,openat2"]
_OPENED = re.compile(r"= \d+$", re.MULTILINE)


def peers_nights(peer: Keeper, sites: Sequence[Site], ca: Pebble, nights: int) -> list[Night]:
    """Raises RuntimeError where it did not leave each certificate as it is."""
    stands = night_host.bundles(sites)
    peer.fill(sites, ca, stands)
    found = []
    for _ in range(nights):
        commands = Commands(Path(tempfile.mkstemp(suffix=".log")[1]))
        found.append(_timed(commands, lambda commands=commands: commands.run_all(peer.night(sites))))
        said = len(peer.kept.findall(commands.log.read_text(encoding="utf-8", errors="replace")))
        if said != len(sites):
            raise RuntimeError(f"of {len(sites)} certificates it says of {said} that they are good: {commands.log}")
    found[0]["opened"] = _opened(peer.night(sites))
    if any(peer.chains(sites)[main] != bundle.fullchain.decode("ascii") for main, bundle in stands.items()):
        raise RuntimeError("it has other certificates than before")
    return found


def our_nights(sites: Sequence[Site], ca: Pebble, nights: int) -> list[Night]:
    """Raises RuntimeError where a check did not keep each certificate."""
    directory = str(night_host.quiet(sites, ca, night_host.bundles(sites)).product.instance)
    found = [{what: _asked(directory, what) for what in ("due", "check")} for _ in range(nights)]
    for night in found:
        totals = night["check"]["inside"]["totals"]
        if totals.get("kept") != len(sites):
            raise RuntimeError(f"expected {len(sites)} websites kept, got {totals}")
    return found


def _asked(directory: str, what: str) -> Night:
    commands = Commands()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as sink:
        words = [sys.executable, "-m", "tests.bench.night_asked", str(sink.fileno()), directory, what]
        night = _timed(commands, lambda: commands.run(words, {"PYTHONPATH": str(CODE)}, [sink.fileno()]))
        sink.seek(0)
        return {**night, "inside": json.load(sink)}


def _timed(commands: Commands, work: Callable[[], None]) -> Night:
    with commands.memory_read():
        began = time.monotonic()
        work()
        seconds = time.monotonic() - began
    return {"seconds": seconds, "cpu": commands.cpu, "memory": commands.memory, "opened": None}


def _opened(night: Sequence[Sequence[str]]) -> int | None:
    """By all processes of one more night, which strace slows down; None where there is none."""
    if shutil.which(_COUNTING[0]) is None:
        return None
    with tempfile.NamedTemporaryFile("r", encoding="utf-8", errors="replace") as trace:
        commands = [[*_COUNTING, "-A", "-o", trace.name, *command] for command in night]
        Commands().run_all(commands)
        return len(_OPENED.findall(trace.read()))


def main(words: Sequence[str]) -> None:
    name, count, nights, sink = words
    sites, ca = issue_host.prepare(int(count), 1), start_bench_pebble()
    found = our_nights(sites, ca, int(nights)) if name == OURS else peers_nights(PEERS[name](), sites, ca, int(nights))
    with os.fdopen(int(sink), "w", encoding="utf-8") as told:
        json.dump(found, told)


if __name__ == "__main__":
    main(sys.argv[1:])
