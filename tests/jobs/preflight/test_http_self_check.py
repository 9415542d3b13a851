"""The token is fetched as a CA would fetch it, and each way to fail has its own code."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from jobs.preflight import Issuer, Setting, preflight

SECRET = b"private words of the site " * 10


def check(bind: Any, web: Any, responder: Any, name: str = "good.bench.test", **more: Any) -> Any:
    known = more.pop("known_good", frozenset())
    chosen = {"timeout": 3.0, **more}
    return preflight([name], Setting((bind.resolver,), web.http, web.https, **chosen), responder, known)[name]


def test_a_name_that_answers_passes_and_the_token_is_cleaned(bind: Any, web: Any, responder: Any) -> None:
    verdict = check(bind, web, responder)
    assert (verdict.passed, verdict.method, verdict.code) == (True, "http-01", "")
    ((name, token, content),) = responder.presented
    assert len(token) >= 40 and content.startswith(token + ".")
    assert web.requests == [("http", "good.bench.test", f"/.well-known/acme-challenge/{token}")]
    assert responder.cleaned == [(name, token)] and not responder.files
    assert any("127.0.0.1" in line and "status 200" in line for line in verdict.report)


def test_white_space_after_the_content_is_no_difference(
    bind: Any, web: Any, responder: Any, answers: Any
) -> None:
    say, _ = answers

    async def with_newline(path: str, writer: Any) -> None:
        content = responder.files[path.rpartition("/")[2]]
        await say(200, content.encode() + b"\r\n")(path, writer)

    web.routes["http", "good.bench.test"] = with_newline
    assert check(bind, web, responder).passed


@pytest.mark.parametrize("form", ["chunked", "until the end"])
def test_every_form_of_a_body_is_read(bind: Any, web: Any, responder: Any, form: str) -> None:
    async def handler(path: str, writer: Any) -> None:
        content = responder.files[path.rpartition("/")[2]].encode()
        if form == "chunked":
            chunks = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(part), part) for part in (content[:5], content[5:]))
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
        else:
            writer.write(b"HTTP/1.0 200 OK\n\n" + content)

    web.routes["http", "good.bench.test"] = handler
    assert check(bind, web, responder).passed


@pytest.mark.parametrize("status", [404, 401, 403, 503, 304, 204])
def test_another_status_fails_and_names_who_answered(
    bind: Any, web: Any, responder: Any, answers: Any, status: int
) -> None:
    say, _ = answers
    web.routes["http", "good.bench.test"] = say(status, SECRET)
    verdict = check(bind, web, responder)
    assert (verdict.passed, verdict.code) == (False, "http_status")
    assert str(status) in verdict.text and "Bench/1.0" in verdict.text and "127.0.0.1" in verdict.text


def test_wrong_content_fails_and_is_never_shown(bind: Any, web: Any, responder: Any, answers: Any) -> None:
    say, _ = answers
    web.routes["http", "good.bench.test"] = say(200, SECRET)
    verdict = check(bind, web, responder)
    assert (verdict.passed, verdict.code) == (False, "http_wrong_content")
    assert SECRET.decode().split()[0] not in repr(verdict)


def test_an_empty_body_is_wrong_content(bind: Any, web: Any, responder: Any, answers: Any) -> None:
    web.routes["http", "good.bench.test"] = answers[0](200)
    assert check(bind, web, responder).code == "http_wrong_content"


@pytest.mark.parametrize("form", [b"", b"Content-Length: 99999999\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_a_huge_body_is_not_read_on(bind: Any, web: Any, responder: Any, answers: Any, form: bytes) -> None:
    body = b"fffff\r\n" + b"x" * 100_000 if b"chunked" in form else b"x" * 100_000
    web.routes["http", "good.bench.test"] = answers[1](b"HTTP/1.1 200 OK\r\n" + form + b"\r\n" + body, hang=True)
    assert check(bind, web, responder).code == "http_too_large"


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "http_timeout"), (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nxx", "http_too_slow")],
)
def test_a_slow_answer_is_a_timeout(
    bind: Any, web: Any, responder: Any, answers: Any, data: bytes, code: str
) -> None:
    web.routes["http", "good.bench.test"] = answers[1](data, hang=True)
    verdict = check(bind, web, responder, timeout=0.5)
    assert (verdict.code, verdict.resolves) == (code, True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1_0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 40_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 500 + b"\r\n",
        b"HTTP/1.1 103 Early\r\n\r\n" * 10,
        b"\x00\xff" * 100 + b"\n",
    ],
)
def test_what_is_not_http_is_told_so(bind: Any, web: Any, responder: Any, answers: Any, data: bytes) -> None:
    web.routes["http", "good.bench.test"] = answers[1](data)
    assert check(bind, web, responder).code == "http_bad_answer"


def test_nobody_listening_is_refused(bind: Any, web: Any, responder: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        setting = Setting((bind.resolver,), unused.getsockname()[1], web.https)
        verdict = preflight(["good.bench.test"], setting, responder)["good.bench.test"]
    assert verdict.code == "http_connection_refused"
    assert "refused" in verdict.text


def test_a_failed_self_check_only_warns_for_a_name_that_validated_before(
    bind: Any, web: Any, responder: Any, answers: Any
) -> None:
    web.routes["http", "good.bench.test"] = answers[0](404)
    verdict = check(bind, web, responder, known_good=frozenset({"good.bench.test"}))
    assert verdict.passed and "http_status" in [warning.code for warning in verdict.warnings]


def test_a_server_header_is_shown_clean_and_short(bind: Any, web: Any, responder: Any, answers: Any) -> None:
    data = b"HTTP/1.1 404 No\r\nServer: Evil\x1b[31m<script>" + b"x" * 500 + b"\r\n\r\n"
    web.routes["http", "good.bench.test"] = answers[1](data)
    verdict = check(bind, web, responder)
    assert "Evil?[31m" in verdict.text and "\x1b" not in repr(verdict) and "x" * 60 not in verdict.text


def test_a_stray_ipv6_address_only_warns(bind: Any, web: Any, responder: Any) -> None:
    verdict = check(bind, web, responder, "both.bench.test")
    assert verdict.passed and any(one.code == "stray_aaaa" and "::1" in one.text for one in verdict.warnings)


def test_a_name_with_only_a_silent_ipv6_address_fails(bind: Any, web: Any, responder: Any) -> None:
    assert check(bind, web, responder, "sixonly.bench.test").code in ("http_connection_refused", "http_no_route")


def test_a_wrong_answer_by_ipv6_fails_although_ipv4_is_right(
    bind: Any, dual: Any, responder: Any, answers: Any
) -> None:
    assert check(bind, dual, responder, "half.bench.test").passed
    dual.routes["http", "half.bench.test", "::1"] = answers[0](200, b"default page")
    verdict = check(bind, dual, responder, "half.bench.test")
    assert (verdict.passed, verdict.code) == (False, "ipv6_elsewhere") and "::1" in verdict.text


def test_every_address_of_a_family_is_asked(bind: Any, web: Any, responder: Any) -> None:
    verdict = check(bind, web, responder, "twice.bench.test")
    assert verdict.passed and any(one.code == "stray_address" and "127.0.0.2" in one.text for one in verdict.warnings)


def test_a_wildcard_needs_dns_and_asks_nothing(bind: Any, web: Any, responder: Any) -> None:
    verdict = check(bind, web, responder, "*.bench.test", known_good=frozenset({"*.bench.test"}))
    assert (verdict.passed, verdict.code) == (False, "wildcard_needs_dns")
    assert web.requests == [] and responder.presented == []


@pytest.mark.parametrize(
    "name", ["under_score.test", "localhost", "127.0.0.1", "a b.test", "x\r\nHost: y.test", "A.test"]
)
def test_a_text_that_is_no_host_name_goes_nowhere(bind: Any, web: Any, responder: Any, name: str) -> None:
    verdict = check(bind, web, responder, name)
    assert (verdict.passed, verdict.code) == (False, "name_invalid")
    assert web.requests == []


def test_the_token_is_cleaned_when_it_could_not_be_presented(bind: Any, web: Any, responder: Any) -> None:
    def refuse(name: str, token: str, key_authorization: str) -> None:
        raise RuntimeError("disk full")

    responder.present = refuse
    with pytest.raises(RuntimeError):
        check(bind, web, responder)
    assert len(responder.cleaned) == 1


def test_five_hundred_names_pass_in_one_run_with_one_token_and_no_question_twice(
    bind: Any, web: Any, responder: Any
) -> None:
    names = [f"n{number}.wild.test" for number in range(500)]
    before = len(bind.queries())
    setting = Setting((bind.resolver,), web.http, web.https, issuer=Issuer(("ca.test",), None))
    verdicts = preflight(names, setting, responder)
    assert list(verdicts) == names and all(verdict.passed for verdict in verdicts.values())
    assert len(web.requests) == 500 and len(responder.presented) == 1
    asked = [tuple(line.split()[:3]) for line in bind.queries()[before:]]
    assert asked.count(("wild.test", "IN", "CAA")) == 1 and asked.count(("test", "IN", "CAA")) == 1
    assert len(asked) == len(set(asked))
