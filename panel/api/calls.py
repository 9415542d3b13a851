"""One call on its way: who calls, which function, may they, what did they send, whose accounts; then its handler.

The functions of the API are open to everybody in `panel/access.py`, because a token is no session and a refusal here is
no page: this is the API's one door, and no handler is reached but through it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request

from jobs.policy.access import Right
from jobs.policy.failure import Failure
from panel import audit, work
from panel.api import answers, callers, parameters
from panel.api.answers import Refused
from panel.api.callers import Caller
from panel.api.registry import UAPI_PREFIX, Call, Function

_NO_VERSION = "api.version: expected api.version=1, the only version there is"


def perform(function: Function) -> Response:
    """Raises Refused."""
    caller = callers.identify()
    _note(function, caller, {})
    callers.admit(caller, function.right, function.changes)
    sent = request.values
    if not function.of_account and set(sent.getlist("api.version")) != {"1"}:
        raise Refused(422, _NO_VERSION)
    values = parameters.read(function.parameters, sent, request.args)
    _note(function, caller, values)
    account = callers.own_account(caller) if function.of_account else ""
    callers.check_accounts(caller, _accounts(function, values))
    try:
        data = function.handler(Call(work.instance(), caller, values, account))
    except Failure as failure:
        raise answers.from_failure(failure, Right.SEE_HOST in caller.rights) from failure
    return answers.done(function.command, function.of_account, data, bare=function.data is None)


def unknown(command: str, known: bool) -> Refused:
    """For an address of the API that is no function, or a method that no function takes."""
    callers.identify()
    if known:
        return Refused(405, f"{command}: expected GET or POST, got {request.method}", {"Allow": "GET, POST"})
    return Refused(404, f"there is no function {command[: answers.LONGEST_COMMAND]!r}; see /api/openapi.json")


def told(refusal: Refused) -> Response:
    """The refusal in the shape of the address that was called, whichever it is."""
    uapi = request.path.startswith(UAPI_PREFIX)
    return answers.refused(request.path.rpartition("/")[2], uapi, refusal)


def _accounts(function: Function, values: Mapping[str, Any]) -> list[str]:
    """Every account that the call names."""
    named: list[str] = []
    for parameter in function.parameters:
        value = values[parameter.name]
        if parameter.kind is parameters.ACCOUNT and value:
            named += value if isinstance(value, list) else [value]
    return named


def _note(function: Function, caller: Caller, values: Mapping[str, Any]) -> None:
    """For the audit log: with which token, and what was sent, without its secrets."""
    if not function.changes:
        return
    said = [f"token {caller.token}:"] if caller.token else []
    for parameter in function.parameters:
        value = None if parameter.secret else values.get(parameter.name)
        if isinstance(value, dict):
            said += [f"{key}={int(on)}" for key, on in value.items()]
        elif value is not None:
            said += value if isinstance(value, list) else [str(value)]
    audit.instead(action=f"api.{function.command}", who=caller.name, role=caller.role, object=" ".join(said))
