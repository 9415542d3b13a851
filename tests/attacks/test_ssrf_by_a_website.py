"""A customer's website redirects the self-check to places inside this host's network, in every way in which such a
place can be written, or turned into one while it is looked at: nothing is asked there."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from jobs.policy import redirects
from jobs.policy.failure import Failure
from jobs.policy.redirects import AddressKind
from jobs.policy.revocation import fetchable
from jobs.preflight import addresses, http_check
from jobs.preflight.http_check import Question, fetch
from jobs.preflight.resolver import Found
from jobs.preflight.wire import Status
from jobs.revocation_fetch import fetch as fetch_list

INTERNET, INSIDE = "127.0.0.5", "127.0.0.1"
"""What stands for an address of the Internet, and a service of this host's own at the same port."""

PLACES = [
    INSIDE, "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "017700000001", "127.1", "0", "0.0.0.0", "127.0.1",
    "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]",
    "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1%25lo]", "[fe80::1%lo]", "[::1%25lo]", "169.254.169.254",
    "[fd00:ec2::254]", "metadata", "127.0.0.1.", "localhost.", "LOCALHOST", "①②⑦.⓪.⓪.①", "127。0。0。1",
    "127%2e0%2e0%2e1", "user@127.0.0.1", "evil.test@127.0.0.1", "127.0.0.1#evil.test", "127.0.0.1\\@evil.test",
    "evil.test\\.127.0.0.1",
    "inner.test", "mapped.test", "sixtofour.test", "linklocal.test", "mixed.test", "\t127.0.0.1",
    "127.0.0.1\x00.evil.test",
]
NAMES = {
    "inner.test": (INSIDE,), "mapped.test": ("::ffff:127.0.0.1",), "sixtofour.test": ("2002:7f00:1::1",),
    "linklocal.test": ("169.254.169.254",), "mixed.test": (INTERNET, INSIDE),
}


@dataclass(frozen=True)
class Value:
    address: str


@dataclass
class Names:
    """DNS as the customer would have it; of a list in `turns` each question gets the next one."""

    turns: dict[str, list[str]] = field(default_factory=dict)

    async def ask(self, name: str, kind: str) -> Found:
        values = NAMES.get(name, (INTERNET,) if name == "evil.test" else ())
        if name in self.turns and kind == "A":
            values = (self.turns[name].pop(0) if len(self.turns[name]) > 1 else self.turns[name][0],)
        mine = tuple(Value(one) for one in values if (":" in one) == (kind == "AAAA"))
        return Found(Status.FOUND if mine else Status.NO_DATA, name, mine)


@dataclass
class Both:
    port: int
    locations: list[str]
    website: list[bytes] = field(default_factory=list)
    inside: list[bytes] = field(default_factory=list)


def at_one_port() -> tuple[socket.socket, socket.socket, socket.socket]:
    """Sockets that listen at the Internet's address and at both of this host's own, at the same port of each."""
    while True:
        outer = socket.create_server((INTERNET, 0))
        port = outer.getsockname()[1]
        try:
            inner = socket.create_server((INSIDE, port))
            return outer, inner, socket.create_server(("::1", port), family=socket.AF_INET6)
        except OSError:  # something else has that port at one of them
            outer.close()


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> Iterator[Both]:
    """The customer's website, which redirects, and a service inside that must hear nothing of it."""
    real = redirects.address_kind
    for module in (redirects, http_check, addresses):
        monkeypatch.setattr(module, "address_kind", lambda one: AddressKind.PUBLIC if one == INTERNET else real(one))
    outer, inner, inner_six = at_one_port()
    found = Both(outer.getsockname()[1], [])

    def serve(listening: socket.socket, heard: list[bytes]) -> None:
        while True:
            try:
                peer, _ = listening.accept()
            except OSError:
                return
            with peer:
                heard.append(peer.recv(65536))
                location = found.locations.pop(0) if len(found.locations) > 1 else found.locations[0]
                peer.sendall(b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % location.encode())

    sockets = ((outer, found.website), (inner, found.inside), (inner_six, found.inside))
    for listening, heard in sockets:
        threading.Thread(target=serve, args=(listening, heard), daemon=True).start()
    yield found
    for listening, _ in sockets:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def looked(both: Both, names: Names, port: int | None = None) -> str:
    """The code of what the self-check says."""
    question = Question("t" * 43, "t.thumbprint", port or both.port, port or both.port, 10, 3.0)
    outcome = asyncio.run(fetch(names, question, "evil.test", INTERNET))  # type: ignore[arg-type]
    assert outcome.trouble is not None
    assert outcome.trouble.text.isprintable()
    return outcome.trouble.code


@pytest.mark.parametrize("place", PLACES)
def test_a_redirect_leads_to_no_place_inside(both: Both, place: str) -> None:
    port = both.port
    forms = (f"http://{place}/x", f"http://{place}:{port}/x", f"//{place}/x", f"https://{place}/", f"http:/{place}/")
    for form in forms:
        both.locations = [form]
        looked(both, Names())
    assert both.inside == []


@pytest.mark.parametrize("place", PLACES)
def test_a_second_redirect_leads_no_further_than_the_first(both: Both, place: str) -> None:
    both.locations = ["http://evil.test/next", f"http://{place}/x"]
    looked(both, Names())
    assert both.inside == []


@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "gopher://127.0.0.1:25/_x", "ftp://127.0.0.1/", "unix:///run/autossl/root.sock", "dict://a/",
     "http://evil.test:22/", "http://evil.test:2087/", "https://evil.test:2087/", "http://evil.test:0/",
     "http://evil.test:-1/", "http://evil.test:65536/", "javascript:x", "data:,x",
     "jar:http://a!/", "http://", "about:blank", "//"],
)
def test_other_schemes_and_ports_are_not_followed(both: Both, location: str) -> None:
    both.locations = [location]
    assert looked(both, Names()).startswith("http_redirect_")
    assert len(both.website) == 1 and both.inside == []


def test_a_name_that_leads_inside_after_it_was_looked_at_is_asked_where_it_was_looked_at(both: Both) -> None:
    """DNS rebinding."""
    both.locations = ["http://rebound.test/x"]
    looked(both, Names({"rebound.test": [INTERNET, INSIDE]}))
    assert both.inside == [] and len(both.website) >= 2


@pytest.mark.parametrize("place", [one for one in PLACES if not one.endswith(".test")])
def test_the_list_that_a_customers_certificate_names_is_not_fetched_inside(both: Both, place: str) -> None:
    url = f"http://{place}:{both.port}/list.crl"
    if fetchable(url):
        with pytest.raises(Failure):
            fetch_list(url, inside=False, seconds=2.0)
    assert both.inside == []
