"""`autossl serve`: the panel by its own HTTPS, from the first socket to the last answer."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any

import click

from jobs.ports import Place
from jobs.wiring.background import Background
from jobs.wiring.collecting import collect_seldom
from jobs.wiring.instance import now
from jobs.wiring.serving import Claim, claim, panel_hostname
from panel import journal
from panel.heap import share_one_heap
from panel.https.certificates import Certificates
from panel.https.crowd import Crowd
from panel.https.serving import PanelServer, most_connections
from panel.https.sockets import Listener, listen

STOP_WITHIN = 30.0
"""Seconds that running work is given to end its present step."""

A_TURN = 0.0002
"""Seconds after which a thread that computes lets another one have its turn; CPython's own are 0.005. A page gives its
turn away with every query and every write, and then waits for that long: while a check reads the configuration of ten
thousand websites, a poll took 25 ms at the median and 500 at the 99th percentile, by this one 17 and 72, and the
check took no longer (`bash tests/run bench pages`)."""

_ANY = ("::", "0.0.0.0")  # noqa: S104 - addresses to compare with


class Panel:
    """The servers of one installation, one a socket, sharing application and certificates."""

    def __init__(
        self,
        app: Any,
        binds: Sequence[str],
        place: Place,
        hostname: str = "",
        background: Background | None = None,
    ) -> None:
        """Claim the instance, load the panel's own certificate and listen; nothing is answered yet. `background`, if
        there is one, works from `start` to `stop`.

        Raises Failure("already_serving"), Failure("bind_failed"), Failure("key_unreadable"), Failure("config_invalid").
        """
        self._name = panel_hostname(hostname)
        self._background = background
        self._working: Background | None = None
        self.over = threading.Event()
        """Set when the servers shall end, or one of them ended by itself."""
        self._broken: BaseException | None = None
        self._claim: Claim = claim(place)
        try:
            certificates = Certificates(place, self._name, now)
            self.listeners: list[Listener] = listen(binds)
        except BaseException:
            self._claim.release()
            raise
        os.environ.pop("LISTEN_PID", None)  # cheroot would take descriptor 3 by itself; here `--bind fd:3` says so
        crowd = Crowd(most_connections())
        self._servers = [PanelServer(listener.socket, app, certificates, crowd) for listener in self.listeners]
        self._threads = [
            threading.Thread(target=self._run, args=(server,), name=f"panel-{number}")
            for number, server in enumerate(self._servers)
        ]

    @property
    def urls(self) -> list[str]:
        """Where a browser opens the panel."""
        return [f"https://{self._host(host)}:{port}/" for host, port in (one.address for one in self.listeners)]

    def start(self) -> None:
        """Answer from now on, say so to the rest of the product, and begin to work."""
        for server, thread in zip(self._servers, self._threads, strict=True):
            server.prepare()
            thread.start()
        self._claim.announce([one.asked_at for one in self.listeners if one.asked_at])
        if self._background is not None:
            self._background.start()
            self._working = self._background

    def stop(self) -> None:
        """Accept nothing more, finish the requests and the step of work under way, and end. Raises what a server
        broke by. The instance is given up last: until then no other process may begin to work on it."""
        self.over.set()
        try:
            with ThreadPoolExecutor(len(self._servers) + 1) as pool:
                ending = [pool.submit(server.stop) for server in self._servers]
                if self._working is not None:
                    ending.append(pool.submit(self._working.stop, STOP_WITHIN))
            for thread in self._threads:
                if thread.ident is not None:
                    thread.join()
            for one in ending:
                one.result()
        finally:
            self._claim.release()
        if self._broken is not None:
            raise self._broken

    def _run(self, server: PanelServer) -> None:
        try:
            server.serve()
        except BaseException as error:  # noqa: BLE001 - kept for the main thread, which raises it
            self._broken = error
        finally:
            self.over.set()

    def _host(self, address: str) -> str:
        if self._name or address in _ANY:
            return self._name or socket.gethostname()
        return f"[{address}]" if ":" in address else address


def serve(
    app: Any, binds: Sequence[str], place: Place, hostname: str = "", background: Background | None = None
) -> None:
    """Serve until SIGTERM or SIGINT; a second one does not wait for requests under way."""
    journal.set_up()
    panel = Panel(app, binds, place, hostname, background)

    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        panel.over.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    collect_seldom()
    sys.setswitchinterval(A_TURN)
    share_one_heap()
    try:
        panel.start()
        click.echo(f"The panel is ready: {' '.join(panel.urls)}")
        if os.geteuid() == 0:
            click.echo("Everything runs as root in this one process (--single).", err=True)
        panel.over.wait()
    finally:
        panel.stop()
