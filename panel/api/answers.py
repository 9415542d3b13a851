"""The two shapes of an answer: WHM API 1's `data` and `metadata`, UAPI's `status`, `errors`, `messages` and `data`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Response, jsonify

from jobs.policy.customer_words import for_owner
from jobs.policy.failure import Failure
from jobs.wiring.instance import now

VERSION = 1
LONGEST_COMMAND = 100

INVALID = frozenset({
    "config_invalid", "contact_invalid", "directory_invalid", "eab_invalid", "eab_required", "name_invalid",
    "name_not_ours", "option_invalid", "terms_not_accepted",
})
"""Failures whose cause is a parameter of the call: 422."""

LIMITED = frozenset({"ca_rate_limited", "login_limited"})
"""Failures whose remedy is to wait: 429, with Retry-After where a time is known."""


class Refused(Exception):
    """The call is not answered: `reason` says why, in a sentence."""

    def __init__(self, status: int, reason: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status, self.reason, self.headers = status, reason, dict(headers or {})


def done(command: str, uapi: bool, data: Any, bare: bool) -> Response:
    """The answer of a call that succeeded. `bare`: there is no data."""
    if uapi:
        return jsonify({"status": 1, "errors": None, "messages": None, "data": plain(data)})
    answer = {"metadata": _metadata(command, 1, "OK")}
    return jsonify(answer if bare else {"data": plain(data), **answer})


def refused(command: str, uapi: bool, refusal: Refused) -> Response:
    reason = plain(refusal.reason)
    if uapi:
        answer = jsonify({"status": 0, "errors": [reason], "messages": None, "data": None})
    else:
        answer = jsonify({"metadata": _metadata(command, 0, reason)})
    answer.status_code = refusal.status
    answer.headers.update(refusal.headers)
    return answer


def from_failure(failure: Failure, host: bool) -> Refused:
    """A step that could not be done, as the API says it; what is neither unknown nor invalid nor limited is a 409.

    `host`: the caller sees the host; else nothing of its inside is told.
    """
    if failure.code in LIMITED:
        left = 0 if failure.retry_at is None else int((failure.retry_at - now()).total_seconds()) + 1
        return Refused(429, failure.detail, {"Retry-After": str(left)} if left > 0 else {})
    if failure.code.endswith("_unknown"):
        return Refused(404, failure.detail)
    status = 422 if failure.code in INVALID else 409
    if host or failure.code in INVALID - {"config_invalid"}:
        return Refused(status, failure.detail)
    words = for_owner(failure.code, failure.detail)
    return Refused(status, words.detail or words.title)


def plain(value: Any) -> Any:
    """The same without control characters anywhere: texts come from CAs, web servers and logs."""
    if isinstance(value, str):
        return value if value.isprintable() else "".join(char if char.isprintable() else " " for char in value)
    if isinstance(value, Mapping):
        return {plain(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value


def stamp(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC, to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if moment else None


def _metadata(command: str, result: int, reason: str) -> dict[str, Any]:
    return {"version": VERSION, "command": plain(command[:LONGEST_COMMAND]), "reason": reason, "result": result}
