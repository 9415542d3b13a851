"""A private BIND on a free port, and web servers that behave as badly as a test wants."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from jobs.preflight import run
from tests.free_ports import free_port

Handler = Callable[[str, asyncio.StreamWriter], Awaitable[None]]

HEAD = "$TTL 60\n@ SOA ns.bench.test. root.bench.test. 1 60 60 60 60\n"
ZONES = {
    "bench.test": """
@ NS ns
ns A 127.0.0.1
good A 127.0.0.1
www CNAME good
chain CNAME www
across CNAME any.wild.test.
loopa CNAME loopb
loopb CNAME loopa
self CNAME self
dangling CNAME missing
textonly TXT "x"
odd A 169.254.169.254
twice A 127.0.0.1
twice A 127.0.0.2
inner A 127.0.0.2
both A 127.0.0.1
both AAAA ::1
sixonly AAAA ::1
half A 127.0.0.1
half AAAA ::1
other A 127.0.0.1
circle A 127.0.0.1
meta A 169.254.169.254
private A 10.255.255.1
""",
    "wild.test": "@ NS ns.bench.test.\n* A 127.0.0.1\n",
    "caa.test": """
@ NS ns.bench.test.
@ CAA 0 issue "ca.test"
own A 127.0.0.1
foreign A 127.0.0.1
foreign CAA 0 issue "other.test"
critical A 127.0.0.1
critical CAA 128 tbs "x"
nobody A 127.0.0.1
nobody CAA 0 issue ";"
account A 127.0.0.1
account CAA 0 issue "ca.test; accounturi=https://ca.test/acct/7"
alias CNAME foreign
wide A 127.0.0.1
wide CAA 0 issuewild ";"
big A 127.0.0.1
big CAA 0 issue "ca.test"
""" + "".join(f'big CAA 0 issue "ca{number}.test"\n' for number in range(90)) + """
""",
    "deadns.test": "@ NS ns\nns A 127.0.0.99\nwww A 127.0.0.1\n",
    "sub.broken.test": "@ NS ns.bench.test.\nwww A 127.0.0.1\n",
    "broken.test": "this is no zone file\n",
}


class Bind:
    """A running name server."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self._log = folder / "queries.log"

    @property
    def resolver(self) -> str:
        return f"127.0.0.1:{self.port}"

    def queries(self) -> list[str]:
        """Lines such as "good.bench.test IN A -E(0) (127.0.0.1)" so far."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return [line.split(": query: ", 1)[1] for line in lines if ": query: " in line]


@pytest.fixture(scope="session")
def bind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bind]:
    folder = tmp_path_factory.mktemp("bind")
    port, silent = free_port(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    (folder / "root").write_text("$TTL 60\n@ SOA a. b. 1 60 60 60 60\n@ NS a.\na A 127.0.0.1\nslow.test NS a.\n")
    parts = [_options(folder, port), f'zone "." {{ type primary; file "{folder}/root"; }};\n']
    for zone, text in ZONES.items():
        (folder / zone).write_text(HEAD + text)
        parts.append(f'zone "{zone}" {{ type primary; file "{folder}/{zone}"; }};\n')
    black_hole = f"127.0.0.1 port {silent.getsockname()[1]};"
    parts.append(f'zone "slow.test" {{ type forward; forward only; forwarders {{ {black_hole} }}; }};\n')
    (folder / "named.conf").write_text("".join(parts))
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(["named", "-f", "-c", folder / "named.conf"], stdout=out, stderr=out)
    try:
        _await_answer(port, process, folder)
        yield Bind(port, folder)
    finally:
        process.terminate()
        process.wait(10)
        silent.close()


def _options(folder: Path, port: int) -> str:
    return f"""
options {{ directory "{folder}"; pid-file "{folder}/named.pid"; session-keyfile "{folder}/session.key";
  managed-keys-directory "{folder}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  recursion yes; allow-recursion {{ 127.0.0.1; }}; dnssec-validation no; empty-zones-enable no; notify no;
  querylog yes; }};
controls {{ }};
logging {{ channel q {{ file "{folder}/queries.log"; }}; category queries {{ q; }}; }};
"""


def _await_answer(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(dns.exception.DNSException, OSError):
            reply = dns.query.udp(dns.message.make_query("good.bench.test", "A"), "127.0.0.1", 0.2, port)
            if reply.answer:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"named did not start: {(folder / 'out').read_text()}")
        time.sleep(0.02)


class Responder:
    """The challenge directory of these tests, as a Solver: what is presented is what the web servers serve."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.presented: list[tuple[str, str, str]] = []
        self.cleaned: list[tuple[str, str]] = []

    def present(self, name: str, token: str, key_authorization: str) -> None:
        self.presented.append((name, token, key_authorization))
        self.files[token] = key_authorization

    def clean(self, name: str, token: str) -> None:
        self.cleaned.append((name, token))
        self.files.pop(token, None)


class Web:
    """An http and an https port per address; `routes` by (scheme, host) or (scheme, host, address family)."""

    def __init__(self, responder: Responder, context: ssl.SSLContext, families: tuple[str, ...]) -> None:
        self.responder = responder
        self.routes: dict[tuple[str, ...], Handler] = {}
        self.requests: list[tuple[str, str, str]] = []
        self.headers: list[str] = []
        self._context = context
        self._families = families
        self.http, self.https = free_port(*families), free_port(*families)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        for address in self._families:
            for scheme, port, context in (("http", self.http, None), ("https", self.https, self._context)):
                serve = self._serving(scheme, address)
                self._loop.run_until_complete(
                    asyncio.start_server(serve, address, port, ssl=context, reuse_address=True, backlog=1000)
                )
        self._ready.set()
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def _serving(self, scheme: str, address: str) -> Callable[..., Awaitable[None]]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *rest = head.split("\r\n")
                path = first.split(" ")[1]
                host = next(line[6:] for line in rest if line.startswith("Host: "))
                self.requests.append((scheme, host, path))
                self.headers.append(head)
                handler = self.routes.get((scheme, host, address)) or self.routes.get((scheme, host)) or self.challenge
                await handler(path, writer)
                await writer.drain()
            writer.close()

        return serve

    async def challenge(self, path: str, writer: asyncio.StreamWriter) -> None:
        content = self.responder.files.get(path.removeprefix("/.well-known/acme-challenge/"))
        await (say(404) if content is None else say(200, content.encode()))(path, writer)


def say(status: int, body: bytes = b"", **headers: str) -> Handler:
    """A handler that answers so, whatever is asked. `location` may hold {path}."""

    async def handler(path: str, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} Words", "Server: Bench/1.0", f"Content-Length: {len(body)}"]
        lines += [f"{key.replace('_', '-')}: {value.replace('{path}', path)}" for key, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    return handler


def raw(data: bytes, hang: bool = False) -> Handler:
    """A handler that sends `data` as it is, and keeps the connection open with `hang`."""

    async def handler(path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        if hang:
            await asyncio.sleep(60)

    return handler


@pytest.fixture(autouse=True)
def at_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """The servers of these tests are at loopback addresses, which a host does not else count as its websites'."""
    monkeypatch.setattr(run, "own_addresses", lambda: frozenset({"127.0.0.1", "127.0.0.2", "::1"}))


@pytest.fixture
def answers() -> tuple[Callable[..., Handler], Callable[..., Handler]]:
    """`say` and `raw`."""
    return say, raw


@pytest.fixture
def responder() -> Responder:
    return Responder()


@pytest.fixture
def web(responder: Responder, self_signed: ssl.SSLContext) -> Iterator[Web]:
    server = Web(responder, self_signed, ("127.0.0.1",))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def dual(responder: Responder, self_signed: ssl.SSLContext) -> Iterator[Web]:
    """A web server that listens on both families."""
    server = Web(responder, self_signed, ("127.0.0.1", "::1"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nobody.test")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - datetime.timedelta(days=9))
    certificate = builder.not_valid_after(now - datetime.timedelta(days=1)).sign(key, hashes.SHA256())
    path = tmp_path_factory.mktemp("tls") / "pair.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
