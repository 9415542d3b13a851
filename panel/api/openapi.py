"""The API as an OpenAPI 3.1 document, made of the registry, so that it lists what there is and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any

from panel.api.callers import scope_for
from panel.api.functions import LEFT_OUT
from panel.api.parameters import Many, Parameter
from panel.api.registry import MAYBE_TEXT, NUMBER, TEXT, Function, shape

REFUSALS = {
    "401": "Nobody is signed in, or the token does not hold",
    "403": "Not for this caller: its role, its token's scope or account, or a missing CSRF token",
    "404": "There is no such account, domain, provider or log, or the caller does not reach it",
    "405": "Neither GET nor POST",
    "409": "It does not go together with the present state, or the CA refused it",
    "413": "The body is too large",
    "422": "A parameter is missing, unknown, too long or of the wrong kind",
    "429": "The CA asks to wait; Retry-After says how many seconds, where that is known",
}
_ERRORS = {"type": ["array", "null"], "items": TEXT}
_ABOUT = (
    "AutoSSL's functions of WHM API 1 and UAPI, with their parameters and fields. All times are ISO 8601. What a "
    "function does not know it refuses. A name that the caller does not reach is unknown to it.\n\n"
    "Left out, because they have no meaning here:\n\n"
)


def document(functions: Sequence[Function]) -> dict[str, Any]:
    left_out = "\n".join(f"- `{name}`: {why}" for name, why in LEFT_OUT.items())
    return {
        "openapi": "3.1.0",
        "info": {"title": "AutoSSL Panel", "version": version("autossl-panel"), "description": _ABOUT + left_out},
        "servers": [{"url": "/"}],
        "paths": {function.path: _path(function) for function in functions},
        "components": {
            "schemas": {
                "WhmMetadata": shape(version={**NUMBER, "const": 1}, command=TEXT, reason=TEXT,
                                     result={**NUMBER, "enum": [0, 1]}),
                "WhmRefusal": shape(metadata={"$ref": "#/components/schemas/WhmMetadata"}),
                "UapiRefusal": _uapi(0, {"type": "null"}),
            },
            "responses": {
                f"{api}{status}": _refusal(api, text) for api in ("Whm", "Uapi") for status, text in REFUSALS.items()
            },
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "Made in the panel, under Your sign-in."},
                "whm": {"type": "apiKey", "in": "header", "name": "Authorization",
                        "description": "`whm USER:TOKEN` or `cpanel USER:TOKEN`, as WHM's clients send it."},
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-autossl",
                            "description": "A browser that is signed in; a POST needs its CSRF token as well."},
            },
        },
    }


def _path(function: Function) -> dict[str, Any]:
    """Both methods do the same; a session changes something by POST only."""
    taken = [parameter for parameter in function.parameters if not parameter.secret]
    shared = {
        "summary": function.title,
        "tags": ["UAPI" if function.of_account else "WHM API 1"],
        "description": _needs(function),
        "responses": _responses(function),
    }
    fixed = [] if function.of_account else [_VERSION]
    get = {
        "operationId": function.name,
        "parameters": [*fixed, *(_query(parameter) for parameter in taken)],
        "security": _security(session=not function.changes),
        **shared,
    }
    post: dict[str, Any] = {
        "operationId": f"{function.name}.post",
        "parameters": fixed,
        "security": _security(session=True),
        **shared,
    }
    if function.parameters:
        needed = any(parameter.required for parameter in function.parameters)
        post["requestBody"] = {"required": needed, "content": _form(function.parameters)}
    return {"get": get, "post": post}


_VERSION = {"name": "api.version", "in": "query", "required": True, "schema": {"type": "string", "enum": ["1"]}}


def _query(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": parameter.about,
        "schema": _schema(parameter),
        **({"style": "form", "explode": parameter.many is Many.NUMBERED} if parameter.many is not Many.ONE else {}),
    }


def _form(parameters: Iterable[Parameter]) -> dict[str, Any]:
    named = {one.name: {**_schema(one), "description": one.about} for one in parameters}
    schema: dict[str, Any] = {"type": "object", "properties": named, "additionalProperties": False}
    required = [parameter.name for parameter in parameters if parameter.required]
    encoding = {
        one.name: {"style": "form", "explode": one.many is Many.NUMBERED}
        for one in parameters if one.many is not Many.ONE
    }
    content = {"schema": {**schema, "required": required}, **({"encoding": encoding} if encoding else {})}
    return {"application/x-www-form-urlencoded": content}


def _schema(parameter: Parameter) -> dict[str, Any]:
    if parameter.many is Many.ONE:
        return dict(parameter.kind.schema)
    return {"type": "array", "items": dict(parameter.kind.schema), "minItems": int(parameter.required)}


def _responses(function: Function) -> dict[str, Any]:
    api = "Uapi" if function.of_account else "Whm"
    refusals = {status: {"$ref": f"#/components/responses/{api}{status}"} for status in REFUSALS}
    return {"200": {"description": "Done", "content": _json(_answer(function))}, **refusals}


def _refusal(api: str, text: str) -> dict[str, Any]:
    return {"description": text, "content": _json({"$ref": f"#/components/schemas/{api}Refusal"})}


def _answer(function: Function) -> dict[str, Any]:
    if function.of_account:
        return _uapi(1, dict(function.data or MAYBE_TEXT))
    data = {} if function.data is None else {"data": function.data}
    return shape(metadata={"$ref": "#/components/schemas/WhmMetadata"}, **data)


def _uapi(status: int, data: dict[str, Any]) -> dict[str, Any]:
    return shape(status={**NUMBER, "const": status}, errors=_ERRORS, messages=_ERRORS, data=data)


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _security(session: bool) -> list[dict[str, list[str]]]:
    ways = ("token", "whm", "session") if session else ("token", "whm")
    return [{way: []} for way in ways]


def _needs(function: Function) -> str:
    account = " It answers for the one account that the caller is of." if function.of_account else ""
    change = " It changes something." if function.changes else ""
    return f"Needs a token of scope {scope_for(function.right)} or more.{change}{account}"
