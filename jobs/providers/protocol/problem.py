"""Turns what a CA answers when something is wrong into a Failure; its own words are kept."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from jobs.policy.failure import Failure
from jobs.policy.provider_pause import LONGEST
from jobs.policy.redirects import printable

PREFIX = "urn:ietf:params:acme:error:"
_LONGEST_DETAIL = 1500

CODES = {
    "badNonce": "ca_bad_nonce",
    "rateLimited": "ca_rate_limited",
    "accountDoesNotExist": "account_gone",
    "externalAccountRequired": "eab_required",
    "userActionRequired": "terms_changed",
    "rejectedIdentifier": "ca_rejected_name",
    "unsupportedIdentifier": "ca_rejected_name",
    "caa": "ca_caa",
    "serverInternal": "ca_unavailable",
    "alreadyReplaced": "ca_already_replaced",
}
"""ACME error types (RFC 8555 section 6.7, RFC 9773) that need a code of their own; the rest is `ca_refused`."""

PERMANENT = frozenset({"ca_rejected_name", "eab_required", "terms_changed", "account_gone", "ca_caa"})
OF_PROVIDER = frozenset({"eab_required", "terms_changed", "account_gone"})
"""Codes of refusals that every other order would meet as well."""

_OF_ONE = re.compile(r'"[^"\s]*\.[^"\s]*"|\b(?:exact set|identifiers?|domains?|hostnames?)\b', re.IGNORECASE)
"""What the words of a limit have that is about certain names: one in quotes, or that kind of limit."""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer of a CA; header names in lower case. `peer`: the address it came from."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    peer: str = ""

    def json(self) -> dict[str, Any]:
        """The body as a JSON object, of which every text can be written. Raises Failure("ca_not_acme")."""
        try:
            text = self.body.decode("utf-8-sig")
            value = json.loads(text)
            if "\\u" in text:
                json.dumps(value, ensure_ascii=False).encode()
        except (ValueError, RecursionError):  # nested without end, or half a character: `"\\ud800"`
            value = None
        if not isinstance(value, dict):
            kind = printable(self.headers.get("content-type", "no content type"), 100)
            raise Failure("ca_not_acme", f"{self.url}: expected a JSON object, got {kind} (HTTP {self.status})")
        return value


class Refused(Failure):
    """The CA's answer was a no, in whatever words. `url`: what was asked; `status`: of HTTP; `kind`: the ACME error
    type without its prefix, or an empty text."""

    def __init__(self, answer: Answer, code: str, detail: str, retry_at: datetime | None, of_provider: bool) -> None:
        permanent = code in PERMANENT
        names = _by_name(_document(answer))
        super().__init__(code, detail, retry_at, permanent, names, of_provider=of_provider)
        self.url, self.status, self.kind = answer.url, answer.status, error_type(answer)


def retry_after(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Retry-After as a time: seconds or an HTTP date (RFC 9110 section 10.2.3); nonsense counts as absent. What lies
    further off than the longest pause that is believed is brought down to that."""
    raw = headers.get("retry-after", "").strip()
    if raw.isascii() and raw.isdigit():
        return now + min(timedelta(seconds=min(int(raw[:9]), 10**8)), LONGEST)
    moment = http_date(raw)
    return None if moment is None else min(moment, now + LONGEST)


def http_date(text: str) -> datetime | None:
    """An HTTP date (RFC 9110 section 5.6.7); nonsense is none."""
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def error_type(answer: Answer) -> str:
    """The ACME error type of a problem document without its prefix, or an empty text."""
    kind = _document(answer).get("type", "")
    return kind.removeprefix(PREFIX) if isinstance(kind, str) else ""


def failure(answer: Answer, step: str, now: datetime) -> Refused:
    """What the CA answered instead of doing `step`: type, detail and subproblems in its own words."""
    document, kind = _document(answer), error_type(answer)
    code = CODES.get(kind, "ca_refused" if kind else "ca_not_acme")
    if answer.status == 429:
        code = "ca_rate_limited"
    elif answer.status >= 500:
        code = "ca_unavailable"
    said = words(document) if document else f"HTTP {answer.status} without a problem document"
    when = retry_after(answer.headers, now)
    return Refused(answer, code, f"{step}: the CA answered {said}", when, _of_provider(answer, code, document))


def _of_provider(answer: Answer, code: str, document: Mapping[str, Any]) -> bool:
    """Whether this answer would meet every other order: a limit that is not about certain names, a CA that names the
    time at which it is up again, an account that may not order."""
    if code == "ca_rate_limited":
        return not _subproblems(document) and not _OF_ONE.search(str(document.get("detail", "")))
    if code == "ca_unavailable":
        return answer.status != 500 and "retry-after" in answer.headers
    return code in OF_PROVIDER


def words(document: Mapping[str, Any]) -> str:
    """A problem document (RFC 7807) in one line: `type: detail`, the page where a person can do something about it
    (RFC 8555 section 7.3.3), then each subproblem with its name."""
    kind = str(document.get("type", "no type")).removeprefix(PREFIX)
    parts = [f"{kind}: {document.get('detail', 'no detail')}"]
    page = document.get("instance")
    parts += [f"see {page}"] if isinstance(page, str) and page.startswith("https://") else []
    parts += [f"{_identifier(entry) or '?'}: {_said(entry)}" for entry in _subproblems(document)]
    return "; ".join(" ".join(part.split()) for part in parts)[:_LONGEST_DETAIL]


def _document(answer: Answer) -> dict[str, Any]:
    """The problem document that came, or an empty one."""
    try:
        return answer.json()
    except Failure:
        return {}


def _by_name(document: Mapping[str, Any]) -> dict[str, str]:
    """The names that subproblems are about (RFC 8555 section 6.7.1), each with the CA's words."""
    found = {}
    for entry in _subproblems(document):
        name = _identifier(entry)
        if name:
            found[name] = " ".join(f"{name}: the CA answered {_said(entry)}".split())[:_LONGEST_DETAIL]
    return found


def _subproblems(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    entries = document.get("subproblems")
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _identifier(entry: Mapping[str, Any]) -> str:
    identifier = entry.get("identifier")
    value = identifier.get("value") if isinstance(identifier, dict) else None
    return value.lower() if isinstance(value, str) else ""


def _said(entry: Mapping[str, Any]) -> str:
    return f"{str(entry.get('type', '')).removeprefix(PREFIX)}: {entry.get('detail', '')}"
