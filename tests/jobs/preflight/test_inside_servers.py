"""A name that somebody points at an inner server is no way to look at it: whatever answers there, he reads the same."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from jobs.policy.customer_words import for_host, for_owner, report_for_owner
from jobs.policy.report_words import sections
from jobs.preflight import Setting, preflight

NAME = "good.bench.test"
OWN = frozenset({"192.0.2.1"})
SIGNS = ("internal", "403", "401", "200", "302", "303", "corp", "8080", "refused", "timeout", "http_", "bytes", "Bench")
"""What would tell something of the inner server."""


def check(bind: Any, web: Any, responder: Any, name: str = NAME, own: frozenset[str] = OWN, **more: Any) -> Any:
    setting = Setting((bind.resolver,), web.http, web.https, timeout=0.5, own=own, **more)
    return preflight([name], setting, responder)[name]


def read_by_the_owner(verdict: Any) -> str:
    """Every word of a verdict that gets to a page, a log or the API, in his words."""
    report = report_for_owner(verdict.seen)
    shown = [for_owner(one.code, one.text) for part in sections(report) for one in part.troubles]
    shown += [for_owner(one.code, one.text) for one in verdict.warnings] + [for_owner(verdict.code, verdict.text)]
    said = [word for part in sections(report) for word in (part.said, *part.steps)]
    return "\n".join([*report.lines, *said, *map(str, shown)]).replace(f"{NAME}", "")


def banner(status: int, body: bytes = b"", **headers: str) -> bytes:
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status} X\r\nServer: internal-admin/1.2.3\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


ANSWERS = {
    "a status": banner(403),
    "another status": banner(401),
    "a page": banner(200, b"the internal page"),
    "a redirect to a port": banner(302, Location="http://internal.corp:8080/admin"),
    "a redirect to an address": banner(302, Location="http://10.1.2.3/internal"),
    "a redirect to a name": banner(302, Location="http://missing.bench.test/internal"),
    "a redirect that CAs don't follow": banner(303, Location="http://other.bench.test/internal"),
    "a redirect in a circle": banner(302, Location=f"http://{NAME}/internal"),
    "no HTTP": b"SSH-2.0-internal\r\n",
    "half an answer": banner(200, b"x")[:-1],
}


@pytest.fixture
def nobody(bind: Any, web: Any, responder: Any) -> Any:
    """The verdict where no program listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        setting = Setting((bind.resolver,), unused.getsockname()[1], web.https, timeout=0.5, own=OWN)
        return preflight([NAME], setting, responder)[NAME]


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.parametrize("hang", [False, True])
def test_the_owner_reads_the_same_whatever_an_inner_server_answers(
    bind: Any, web: Any, responder: Any, answers: Any, nobody: Any, answer: bytes, hang: bool
) -> None:
    web.routes["http", NAME] = answers[1](answer, hang=hang)
    verdict = check(bind, web, responder)
    assert (verdict.passed, verdict.code) == (False, "address_inside")
    assert "127.0.0.1 is a loopback address" in verdict.text
    assert (verdict.code, verdict.text, verdict.warnings) == (nobody.code, nobody.text, nobody.warnings)
    told = read_by_the_owner(verdict)
    assert told == read_by_the_owner(nobody)
    assert not [sign for sign in SIGNS if sign in told]


def test_who_runs_the_host_sees_what_answered_there_and_where_it_sends_on_to(
    bind: Any, web: Any, responder: Any, answers: Any, nobody: Any
) -> None:
    web.routes["http", NAME] = answers[1](ANSWERS["a redirect to a port"])
    verdict = check(bind, web, responder)
    seen = "status 302 from internal-admin/1.2.3, on to http://internal.corp:8080/admin"
    assert any(seen in line for line in verdict.report)
    steps = [step for part in sections(verdict.seen) for step in part.steps]
    assert "internal-admin/1.2.3 answered with status 302" in steps[0]
    assert for_host(verdict.code, verdict.text).detail == verdict.text
    assert any("http_connection_refused" in line for line in nobody.report)


def test_an_inner_server_beside_the_right_one_is_the_same_as_a_silent_one(
    bind: Any, dual: Any, responder: Any, answers: Any, self_signed: Any
) -> None:
    """`twice` has two addresses; at the first one this host answers."""
    name, own = "twice.bench.test", OWN | {"127.0.0.1"}
    silent = check(bind, dual, responder, name, own)
    both = type(dual)(responder, self_signed, ("127.0.0.1", "127.0.0.2"))
    both.start()
    try:
        for answer in ANSWERS.values():
            both.routes["http", name, "127.0.0.2"] = answers[1](answer)
            verdict = check(bind, both, responder, name, own)
            assert verdict.passed and set(verdict.warnings) == set(silent.warnings)
        assert [one.code for one in verdict.warnings if "127.0.0.2" in one.text] == [
            "address_loopback", "address_inside"
        ]
    finally:
        both.stop()


def test_a_redirect_of_the_own_website_is_no_way_to_an_inner_server_either(
    bind: Any, dual: Any, responder: Any, answers: Any, self_signed: Any
) -> None:
    dual.routes["http", NAME] = answers[0](302, location="http://inner.bench.test/")
    silent = check(bind, dual, responder, own=OWN | {"127.0.0.1"})
    assert silent.code == "address_inside" and "redirects to 127.0.0.2, which is a loopback address" in silent.text
    both = type(dual)(responder, self_signed, ("127.0.0.1", "127.0.0.2"))
    both.start()
    try:
        both.routes |= dual.routes
        for answer in ANSWERS.values():
            both.routes["http", "inner.bench.test"] = answers[1](answer)
            verdict = check(bind, both, responder, own=OWN | {"127.0.0.1"})
            assert (verdict.code, verdict.text, verdict.warnings) == (silent.code, silent.text, silent.warnings)
            assert read_by_the_owner(verdict) == read_by_the_owner(silent)
    finally:
        both.stop()


def test_the_right_answer_at_a_loopback_address_is_this_host_s_own(bind: Any, web: Any, responder: Any) -> None:
    verdict = check(bind, web, responder)
    assert verdict.passed and [one.code for one in verdict.warnings] == ["address_loopback"]


def test_an_own_private_address_is_told_as_any_address_of_this_host(
    bind: Any, web: Any, responder: Any, answers: Any
) -> None:
    web.routes["http", NAME] = answers[0](403)
    assert check(bind, web, responder, own=OWN | {"127.0.0.1"}).code == "http_status"
