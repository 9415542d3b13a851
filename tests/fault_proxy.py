"""A proxy between the program and a real Pebble that has the faults which no test CA has, and counts what is asked.

    with fault_proxy(pebble) as proxy:
        proxy.faults.append(Fault(Says(503, retry_after=120), "newOrder", times=2))
        ...
        assert proxy.asked["newOrder"] == 3 and proxy.done["newOrder"] == 1

A fault meets requests of its kinds: directory, newNonce, newAccount, newOrder, order, authz, challenge, finalize,
certificate, account; the first `times` of them or every one, by `chance` (a seeded one). The first fault that meets a
request is the one that it gets. A fault that only changes or delays the CA's own answer lets the request through.
"""

from __future__ import annotations

import io
import json
import os
import random
import socket
import struct
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from jobs.demo.daemons.front import Front, FrontHandler, Reply, problem
from tests.jobs.acme.pebble import Pebble

KINDS = {
    "/dir": "directory", "/nonce-plz": "newNonce", "/sign-me-up": "newAccount", "/order-plz": "newOrder",
    "/my-order/": "order", "/authZ/": "authz", "/chalZ/": "challenge", "/finalize-order/": "finalize",
    "/certZ/": "certificate", "/my-account/": "account",
}
"""Endpoints by where Pebble has them."""


@dataclass(frozen=True)
class Says:
    """The proxy answers by itself, and the CA hears nothing: a problem document, or with `page` that text as HTML."""

    status: int
    kind: str = "serverInternal"
    detail: str = "as asked for"
    retry_after: int | str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    page: str = ""


@dataclass(frozen=True)
class RefusesNonce:
    """badNonce, with a fresh one."""


@dataclass(frozen=True)
class Cuts:
    """The connection is reset, before the CA hears of the request or, with `after`, once it has done what was asked."""

    after: bool = False


@dataclass(frozen=True)
class Trickles:
    """The CA's answer comes byte by byte, so many seconds apart."""

    every: float


@dataclass(frozen=True)
class Delays:
    """The CA's answer comes so many seconds late."""

    seconds: float


@dataclass(frozen=True)
class Changes:
    """Another answer in the place of the CA's; `made` gets that one."""

    made: Callable[[Reply], Reply]


What = Says | RefusesNonce | Cuts | Trickles | Delays | Changes


class Fault:
    """`times`: how often, None for every time; `chance`: of each time, by a generator with this `seed`."""

    def __init__(
        self, what: What, *kinds: str, times: int | None = None, chance: float = 1.0, seed: int = 1
    ) -> None:
        unknown = set(kinds) - set(KINDS.values())
        assert not unknown, unknown
        self.what = what
        self.met = 0
        self.mended = False
        self._kinds = kinds
        self._times = times
        self._chance = chance
        self._random = random.Random(seed)

    def meets(self, kind: str) -> bool:
        """Called for one request at a time."""
        over = self._times is not None and self.met >= self._times
        hit = kind in self._kinds and not over and self._random.random() < self._chance
        self.met += hit
        return hit


@dataclass
class FaultProxy:
    """A running proxy. `asked` counts the requests by their kind, `done` those that the CA has answered with a yes,
    and `unheard` those of these whose answer was lost or late."""

    directory_url: str
    pebble: Pebble
    faults: list[Fault] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    unheard: Counter[str] = field(default_factory=Counter)
    moved_to: str | None = None
    """Host and port where the CA has its entrances and accounts now; the former ones are gone."""
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def fault(self, what: What, *kinds: str, **when: Any) -> Fault:
        """Have this fault from now on, after those that were asked for before."""
        made = Fault(what, *kinds, **when)
        self.faults.append(made)
        return made

    def mends(self) -> None:
        """No faults from now on."""
        for fault in self.faults:
            fault.mended = True
        self.faults.clear()

    def heals(self) -> None:
        """No faults from now on, and counted anew."""
        self.mends()
        self.asked.clear()
        self.done.clear()
        self.unheard.clear()

    def met(self, kind: str) -> What | None:
        with self.lock:
            self.asked[kind] += 1
            return next((fault.what for fault in self.faults if fault.meets(kind)), None)


class _Proxy(Front):
    def __init__(self, pebble: Pebble, ending: threading.Event) -> None:
        parts = urlsplit(pebble.directory_url)
        key = pebble.ca_file.with_name("server.key")
        super().__init__(0, (parts.hostname or "", parts.port or 443), pebble.ca_file, key, _Handler)
        self.ending = ending
        self.proxy: FaultProxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up, or was hung up on, is what these tests are about; anything else is a defect."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


@contextmanager
def fault_proxy(pebble: Pebble) -> Iterator[FaultProxy]:
    """Serve on a free loopback port, by the certificate that Pebble itself has, until the block ends."""
    ending = threading.Event()
    server = _Proxy(pebble, ending)
    server.proxy = FaultProxy(f"https://127.0.0.1:{server.server_port}/dir", pebble)
    server.start()
    try:
        yield server.proxy
    finally:
        ending.set()
        server.shutdown()
        server.server_close()


@contextmanager
def moved(proxy: FaultProxy) -> Iterator[None]:
    """In the block, the directory names other addresses than before, where everything else is; the former are gone."""
    other = _Proxy(proxy.pebble, threading.Event())
    other.proxy = proxy
    other.start()
    proxy.moved_to = f"127.0.0.1:{other.server_port}"
    try:
        yield
    finally:
        proxy.moved_to = None
        other.ending.set()
        other.shutdown()
        other.server_close()


class _Handler(FrontHandler):
    server: _Proxy

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kind = next((kind for path, kind in KINDS.items() if self.path.startswith(path)), "other")
        met = self.server.proxy.met(kind)
        if met == Cuts():
            self._cut()
        elif isinstance(met, Says):
            self.send(self._said(met))
        elif isinstance(met, RefusesNonce):
            self.send(problem(400, "badNonce", "JWS has an invalid anti-replay nonce", {}, self._nonce()))
        else:
            self._answer(met, self._by_ca(kind, body, isinstance(met, Cuts | Trickles | Delays)))

    do_HEAD = do_POST = do_GET

    def _answer(self, met: What | None, reply: Reply) -> None:
        if isinstance(met, Cuts):
            self._cut()
        elif isinstance(met, Trickles):
            self._trickle(reply, met.every)
        elif isinstance(met, Delays):
            self.server.ending.wait(met.seconds)
            self.send(reply)
        else:
            self.send(met.made(reply) if isinstance(met, Changes) else reply)

    def _by_ca(self, kind: str, body: bytes, unheard: bool) -> Reply:
        """What the CA says; where it has moved from, there is nothing but the directory."""
        new = self.server.proxy.moved_to
        if new is not None and not new.endswith(f":{self.server.server_port}"):
            if kind != "directory":
                return Reply(404, b"<h1>Not found</h1>", {"Content-Type": "text/html"})
            return self.server.ask_ca("GET", self.path, headers={"Host": new})
        reply = self.passed_on(body)
        if reply.status < 400:
            with self.server.proxy.lock:
                self.server.proxy.done[kind] += 1
                self.server.proxy.unheard[kind] += unheard
        return reply

    def _said(self, says: Says) -> Reply:
        named = {} if says.retry_after is None else {"Retry-After": str(says.retry_after)}
        if says.page:
            return Reply(says.status, says.page.encode(), {"Content-Type": "text/html", **named})
        return problem(says.status, says.kind, says.detail, says.more, {**self._nonce(), **named})

    def _nonce(self) -> dict[str, str]:
        return {"Replay-Nonce": self.server.ask_ca("HEAD", "/nonce-plz").headers["Replay-Nonce"]}

    def _cut(self) -> None:
        """Reset the connection, without any word of TLS."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())
        self.close_connection = True
        self.wfile = io.BytesIO()

    def _trickle(self, reply: Reply, every: float) -> None:
        self.send_response(reply.status)
        for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):
            for byte in reply.body:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                if self.server.ending.wait(every):
                    break


def order_says(**members: Any) -> Changes:
    """Order objects with these members instead of the CA's; None takes one away."""
    return _objects(lambda order: {**order, **members})


def authorization_says(status: str, challenges: Mapping[str, Any]) -> Changes:
    """Authorizations of this status, each of their challenges with these members."""
    def changed(found: dict[str, Any]) -> dict[str, Any]:
        return {**found, "status": status, "challenges": [{**one, **challenges} for one in found["challenges"]]}

    return _objects(changed)


def _objects(changed: Callable[[dict[str, Any]], dict[str, Any]]) -> Changes:
    def made(reply: Reply) -> Reply:
        if reply.status >= 400:
            return reply
        content = {key: value for key, value in changed(reply.json()).items() if value is not None}
        return Reply(reply.status, json.dumps(content).encode(), reply.headers)

    return Changes(made)
