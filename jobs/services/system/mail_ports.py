"""Where a mail daemon is asked what it serves: at the ports on which its main process listens now."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from jobs import privileged
from jobs.ports import Endpoint

PROBED_LABEL = "autossl-probe"
"""A wildcard is asked for under this label."""

FRESH = 0.1
"""Seconds for which a reading of where a daemon listens is believed."""


def mail_endpoints(
    listeners: Sequence[privileged.Listener],
    names: Iterable[str],
    tls: Sequence[int],
    starttls: Sequence[int],
    protocol: str,
) -> list[Endpoint]:
    """One endpoint a name and port, of the ports `tls` and `starttls` that are listened on, each at one address
    (this host's own first). `protocol` is "imap" or "smtp"."""
    hosts: dict[int, str] = {}
    for listener in sorted(listeners, key=lambda one: one.host not in ("127.0.0.1", "::1")):
        hosts.setdefault(listener.port, listener.host)
    ways = [(port, None) for port in tls] + [(port, protocol) for port in starttls]
    return [
        Endpoint(hosts[port], port, name.replace("*", PROBED_LABEL, 1), how)
        for port, how in ways
        if port in hosts
        for name in names
    ]


def daemon_listeners(pid_file: str, program: str) -> tuple[privileged.Listener, ...]:
    """Where the daemon of `pid_file` accepts connections; none when it is not running."""
    pid = privileged.running_pid(Path(pid_file), program)
    return () if pid is None else privileged.listening(pid)


class Listening:
    """Where a daemon accepts connections. A thousand websites are probed in one go, and each reading takes 2 ms, so it
    is read anew when the last one is older than FRESH. May be used from several threads at once."""

    def __init__(self, pid_file: str, program: str) -> None:
        self._daemon = pid_file, program
        self._turn = threading.Lock()
        self._read_at: float | None = None
        self._found: tuple[privileged.Listener, ...] = ()

    def now(self) -> tuple[privileged.Listener, ...]:
        with self._turn:
            moment = time.monotonic()
            if self._read_at is None or moment - self._read_at > FRESH:
                self._found, self._read_at = daemon_listeners(*self._daemon), moment
            return self._found

    def forget(self) -> None:
        """Read anew at the next question: the daemon was reloaded."""
        with self._turn:
            self._read_at = None


def said(output: privileged.Output, lines: int = 6) -> str:
    """A program's first words, in one line."""
    return " / ".join(output.text.strip().splitlines()[:lines]) or f"exit {output.code}, without a word"
