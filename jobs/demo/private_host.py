"""Makes a private host: own network, own pids, own copies of /etc, /home, /root, /tmp and /var, own /run.

Whatever runs inside sees this machine's programs and may use any port and change any of those directories; the machine
itself sees nothing of it. A private host lives as long as its command, and no longer than its maker: it ends with it,
however that ends, and leaves no process, no mount and no file behind. Any number of them run side by side.

    ended = PrivateHost().run(["apache2ctl", "-S"], timeout=10)
    assert ended.code == 0, ended.said()
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from jobs.policy.failure import Failure

HOSTNAME = "panel.bench.test"
GRACE = 5.0
"""Seconds that a command gets to end by itself after Ctrl-C."""

_INSIDE = Path(__file__).with_name("inside.py")
_NAMESPACES = ("--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc")
_READY = "ready"


@dataclass(frozen=True)
class Ended:
    """How a command inside ended: its exit code (128 + n after signal n) and what it wrote."""

    code: int
    stdout: str
    stderr: str

    def said(self) -> str:
        """Everything that helps to see why it failed."""
        return f"exit {self.code}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


@dataclass(frozen=True)
class PrivateHost:
    """What the private host is like. `environment` is set in addition to the caller's; `directory` is where the
    command begins (default: where the caller is)."""

    hostname: str = HOSTNAME
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None

    def run(
        self, command: Sequence[str], *, timeout: float, stdin: str = "", pass_fds: Sequence[int] = ()
    ) -> Ended:
        """Run `command` inside and return what it wrote. Raises Failure("demo_impossible"), and TimeoutError with
        what was written until then after `timeout` seconds, when everything inside was ended."""
        pipe = subprocess.PIPE
        with _Running(self, command, pass_fds, pipe, pipe, pipe) as running:
            try:
                stdout, stderr = running.process.communicate(stdin, timeout)
            except subprocess.TimeoutExpired:
                running.end()
                stdout, stderr = running.process.communicate()
                ended = Ended(running.code(), stdout, stderr)
                raise TimeoutError(f"{command[0]}: no end after {timeout:g} s; {ended.said()}") from None
            return Ended(running.code(), stdout, stderr)

    def attach(self, command: Sequence[str], pass_fds: Sequence[int] = ()) -> int:
        """Run `command` inside with this process's own stdin, stdout and stderr; its exit code.

        Ctrl-C reaches the command as well (the terminal sends it to both); it may take GRACE seconds to end.
        Raises Failure("demo_impossible").
        """
        with _Running(self, command, pass_fds, None, None, None) as running:
            try:
                running.process.wait()
            except KeyboardInterrupt:
                running.wait_a_little()
            return running.code()


class _Running:
    """One private host from its start to its certain end."""

    def __init__(
        self, host: PrivateHost, command: Sequence[str], pass_fds: Sequence[int], *stdio: int | IO[bytes] | None
    ) -> None:
        if os.geteuid() != 0:
            raise _impossible("only root may make one; run it as root, or with sudo")
        unshare = shutil.which("unshare", path="/usr/bin:/bin")
        if unshare is None:
            raise _impossible("the program unshare (package util-linux) is missing")
        self._lifeline, theirs = socket.socketpair()
        with theirs:
            inner = [sys.executable, "-I", "-S", str(_INSIDE), str(theirs.fileno()), host.hostname, *command]
            self.process: subprocess.Popen[str] = subprocess.Popen(
                [unshare, *_NAMESPACES, *inner],
                stdin=stdio[0], stdout=stdio[1], stderr=stdio[2], text=True, errors="replace",
                pass_fds=[theirs.fileno(), *pass_fds], cwd=host.directory,
                env={**os.environ, **host.environment},
            )
        self._unshare = unshare

    def __enter__(self) -> _Running:
        """Wait until the command was started, however long the machine takes; an end without `ready` is a failure."""
        try:
            answer = b""
            while not answer.endswith(b"\n") and (part := self._lifeline.recv(4096)):
                answer += part
        except BaseException:
            self.__exit__()
            raise
        words = answer.decode("utf-8", "replace").strip()
        if words != _READY:
            self.__exit__()
            raise _impossible(words or self._refusal())
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        self.process.wait()

    def end(self) -> None:
        """End everything inside: process 1 is killed with `unshare`, and ends by itself when the lifeline closes."""
        self.process.kill()
        self._lifeline.close()

    def wait_a_little(self) -> None:
        """Give the command GRACE seconds; a second Ctrl-C ends it at once."""
        try:
            self.process.wait(GRACE)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            self.end()

    def code(self) -> int:
        code = self.process.wait()
        return code if code >= 0 else 128 - code

    def _refusal(self) -> str:
        """The system's own words for why there are no namespaces here."""
        trial = subprocess.run(
            [self._unshare, *_NAMESPACES, "true"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        return trial.stderr.strip() or "the system ended it at once"


def _impossible(why: str) -> Failure:
    return Failure("demo_impossible", f"a private host can't be made here: {why}", permanent=True)
