"""What no function takes: each is refused in the API's own shape, with a sentence."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from jobs.wiring import providers
from panel.api.functions import FUNCTIONS
from panel.api.parameters import Many
from tests.panel.api.api_client import BY_NAME, EXAMPLES, Script, reason, script

REQUIRED = [(one.name, each.name) for one in FUNCTIONS for each in one.parameters if each.required]
EVERY = [(one.name, each.name) for one in FUNCTIONS for each in one.parameters]
ONCE = [(one.name, each.name) for one in FUNCTIONS for each in one.parameters if each.many is not Many.NUMBERED]


@pytest.fixture
def caller(app: Flask, admin: Script) -> Any:
    """Of WHM's functions the administrator, of UAPI's a user."""
    alice = script(app, "alice")
    return lambda name: alice if "::" in name else admin


def test_a_missing_parameter_is_named(caller: Any) -> None:
    for name, parameter in REQUIRED:
        sent = {key: value for key, value in EXAMPLES[name].items() if key != parameter}
        status, words = caller(name).refused(name, **sent)
        assert (status, words.startswith(f"{parameter}: missing")) == (422, True), name


@pytest.mark.parametrize("value", ["x" * 60_000, "a\x00b", "a\x1b[31mb", "a\r\nb", "a\u202eb"])
def test_an_over_long_value_and_a_control_character_are_refused(caller: Any, value: str) -> None:
    for name, parameter in EVERY:
        status, words = caller(name).refused(name, method="POST", **{**EXAMPLES[name], parameter: value})
        assert status == 422, (name, parameter)
        assert words.startswith(f"{parameter}: ") and words.isprintable() and len(words) < 400


def test_a_value_that_is_sent_twice_is_refused(caller: Any) -> None:
    for name, parameter in ONCE:
        value = EXAMPLES[name].get(parameter, "1")
        status, words = caller(name).refused(name, method="POST", **{**EXAMPLES[name], parameter: [value, value]})
        assert (status, "2 times" in words) == (422, True), (name, parameter)


def test_a_parameter_that_does_not_exist_is_refused_and_the_real_ones_are_told(caller: Any) -> None:
    for name in BY_NAME:
        status, words = caller(name).refused(name, **EXAMPLES[name], nothing="1")
        assert (status, "nothing" in words) == (422, True), name
        assert all(parameter.name in words for parameter in BY_NAME[name].parameters)


@pytest.mark.parametrize("version", [None, "", "0", "2", "1.0", ["1", "0"]])
def test_another_api_version_is_refused(admin: Script, version: Any) -> None:
    answer = admin.send("/json-api/get_autossl_metadata", "GET", None if version is None else {"api.version": version})
    assert answer.status_code == 422
    assert answer.json == {"metadata": {
        "version": 1, "command": "get_autossl_metadata", "result": 0,
        "reason": "api.version: expected api.version=1, the only version there is",
    }}


def test_uapi_asks_for_no_version(alice: Script) -> None:
    for sent in ({}, {"api.version": "1"}, {"api.version": "3"}):
        assert alice.send("/execute/SSL/get_autossl_problems", "GET", sent).status_code == 200


@pytest.mark.parametrize("username", ["a/b", "../bob", "alice ", " alice", "ALICE", "al*", "%", "-alice", "álice",
                                      "x" * 65, "alice'--", ""])
def test_a_name_that_can_be_no_account_s_is_refused_or_unknown(admin: Script, username: str) -> None:
    status, words = admin.refused("get_autossl_problems_for_user", username=username)
    assert status in (404, 422) and words.isprintable()


@pytest.mark.parametrize(
    "path", ["/json-api/nothing", "/json-api/get_autossl_log/", "/json-api/%1b%5b31m", "/json-api/" + "x" * 3000,
             "/json-api/SSL/get_autossl_problems", "/json-api/a/b/../c"],
)
def test_an_unknown_function_of_whm_is_told_in_its_shape(admin: Script, path: str) -> None:
    answer = admin.send(path, "GET", {"api.version": "1"})
    assert answer.status_code == 404
    assert answer.json is not None and set(answer.json) == {"metadata"}
    assert answer.json["metadata"]["result"] == 0 and answer.json["metadata"]["version"] == 1
    words = reason(answer)
    assert words.startswith("there is no function") and words.isprintable() and len(words) < 300
    assert answer.json["metadata"]["command"].isprintable()


@pytest.mark.parametrize("path", ["/execute/SSL/nothing", "/execute/Email/list_pops", "/execute/x",
                                  "/execute/get_autossl_metadata", "/execute/DCV/check_domains_via_http"])
def test_an_unknown_function_of_uapi_is_told_in_its_shape(alice: Script, path: str) -> None:
    answer = alice.send(path)
    assert answer.status_code == 404
    assert answer.json is not None
    assert answer.json == {"status": 0, "errors": [reason(answer)], "messages": None, "data": None}


@pytest.mark.parametrize("path", ["/json-api/nothing", "/execute/SSL/nothing"])
def test_who_is_nobody_is_not_told_which_functions_there_are(app: Flask, path: str) -> None:
    assert Script(app).send(path).status_code == 401


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("name", ["get_autossl_metadata", "SSL::get_autossl_problems"])
def test_other_methods_are_told_which_ones_are_taken(app: Flask, method: str, name: str) -> None:
    answer = script(app, "alice").send(BY_NAME[name].path, method)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")
    assert "GET or POST" in reason(answer)


def test_a_body_that_is_too_large_or_no_form_is_a_sentence(app: Flask, admin: Script) -> None:
    path, headers = "/json-api/set_autossl_metadata", {"Authorization": admin.header}
    client = app.test_client()

    def post(body: Any, kind: str) -> tuple[int, str]:
        answer = client.post(path, base_url="https://panel.example.com", data=body, content_type=kind, headers=headers)
        return answer.status_code, reason(answer)

    form = "application/x-www-form-urlencoded"
    assert post("api.version=1&metadata_json=" + "x" * 70_000, form)[0] == 413
    assert post('{"api.version": 1, "metadata_json": {}}', "application/json")[0] == 422
    assert post(b"\xff\xfe\x00&&&=", form)[0] == 422
    assert post(b"--x\r\nbroken", "multipart/form-data; boundary=x")[0] in (400, 422)
    assert post(b"x", "multipart/form-data")[0] in (400, 422)


def test_what_nobody_foresaw_is_a_500_in_shape_without_a_trace(
    admin: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(instance: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(providers, "list_providers", broken)
    answer = admin.send("/json-api/get_autossl_providers", "GET", {"api.version": "1"})
    assert answer.status_code == 500
    assert "secret" not in answer.text and "Traceback" not in answer.text
    assert reason(answer) == "the panel could not answer; its own log says why"
