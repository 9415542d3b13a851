"""Requests that are too large, in each of their parts, or never end: refused early, with a sentence, and cheaply."""

from __future__ import annotations

import json
import time

import pytest

from tests.attacks.raw_requests import NAME, Target
from tests.panel.browser import Browser
from tests.panel.command_line import Line

HOST = f"Host: {NAME}\r\n".encode()
LINE = b"POST /login HTTP/1.1\r\n"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /" + b"a" * 64 * 1024 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
        (b"GET /" + b"a" * 64 * 1024, 414),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 64 * 1024 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 5000 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + HOST + b"".join(b"X-%d: y\r\n" % at for at in range(500)) + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Cookie: " + b"a=b; " * 10000 + b"\r\n\r\n", 431),
        (LINE + HOST + b"Content-Length: 1073741824\r\n\r\n", 413),
        (LINE + HOST + b"Content-Length: 99999999999999999999999\r\n\r\n", 400),
        (LINE + HOST + b"Content-Length: -1\r\n\r\n", 400),
        (LINE + HOST + b"Content-Length: +5\r\n\r\nabcde", 400),
        (LINE + HOST + b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n" + b"x" * 100000, 411),
    ],
)
def test_a_request_with_a_part_too_large_is_refused_at_once(panel: Target, raw: bytes, status: int) -> None:
    began = time.monotonic()
    assert panel.send(raw).status == status
    assert time.monotonic() - began < 5


def test_a_body_larger_than_a_form_can_be_gets_the_panels_own_page(panel: Target) -> None:
    answer = panel.post("/login", b"name=" + b"x" * 100_000)
    assert answer.status == 413 and "larger than this panel takes" in answer.text


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=" % at for at in range(8000))),
        ("application/x-www-form-urlencoded", b"&" * 60_000),
        ("application/x-www-form-urlencoded", b"csrf_token=" + b"%" * 60_000),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * 1200),
        ("multipart/form-data; boundary=b", b"--b\r\n" * 12_000),
        ("multipart/form-data; boundary=b", b"--b\r\n" + b"X: y\r\n" * 10_000),
        ("multipart/form-data; boundary=" + "b" * 5000, b"-" * 60_000),
        ("multipart/form-data; boundary=\r", b""),
    ],
)
def test_a_form_of_very_many_parts_costs_no_time_and_no_500(panel: Target, kind: str, body: bytes) -> None:
    began = time.monotonic()
    assert panel.post("/login", body, kind=kind).status in (400, 413, 422)
    assert time.monotonic() - began < 5


def test_a_file_that_is_uploaded_is_kept_nowhere(panel: Target) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="name"; filename="../../x"\r\n\r\n' + b"x" * 50_000
    assert panel.post("/login", part + b"\r\n--b--\r\n", kind="multipart/form-data; boundary=b").status == 400


@pytest.mark.parametrize(
    "body", ["[" * 1500, '{"a":' * 700, "1" * 4000, "1e999", '"\\ud800"', "[" + "0," * 1900 + "0]"]
)
def test_json_that_is_nested_deep_or_a_number_without_end_is_one_sentence(line: Line, panel: Target, body: str) -> None:
    token = line.run("token", "add", "--user", "root", "--label", "x", "--scope", "manage").out.split()
    secret = next(word for word in token if word.startswith("autossl_"))
    form = f"api.version=1&username=root&features={body}".encode()
    answer = panel.post("/json-api/add_override_features_for_user", form, f"Authorization: Bearer {secret}")
    assert answer.status == 422
    assert json.loads(answer.body)["metadata"]["result"] == 0


@pytest.mark.parametrize("path", ["/login?" + "a=b&" * 7000, "/login?next=" + "x" * 30_000, "/logs?q=" + "%" * 20_000])
def test_a_query_of_very_many_parts_is_answered_as_any_other(panel: Target, path: str) -> None:
    assert panel.get(path).status in (200, 302, 303)


def test_a_session_cookie_without_end_is_nobody_s(panel: Target) -> None:
    answer = panel.get("/security", "Cookie: __Host-autossl=" + "eJ" * 10_000)
    assert answer.status in (302, 303) and "/login" in answer.headers["Location"]


@pytest.mark.parametrize("q", ["%" * 5000, "_" * 5000, "a" * 20_000, "\x00", "\ud800"])
def test_a_search_for_nonsense_is_answered_quickly(browser: Browser, q: str) -> None:
    browser.sign_in()
    for path in ("/logs", "/users", "/audit", "/queue"):
        began = time.monotonic()
        answer = browser.get(path, query_string={"q": q.encode("utf-8", "surrogatepass")})
        assert answer.status_code == 200, path
        assert time.monotonic() - began < 5
