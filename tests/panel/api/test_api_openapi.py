"""The OpenAPI document says what there is: no more, no less."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import validate

from panel.api.functions import FUNCTIONS, LEFT_OUT
from panel.api.registry import UAPI_PREFIX, WHM_PREFIX
from tests.panel.api.api_client import HTTPS


@pytest.fixture
def document(app: Flask) -> Any:
    answer = app.test_client().get("/api/openapi.json", base_url=HTTPS)
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    return answer.json


def test_the_document_is_valid(document: Any) -> None:
    assert document["openapi"].startswith("3.1.")
    validate(document)


def test_it_lists_exactly_the_routes(app: Flask, document: Any) -> None:
    routes = {
        (rule.rule, method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith((WHM_PREFIX, UAPI_PREFIX)) and not rule.arguments
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    told = {(path, method) for path, methods in document["paths"].items() for method in methods}
    assert told == routes
    assert len({operation["operationId"] for methods in document["paths"].values() for operation in methods.values()}) \
        == len(told)


def test_every_parameter_stands_in_both_methods_but_no_secret_in_an_address(document: Any) -> None:
    for function in FUNCTIONS:
        methods = document["paths"][function.path]
        asked = {one["name"]: one["required"] for one in methods["get"]["parameters"] if one["name"] != "api.version"}
        assert asked == {one.name: one.required for one in function.parameters if not one.secret}
        body = methods["post"].get("requestBody", {"content": {"application/x-www-form-urlencoded": {"schema": {
            "properties": {}, "required": []}}}})
        schema = body["content"]["application/x-www-form-urlencoded"]["schema"]
        assert set(schema["properties"]) == {one.name for one in function.parameters}
        assert set(schema["required"]) == {one.name for one in function.parameters if one.required}


def test_a_session_is_no_way_to_change_something_by_get(document: Any) -> None:
    for function in FUNCTIONS:
        methods = document["paths"][function.path]
        assert ({"session": []} in methods["get"]["security"]) == (not function.changes)
        assert {"session": []} in methods["post"]["security"]


def test_what_is_left_out_is_told_with_its_reason(document: Any) -> None:
    for name, why in LEFT_OUT.items():
        assert f"- `{name}`: {why}" in document["info"]["description"]
        assert f"{UAPI_PREFIX}{name.replace('::', '/')}" not in document["paths"]


def test_no_function_is_there_twice_and_names_are_names() -> None:
    names = [function.name for function in FUNCTIONS]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"([A-Z]+::)?[a-z_]+", name) for name in names)
