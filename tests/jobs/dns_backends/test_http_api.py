"""What an API may answer that is none, or is hostile: each has its code, and the key goes nowhere else."""

from __future__ import annotations

import json
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from jobs.demo.daemons import self_signed
from jobs.dns_backends.powerdns import Backend, Options
from jobs.dns_backends.system import http_api
from jobs.dns_backends.system.http_api import HttpApi
from jobs.policy.failure import Failure
from jobs.policy.problems import CATALOGUE
from jobs.ports import Place, Record
from tests.jobs.dns_backends.bind_bench import failure_of

KEY = "the-secret-key"
Reply = Callable[[socket.socket, bytes], None]


@contextmanager
def server(reply: Reply, context: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[bytes]]]:
    """A server that does as it likes with each request: its port, and the heads and bodies that came."""
    asked: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        try:
            with context.wrap_socket(connection, server_side=True) if context else connection as stream:
                question = whole(stream)
                asked.append(question)
                reply(stream, question)
        except OSError:
            return  # the other end had enough

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listening.getsockname()[1], asked
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def whole(stream: socket.socket) -> bytes:
    """One request, with as much of a body as its head says."""
    question = stream.recv(65536)
    while question[:1].isalpha() and b"\r\n\r\n" not in question and (part := stream.recv(65536)):
        question += part
    head, _, body = question.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
    while len(body) < length and (part := stream.recv(65536)):
        body += part
    return head + b"\r\n\r\n" + body


def says(status: str, body: bytes = b"", *headers: str) -> Reply:
    head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, ""))
    return lambda stream, _: stream.sendall(head.encode() + body)


def sends(content: bytes) -> Reply:
    return lambda stream, _: stream.sendall(content)


def api(port: int, **more: str) -> HttpApi:
    return HttpApi(f"http://127.0.0.1:{port}", "X-API-Key", KEY, **more)


def asked(reply: Reply) -> Failure:
    with server(reply) as (port, _):
        failure = failure_of(lambda: api(port).ask("GET", "/zones"))
    assert failure.code in CATALOGUE and KEY not in str(failure) and failure.detail.isprintable()
    assert len(failure.detail) < 600
    return failure


@pytest.mark.parametrize(("reply", "code", "words"), [
    (says("401 Unauthorized", b"Unauthorized"), "dns_backend_api_key_wrong", "HTTP 401: Unauthorized"),
    (says("403 Forbidden", b'{"error": "not you"}'), "dns_backend_api_forbidden", "HTTP 403: not you"),
    (says("500 Oops", b'{"error": "no\\nspace"}'), "dns_backend_server_failed", "HTTP 500: no space"),
    (says("502 Bad Gateway", b"\x1b[31m<script>"), "dns_backend_server_failed", "?[31m<script>"),
    (says("400 Bad", f'{{"error": "{KEY} is wrong"}}'.encode()), "dns_backend_api_bad_answer", "*** is wrong"),
    (says("429 Slow", b"[" * 100000), "dns_backend_api_bad_answer", "HTTP 429"),
    (says("200 OK", b"<html>It works"), "dns_backend_api_bad_answer", "expected JSON, got '<html>It works'"),
    (says("200 OK", b"\xff\xfe{"), "dns_backend_api_bad_answer", "expected JSON"),
    (says("200 OK", b"[" * 200000), "dns_backend_api_bad_answer", "expected JSON"),
    (sends(b"SSH-2.0-OpenSSH\r\n"), "dns_backend_api_bad_answer", "not HTTP"),
    (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[]"), "dns_backend_api_bad_answer", "not HTTP"),
    (sends(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n[]"), "dns_backend_api_bad_answer", "not HTTP"),
    (sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "dns_backend_api_bad_answer", "not HTTP"),
    (sends(b""), "dns_backend_api_hung_up", "closed without an answer"),
])
def test_each_answer_that_is_none_has_its_code(reply: Reply, code: str, words: str) -> None:
    failure = asked(reply)
    assert (failure.code, words in failure.detail) == (code, True), failure.detail


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_redirects_are_not_followed(status: str) -> None:
    with server(says("200 OK", b"[]")) as (elsewhere, got):
        failure = asked(says(status, b"", f"Location: http://127.0.0.1:{elsewhere}/zones"))
    assert failure.code == "dns_backend_api_redirects" and got == []


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(says("200 OK", b"{}")) as (proxy, got), server(says("200 OK", b"[1]")) as (port, _):
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy}")
        assert api(port).ask("GET", "/zones").content == [1]
    assert got == []


def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_api, "_LARGEST", 100_000)

    def endless(stream: socket.socket, _: bytes) -> None:
        stream.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            stream.sendall(b"x" * 65536)

    assert asked(endless).code == "dns_backend_api_too_large"


@pytest.mark.parametrize("begins", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\n\r\n["])
def test_an_answer_that_comes_drop_by_drop_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, begins: bytes) -> None:
    monkeypatch.setattr(http_api, "_WHOLE_ANSWER", 0.4)
    ended = threading.Event()

    def drops(stream: socket.socket, _: bytes) -> None:
        stream.sendall(begins)
        while not ended.wait(0.02):
            stream.sendall(b"1")

    failure = asked(drops)
    ended.set()
    assert failure.code == "dns_backend_timeout" and "no whole answer" in failure.detail


def test_silence_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_api, "_SILENCE", 0.2)
    ended = threading.Event()

    def silent(*_: object) -> None:
        ended.wait(5)

    failure = asked(silent)
    ended.set()
    assert failure.code == "dns_backend_timeout" and "no answer within 0.2 s" in failure.detail


def test_refusals_that_the_caller_explains_are_handed_on() -> None:
    with server(says("422 No", b'{"error": "Name is out of zone"}')) as (port, _):
        answer = api(port).ask("PATCH", "/zones/a.test.", {"rrsets": []})
    assert (answer.status, answer.refused, answer.said) == (422, True, "Name is out of zone")


def test_the_key_is_a_header_and_stands_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with server(says("200 OK", b"[]")) as (port, got):
        made = api(port)
        assert made.ask("PUT", "/zones", {"a": 1}).content == []
    head, _, body = got[0].decode().partition("\r\n\r\n")
    assert head.startswith("PUT /zones HTTP/1.1\r\n") and f"X-API-Key: {KEY}" in head and json.loads(body) == {"a": 1}
    assert KEY not in caplog.text + repr(made) + str(made) + repr(Options(api_key=KEY))


# --- https


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    self_signed.write(tmp_path / "api.pem", tmp_path / "api.key", ["localhost", "127.0.0.1"])
    return tmp_path / "api.pem"


def secured(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    return context


def test_an_https_api_is_trusted_by_its_bundle_only(certificate: Path) -> None:
    with server(says("200 OK", b"[]"), secured(certificate)) as (port, got):
        trusting = HttpApi(f"https://localhost:{port}", "X-API-Key", KEY, str(certificate))
        assert trusting.ask("GET", "/zones").content == []
        got.clear()
        failure = failure_of(lambda: HttpApi(f"https://localhost:{port}", "X-API-Key", KEY).ask("GET", "/zones"))
    assert failure.code == "dns_backend_api_untrusted" and got == []


def test_the_certificate_of_another_name_is_not_taken(certificate: Path) -> None:
    self_signed.write(certificate, certificate.with_suffix(".key"), ["elsewhere.test"])
    with server(says("200 OK", b"[]"), secured(certificate)) as (port, got):
        made = HttpApi(f"https://127.0.0.1:{port}", "X-API-Key", KEY, str(certificate))
        assert failure_of(lambda: made.ask("GET", "/zones")).code == "dns_backend_api_untrusted"
    assert got == []


def test_a_server_without_tls_is_told() -> None:
    with server(says("200 OK", b"[]")) as (port, _):
        failure = failure_of(lambda: HttpApi(f"https://127.0.0.1:{port}", "X-API-Key", KEY).ask("GET", "/zones"))
    assert failure.code == "dns_backend_api_untrusted"


@pytest.mark.parametrize("bundle", ["/nowhere/ca.pem", __file__, "a\0b"])
def test_a_bundle_that_is_none_is_told(bundle: str) -> None:
    assert failure_of(lambda: HttpApi("https://a.test", "X-API-Key", KEY, bundle)).code == "option_invalid"


# --- addresses


@pytest.mark.parametrize("url", [
    "http://192.0.2.1:8081", "http://dns.example.com", "http://127.0.0.1.example.com", "http://[2001:db8::1]:8081",
    "http://0.0.0.0:8081", "http://localhost.example.com:8081", "http://127.1:8081",
])
def test_the_key_crosses_no_network_in_clear(url: str) -> None:
    failure = failure_of(lambda: HttpApi(url, "X-API-Key", KEY))
    assert failure.code == "option_invalid" and "expected https" in failure.detail and failure.permanent


@pytest.mark.parametrize("url", [
    "", "127.0.0.1:8081", "ftp://127.0.0.1", "http://", "http://127.0.0.1:99999", "http://127.0.0.1:0", "http://[::1",
    "https://dns.example.com/a b", "https://dns.example.com/?x=1", "https://dns.example.com/#x", "https://a\r\nb.test",
    "https://exa_mple.com/../..//x", "file:///etc/shadow",
])
def test_what_is_no_address_is_refused(url: str) -> None:
    assert failure_of(lambda: HttpApi(url, "X-API-Key", KEY)).code == "option_invalid"


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    failure = failure_of(lambda: HttpApi("https://me:hidden@dns.example.com", "X-API-Key", KEY))
    assert failure.code == "option_invalid" and "hidden" not in failure.detail


@pytest.mark.parametrize("key", ["", "two words", "a\r\nX-Other: b", "schlüssel", "x" * 2000])
def test_a_key_that_is_none_is_refused_and_not_repeated(key: str) -> None:
    failure = failure_of(lambda: HttpApi("http://127.0.0.1", "X-API-Key", key))
    assert failure.code == "option_invalid" and (not key or key not in failure.detail)


@pytest.mark.parametrize("url", ["http://127.0.0.1:{}/", "http://localhost:{}", "http://127.0.0.1:{}/api/v1/"])
def test_usual_ways_to_write_the_address_are_taken(url: str, tmp_path: Path) -> None:
    zones = json.dumps([{"id": "a.test.", "name": "a.test.", "kind": "Native"}]).encode()
    with server(says("200 OK", zones)) as (port, got):
        backend = Backend(Options(api_url=url.format(port), api_key=f" {KEY}\n"), Place(tmp_path))
        assert backend.zone_for("x.a.test") == "a.test"
    assert got[0].startswith(b"GET /api/v1/servers/localhost/zones HTTP/1.1\r\n")


@pytest.mark.parametrize("server_id", ["", "a/b", "../x", "a b", "a?b"])
def test_a_server_id_that_is_none_is_refused(server_id: str, tmp_path: Path) -> None:
    options = Options(api_url="http://127.0.0.1:1", api_key=KEY, server_id=server_id)
    assert failure_of(lambda: Backend(options, Place(tmp_path)).zone_for("a.test")).code == "option_invalid"


# --- what PowerDNS never says

ZONES = [
    {"id": "a.test.", "name": "a.test.", "kind": "Native"}, {"id": "/../../x", "name": "b.test.", "kind": "Native"},
    {"id": "=2E", "name": ".", "kind": "Native"}, {"id": "c", "name": "c.test\n.", "kind": "Native"},
]
RRSET = {"name": "a.test.", "type": "TXT", "ttl": 300, "records": [{"content": '"a"', "disabled": False}]}


def zone(**more: Any) -> dict[str, Any]:
    return {**ZONES[0], "serial": 1, "rrsets": [RRSET], **more}


def api_of(found: Any, zones: Any = ZONES) -> Reply:
    def reply(stream: socket.socket, question: bytes) -> None:
        content = zones if question.startswith(b"GET /api/v1/servers/localhost/zones HTTP") else found
        says("200 OK", b"" if content is None else json.dumps(content).encode())(stream, question)

    return reply


def added(reply: Reply, tmp_path: Path, name: str = "x.a.test") -> tuple[Failure, list[bytes]]:
    with server(reply) as (port, got):
        options = Options(api_url=f"http://127.0.0.1:{port}", api_key=KEY, server="none")
        backend = Backend(options, Place(tmp_path))
        failure = failure_of(lambda: backend.add(Record(name, "TXT", "a")))
    return failure, got


@pytest.mark.parametrize("found", [
    None, [], "text", zone(rrsets=None), zone(rrsets={}), zone(rrsets=["a"]), zone(rrsets=[{**RRSET, "ttl": "1"}]),
    zone(rrsets=[{**RRSET, "ttl": -1}]), zone(rrsets=[{**RRSET, "ttl": True}]), zone(rrsets=[{**RRSET, "records": 1}]),
    zone(rrsets=[{**RRSET, "name": 1}]), zone(rrsets=[{**RRSET, "records": [{"content": 1}]}]),
    zone(rrsets=[{**RRSET, "records": [{"content": "a", "disabled": "no"}]}]), zone(rrsets=[{**RRSET, "records": [1]}]),
    zone(serial=None), zone(serial=2**40), zone(kind=None), zone(name="other.test."),
])
def test_a_zone_that_is_none_is_not_written(found: Any, tmp_path: Path) -> None:
    failure, got = added(api_of(found), tmp_path)
    assert failure.code == "dns_backend_api_bad_answer", failure.detail
    assert not [one for one in got if one.startswith(b"PATCH")]


@pytest.mark.parametrize("zones", [None, {}, "text", [1], [{}], [{"id": "a", "name": 1, "kind": "Native"}]])
def test_a_list_of_zones_that_is_none_is_told(zones: Any, tmp_path: Path) -> None:
    assert added(api_of(zone(), zones), tmp_path)[0].code == "dns_backend_api_bad_answer"


def test_an_id_that_leads_elsewhere_is_not_put_into_a_path(tmp_path: Path) -> None:
    failure, got = added(api_of(zone()), tmp_path, "x.b.test")
    assert failure.code == "dns_backend_api_bad_answer" and len(got) == 1


def test_names_that_are_none_are_passed_over(tmp_path: Path) -> None:
    for name in ("x.c.test", "x.example"):
        assert added(api_of(zone()), tmp_path, name)[0].code == "zone_not_served"


def test_a_server_that_takes_a_change_and_does_not_do_it_is_told(tmp_path: Path) -> None:
    failure, got = added(api_of(zone()), tmp_path)
    assert failure.code == "zone_changed_meanwhile"
    assert len([one for one in got if one.startswith(b"PATCH")]) == 3
