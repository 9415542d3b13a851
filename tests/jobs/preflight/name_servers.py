"""Name servers made of a few lines, that answer as well or as badly as a test wants, in the test's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from jobs.preflight.wire import Server

Told = Callable[[dns.message.Message, "Fake"], bytes | None]
Stream = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(eq=False)
class Fake(asyncio.DatagramProtocol):
    """A server whose `tell` makes the answer to a question; None: it keeps silent, or answers later by `send`.

    `asked`: the questions in order, `ports` where they came from.
    """

    tell: Told
    delay: float = 0.0
    asked: list[tuple[str, str]] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)
    open: int = 0
    most_open: int = 0

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    @property
    def server(self) -> Server:
        return Server(*self.transport.get_extra_info("sockname"))

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        self.asked.append((question.name.to_text(True), dns.rdatatype.to_text(question.rdtype)))
        self.ports.append(addr[1])
        self.client = addr
        wire = self.tell(query, self)
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        asyncio.get_running_loop().call_later(self.delay, self._answer, wire, addr)

    def _answer(self, wire: bytes | None, client: tuple[str, int]) -> None:
        self.open -= 1
        if wire is not None and not self.transport.is_closing():
            self.transport.sendto(wire, client)

    def send(self, wire: bytes) -> None:
        """Beside the answer, to who asked last."""
        self.transport.sendto(wire, self.client)


@contextlib.asynccontextmanager
async def serving(
    tell: Told, delay: float = 0.0, address: str = "127.0.0.1", port: int = 0, stream: Stream | None = None
) -> AsyncIterator[Fake]:
    """A server at `address`, by TCP too if `stream` is given."""
    loop = asyncio.get_running_loop()
    listening = None
    if stream:
        listening = await asyncio.start_server(stream, address, port)
        port = listening.sockets[0].getsockname()[1]
    transport, fake = await loop.create_datagram_endpoint(lambda: Fake(tell, delay), local_addr=(address, port))
    try:
        yield fake
    finally:
        transport.close()
        if listening:
            listening.close()
        await asyncio.sleep(0)


def says(query: dns.message.Message, *records: str, code: dns.rcode.Rcode = dns.rcode.NOERROR) -> dns.message.Message:
    """The authoritative answer to `query` with `records`, such as "www.a.test 60 A 192.0.2.1"."""
    answer = dns.message.make_response(query)
    answer.flags |= dns.flags.AA
    answer.set_rcode(code)
    answer.answer = sets(records)
    return answer


def sets(records: Iterable[str]) -> list[dns.rrset.RRset]:
    found = []
    for record in records:
        owner, ttl, kind, value = record.split(" ", 3)
        found.append(dns.rrset.from_text(owner + ".", int(ttl), "IN", kind, value))
    return found


def address(query: dns.message.Message, fake: Fake) -> bytes:
    """Every name has the address 192.0.2.1."""
    return says(query, f"{query.question[0].name.to_text().removesuffix('.')} 60 A 192.0.2.1").to_wire(max_size=65535)


def silent(query: dns.message.Message, fake: Fake) -> None:
    return None


def serves(apex: str, content: Mapping[tuple[str, str], str], serial: int = 1) -> Told:
    """A server of one zone, refusing everything else. `content`: value by owner and kind."""
    soa = f"{apex} 60 SOA ns.{apex}. root.{apex}. {serial} 60 60 60 60"

    def tell(query: dns.message.Message, fake: Fake) -> bytes:
        question = query.question[0]
        name, kind = question.name.to_text(True), dns.rdatatype.to_text(question.rdtype)
        if not f".{name}".endswith(f".{apex}"):
            return refuses(query, fake)
        if (name, kind) == (apex, "SOA"):
            return says(query, soa).to_wire(max_size=65535)
        if (name, kind) in content:
            return says(query, f"{name} 60 {kind} {content[name, kind]}").to_wire(max_size=65535)
        missing = name not in {owner for owner, _ in content} | {apex}
        answer = says(query, code=dns.rcode.NXDOMAIN if missing else dns.rcode.NOERROR)
        answer.authority = sets([soa])
        return answer.to_wire(max_size=65535)

    return tell


def refuses(query: dns.message.Message, fake: Fake) -> bytes:
    return says(query, code=dns.rcode.REFUSED).to_wire(max_size=65535)


def fails(query: dns.message.Message, fake: Fake) -> bytes:
    return says(query, code=dns.rcode.SERVFAIL).to_wire(max_size=65535)
