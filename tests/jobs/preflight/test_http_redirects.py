"""Redirects are followed as a CA would follow them, hop by hop in the report, and never off the two ports."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from jobs.preflight import Setting, preflight

NAME = "good.bench.test"


def check(bind: Any, web: Any, responder: Any, **more: Any) -> Any:
    return preflight([NAME], Setting((bind.resolver,), web.http, web.https, timeout=3, **more), responder)[NAME]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_https_with_an_expired_self_signed_certificate_is_followed(
    bind: Any, web: Any, responder: Any, answers: Any, status: int
) -> None:
    web.routes["http", NAME] = answers[0](status, location=f"https://{NAME}{{path}}")
    verdict = check(bind, web, responder)
    assert verdict.passed
    assert [request[:2] for request in web.requests] == [("http", NAME), ("https", NAME)]
    hops = verdict.report[1:]
    assert f"status {status} from Bench/1.0, on to https://{NAME}" in hops[0]
    assert hops[1].startswith(f"https://{NAME}") and "status 200" in hops[1]


def test_status_303_is_followed_with_a_warning(bind: Any, web: Any, responder: Any, answers: Any) -> None:
    web.routes["http", NAME] = answers[0](303, location=f"https://{NAME}{{path}}")
    verdict = check(bind, web, responder)
    assert verdict.passed and "http_redirect_303" in [warning.code for warning in verdict.warnings]


def test_a_redirect_to_another_host_is_resolved_and_asked_there(
    bind: Any, web: Any, responder: Any, answers: Any
) -> None:
    web.routes["http", NAME] = answers[0](301, location="http://other.bench.test{path}")
    assert check(bind, web, responder).passed
    assert [request[1] for request in web.requests] == [NAME, "other.bench.test"]


def test_the_host_header_never_has_a_port(bind: Any, web: Any, responder: Any, answers: Any) -> None:
    web.routes["http", NAME] = answers[0](301, location=f"https://{NAME}:{web.https}{{path}}")
    assert check(bind, web, responder).passed
    assert all(f"Host: {NAME}\r\n" in head for head in web.headers) and len(web.headers) == 2


@pytest.mark.parametrize(("limit", "passed"), [(3, True), (2, False)])
def test_as_many_redirects_are_followed_as_the_ca_follows(
    bind: Any, web: Any, responder: Any, answers: Any, limit: int, passed: bool
) -> None:
    say, _ = answers

    async def three(path: str, writer: Any) -> None:
        base, _, count = path.partition("?hop=")
        done = int(count or 0)
        if done == 3:
            await web.challenge(base, writer)
        else:
            await say(302, location=f"{base}?hop={done + 1}")(path, writer)

    web.routes["http", NAME] = three
    verdict = check(bind, web, responder, max_redirects=limit)
    assert verdict.passed is passed
    assert verdict.code == ("" if passed else "http_too_many_redirects")
    assert len(web.requests) == limit + 1


def test_no_figure_from_the_ca_means_ten(bind: Any, web: Any, responder: Any, answers: Any) -> None:
    web.routes["http", NAME] = answers[0](302, location="{path}x")
    assert check(bind, web, responder).code == "http_too_many_redirects"
    assert len(web.requests) == 11


def test_a_circle_is_noticed_at_once(bind: Any, web: Any, responder: Any, answers: Any) -> None:
    web.routes["http", NAME] = answers[0](302, location="http://circle.bench.test{path}")
    web.routes["http", "circle.bench.test"] = answers[0](302, location=f"http://{NAME}{{path}}")
    assert check(bind, web, responder).code == "http_redirect_loop"
    assert len(web.requests) == 2


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("http://127.0.0.1/", "http_redirect_internal"),
        ("http://other.bench.test:8080/", "http_redirect_port"),
        ("ftp://other.bench.test/", "http_redirect_refused"),
        ("", "http_redirect_refused"),
        ("http://[::1]:22/", "http_redirect_port"),
    ],
)
def test_a_redirect_off_the_way_is_refused_and_not_asked(
    bind: Any, web: Any, responder: Any, answers: Any, location: str, code: str
) -> None:
    web.routes["http", NAME] = answers[0](302, location=location)
    assert check(bind, web, responder).code == code
    assert len(web.requests) == 1


@pytest.mark.parametrize("host", ["missing.bench.test", "meta.bench.test", "www.broken.test", "loopa.bench.test"])
def test_a_redirect_to_a_host_without_an_address_is_told_so(
    bind: Any, web: Any, responder: Any, answers: Any, host: str
) -> None:
    web.routes["http", NAME] = answers[0](302, location=f"http://{host}/x")
    verdict = check(bind, web, responder)
    assert verdict.code == "http_redirect_unresolved" and host in verdict.text
    assert len(web.requests) == 1


def test_a_broken_tls_port_behind_a_redirect_is_named(bind: Any, web: Any, responder: Any, answers: Any) -> None:
    web.routes["http", NAME] = answers[0](301, location=f"https://{NAME}{{path}}")
    with socket.create_server(("127.0.0.1", 0)) as plain:

        def answer() -> None:
            peer, _ = plain.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        setting = Setting((bind.resolver,), web.http, plain.getsockname()[1], timeout=3)
        verdict = preflight([NAME], setting, responder)[NAME]
        thread.join(5)
    assert (verdict.passed, verdict.code) == (False, "http_tls_failed")


def test_a_redirect_to_a_port_where_nobody_listens_fails_as_an_answer_and_not_as_a_stray_address(
    bind: Any, dual: Any, responder: Any, answers: Any
) -> None:
    dual.routes["http", "half.bench.test", "::1"] = answers[0](301, location="https://twice.bench.test{path}")
    setting = Setting((bind.resolver,), dual.http, 1, timeout=3)
    verdict = preflight(["half.bench.test"], setting, responder)["half.bench.test"]
    assert (verdict.passed, verdict.code) == (False, "http_connection_refused")


def test_a_hostile_location_is_shown_clean(bind: Any, web: Any, responder: Any, answers: Any) -> None:
    data = b"HTTP/1.1 302 Go\r\nLocation: http://x.test:1/\x1b[31m" + b"<b>" * 400 + b"\r\n\r\n"
    web.routes["http", NAME] = answers[1](data)
    verdict = check(bind, web, responder)
    assert verdict.code == "http_redirect_port"
    assert all(line.isprintable() and len(line) < 500 for line in (verdict.text, *verdict.report))
