"""How every daemon is started: its words go to a file, and it counts as up when its ports answer."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from jobs.policy.failure import Failure

DEADLINE = 30.0
"""Seconds until a daemon must answer. Only a machine under heavy load comes near it."""

LOGS = Path("/var/log/bench")
_SAYS_SO = b"container=autossl-private-host"
_SHORTEST, _LONGEST = 0.005, 0.2
_SHOWN = 15


def only_inside() -> None:
    """Refuse to touch this machine's own /etc: for a test that forgot to ask for a private host.

    Raises Failure("demo_failed") unless process 1 is the one that `jobs.demo.inside` is, or says that it runs there.
    """
    inside = b"/jobs/demo/inside.py" in Path("/proc/1/cmdline").read_bytes()
    with suppress(PermissionError):  # the environment of a process 1 that is none of ours
        inside = inside or _SAYS_SO in Path("/proc/1/environ").read_bytes().split(b"\0")
    if not inside:
        raise Failure("demo_failed", "daemons of the bench run inside a private host only", permanent=True)


def run(*command: str, stdin: str = "") -> str:
    """Run a program that ends by itself, and return what it wrote. Raises Failure("demo_failed") with its words."""
    ended = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=60)
    if ended.returncode != 0:
        said = " / ".join((ended.stderr + ended.stdout).strip().splitlines()[:_SHOWN])
        raise Failure("demo_failed", f"{' '.join(command)}: exit {ended.returncode}, it said: {said}")
    return ended.stdout


def start(
    name: str,
    command: Sequence[str],
    ports: Sequence[int] = (),
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start `command` and wait until each of `ports` answers at 127.0.0.1.

    Its output goes to LOGS (a pipe would stay open in whatever it leaves in the background). A command that goes to
    the background by itself ends with 0. Raises Failure("demo_failed") with the last lines of its log.
    """
    LOGS.mkdir(mode=0o755, exist_ok=True)
    log = LOGS / f"{name}.log"
    with log.open("ab") as sink:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, cwd=directory, pass_fds=pass_fds,
            env={**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})},
        )
    try:
        for port in ports:
            until(f"{name} on port {port}", partial(_answers, port), partial(_died, process))
    except Failure as failure:
        raise Failure("demo_failed", f"{failure.detail}; {log}: {_last_lines(log)}") from None
    return process


def until(what: str, ready: Callable[[], bool], gone: Callable[[], bool] = lambda: False) -> None:
    """Ask `ready` with growing pauses. Raises Failure("demo_failed") after DEADLINE, and at once when it is `gone`."""
    started, pause = time.monotonic(), _SHORTEST
    while not ready():
        if gone():
            raise Failure("demo_failed", f"{what}: it ended at once")
        if time.monotonic() - started > DEADLINE:
            raise Failure("demo_failed", f"{what}: no answer within {DEADLINE:g} s")
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _died(process: subprocess.Popen[bytes]) -> bool:
    return process.poll() not in (None, 0)


def _last_lines(log: Path) -> str:
    return " / ".join(log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-_SHOWN:]) or "nothing"
