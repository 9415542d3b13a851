"""Outside: what the demo needs of this machine, then the private host in which its story is told."""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from jobs.demo import packages
from jobs.demo.private_host import PrivateHost
from jobs.demo.product import CODE, PANEL_PORT
from jobs.policy.failure import Failure

_PORTS = range(PANEL_PORT, PANEL_PORT + 100)


def demo(once: bool, as_json: bool) -> int:
    """Run the demo; its exit code. `once`: end after the table, else keep the panel open until Ctrl-C.

    Raises Failure("demo_impossible") before anything was installed, where no private host can be made.
    """
    PrivateHost().run(["true"], timeout=60)
    began = time.time()
    installed = packages.provide(packages.FOR_DEMO, lambda text: _say(began, text))
    command = [sys.executable, "-m", "jobs.demo.story", "--began", str(began), *(["--json"] if as_json else [])]
    command += ["--installed", *installed]
    host = PrivateHost(environment={"PYTHONPATH": str(CODE)}, directory=Path("/"))
    if once:
        return host.attach(command)
    with _listening() as (outside, url):
        return host.attach([*command, "--panel", str(outside.fileno()), url], [outside.fileno()])


def _say(began: float, text: str) -> None:
    print(f"[{time.time() - began:6.2f} s] {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _listening() -> Iterator[tuple[socket.socket, str]]:
    """A socket of this machine's own network that listens: inside, it still takes this machine's connections."""
    with socket.socket() as outside:
        outside.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for port in _PORTS:
            try:
                outside.bind(("127.0.0.1", port))
                break
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
        else:
            words = f"the ports {_PORTS.start} to {_PORTS.stop - 1} of 127.0.0.1 are all taken, and the panel needs one"
            raise Failure("demo_impossible", words, permanent=True)
        outside.listen(128)
        yield outside, f"https://127.0.0.1:{outside.getsockname()[1]}/"
