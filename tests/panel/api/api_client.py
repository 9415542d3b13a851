"""A script that calls the API; every answer is held to the schema that the OpenAPI document gives for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask import Flask
from jsonschema import Draft202012Validator
from werkzeug.test import TestResponse

import models
from jobs.wiring import tokens
from panel.api.functions import FUNCTIONS
from panel.api.openapi import document
from panel.api.registry import Function

HTTPS = "https://panel.example.com"
BY_NAME = {function.name: function for function in FUNCTIONS}


@contextmanager
def rows() -> Iterator[None]:
    """The tables, as a request has them."""
    models.database.connect(reuse_if_open=True)
    try:
        yield
    finally:
        models.database.close()


@dataclass(frozen=True)
class Script:
    """`header` is its Authorization header."""

    app: Flask
    header: str = ""

    def call(self, name: str, method: str = "GET", **values: Any) -> TestResponse:
        """Call a function; `domain_1` stands for the parameter `domain-1`. The answer's shape is checked."""
        function = BY_NAME[name]
        sent = {key.replace("_1", "-1").replace("_2", "-2"): value for key, value in values.items()}
        if not function.of_account:
            sent.setdefault("api.version", "1")
        answer = self.send(function.path, method, sent)
        check_shape(function, answer)
        return answer

    def send(self, path: str, method: str = "GET", sent: dict[str, Any] | None = None) -> TestResponse:
        headers = {"Authorization": self.header} if self.header else {}
        where = {"data": sent} if method == "POST" else {"query_string": sent}
        return self.app.test_client().open(path, base_url=HTTPS, method=method, headers=headers, **where)

    def data(self, name: str, **values: Any) -> Any:
        """The data of an answer that must be good."""
        answer = self.call(name, **values)
        assert answer.status_code == 200, answer.text
        assert answer.json is not None
        return answer.json.get("data")

    def refused(self, name: str, **values: Any) -> tuple[int, str]:
        """Status and reason of an answer that must not be good."""
        answer = self.call(name, **values)
        return answer.status_code, reason(answer)


def reason(answer: TestResponse) -> str:
    assert answer.status_code >= 400, answer.text
    assert answer.json is not None, answer.text
    return str(answer.json["metadata"]["reason"] if "metadata" in answer.json else answer.json["errors"][0])


def script(app: Flask, user: str, scope: str = "manage", account: str | None = None) -> Script:
    """With a fresh token of this user."""
    with rows():
        text, _ = tokens.make(models.User.get(models.User.name == user), "test", scope, account, 1)
    return Script(app, f"Bearer {text}")


def check_shape(function: Function, answer: TestResponse) -> None:
    """Raises ValidationError for a body that is not what the document says for its status."""
    responses = _document()["paths"][function.path]["get"]["responses"]
    response = responses[str(answer.status_code)]
    if "$ref" in response:
        response = _document()["components"]["responses"][response["$ref"].rpartition("/")[2]]
    schema = response["content"]["application/json"]["schema"]
    Draft202012Validator({**schema, "components": _document()["components"]}).validate(answer.json)


@cache
def _document() -> dict[str, Any]:
    return document(FUNCTIONS)


EXAMPLES: dict[str, dict[str, Any]] = {
    "get_autossl_providers": {},
    "set_autossl_provider": {"provider": "nowhere"},
    "reset_autossl_provider": {"provider": "nowhere"},
    "disable_autossl": {},
    "get_autossl_check_schedule": {},
    "start_autossl_check_for_all_users": {},
    "start_autossl_check_for_one_user": {"username": "alice"},
    "get_autossl_logs_catalog": {},
    "get_autossl_log": {"start_time": "2026-11-24T10:00:00.000Z"},
    "get_autossl_metadata": {},
    "set_autossl_metadata": {"metadata_json": '{"clobber_externally_signed": 1}'},
    "set_autossl_metadata_key": {"key": "notify_autossl_expiry", "value": "1"},
    "get_autossl_user_excluded_domains": {"username": "alice"},
    "add_autossl_user_excluded_domains": {"username": "alice", "domain": "alice.test"},
    "remove_autossl_user_excluded_domains": {"username": "alice", "domain": "alice.test"},
    "set_autossl_user_excluded_domains": {"username": "alice"},
    "get_autossl_problems_for_user": {"username": "alice"},
    "get_autossl_problems_for_domain": {"domain": "alice.test"},
    "get_autossl_pending_queue": {},
    "get_autossl_pending_queue_for_user": {"username": "alice"},
    "get_autossl_pending_queue_for_domain": {"domain": "alice.test"},
    "add_override_features_for_user": {"user": "alice", "features": '{"autossl":1}'},
    "remove_override_features_for_user": {"user": "alice", "features": '["autossl"]'},
    "get_users_features_settings": {"user": "alice", "feature": "autossl"},
    "SSL::start_autossl_check": {},
    "SSL::is_autossl_check_in_progress": {},
    "SSL::get_autossl_problems": {},
    "SSL::get_autossl_excluded_domains": {},
    "SSL::add_autossl_excluded_domains": {"domains": "alice.test"},
    "SSL::remove_autossl_excluded_domains": {"domains": "alice.test"},
    "SSL::set_autossl_excluded_domains": {},
    "SSL::get_autossl_pending_queue": {},
}
"""What every function takes, without asking a CA: of the account `alice`."""
