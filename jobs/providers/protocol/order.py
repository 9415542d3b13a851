"""An order and its authorizations as the CA sends them (RFC 8555 sections 7.1.3 to 7.1.6), read with care.

The fields come from outside: every address must be https, every token made of base64url characters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from jobs.policy.failure import Failure
from jobs.policy.persist import Offer, offered

TOKEN = re.compile(r"\A[A-Za-z0-9_-]{8,256}\Z")

MOST_FOR_A_NAME = 4
"""Authorizations. Each is asked for, and takes its time."""


@dataclass(frozen=True)
class Order:
    url: str
    status: str
    names: tuple[str, ...]
    authorizations: tuple[str, ...]
    finalize: str
    certificate: str | None
    error: dict[str, Any] | None


@dataclass(frozen=True)
class Challenge:
    """`kind` is the CA's text, known to us or not."""

    kind: str
    url: str
    token: str
    status: str
    error: dict[str, Any] | None


@dataclass(frozen=True)
class Authorization:
    url: str
    name: str
    status: str
    wildcard: bool
    challenges: tuple[Challenge, ...]
    persist: Offer | None = None
    """How it may be validated by dns-persist-01."""

    @property
    def identifier(self) -> str:
        return f"*.{self.name}" if self.wildcard else self.name

    def challenge(self, kind: str) -> Challenge | None:
        return next((one for one in self.challenges if one.kind == kind), None)


def parse_order(url: str, raw: dict[str, Any]) -> Order:
    """Raises Failure("ca_not_acme") when a field that an order must have is missing or of another type."""
    identifiers = raw.get("identifiers")
    names = tuple(_name(entry) for entry in identifiers) if isinstance(identifiers, list) else ()
    addresses = raw.get("authorizations")
    if isinstance(addresses, list) and len(addresses) > MOST_FOR_A_NAME * max(len(names), 1):
        words = f"{url}: expected some {len(names)} authorizations, the CA named {len(addresses)}"
        raise Failure("ca_not_acme", words, permanent=True)
    certificate = raw.get("certificate")
    return Order(
        url=url,
        status=_text(raw, "status", url),
        names=names,
        authorizations=tuple(str(one) for one in addresses) if isinstance(addresses, list) else (),
        finalize=_text(raw, "finalize", url),
        certificate=certificate if isinstance(certificate, str) else None,
        error=_error(raw),
    )


def parse_authorization(url: str, raw: dict[str, Any]) -> Authorization:
    """Unknown kinds of challenge are kept and ignored later. Raises Failure("ca_not_acme")."""
    challenges = raw.get("challenges")
    some = [one for one in challenges if isinstance(one, dict)] if isinstance(challenges, list) else []
    return Authorization(
        url=url,
        name=_name(raw.get("identifier")),
        status=_text(raw, "status", url),
        wildcard=raw.get("wildcard") is True,
        challenges=tuple(
            Challenge(
                kind=str(one.get("type", "")),
                url=str(one.get("url", "")),
                token=str(one.get("token", "")),
                status=str(one.get("status", "")),
                error=_error(one),
            )
            for one in some
        ),
        persist=next((found for one in some if (found := offered(one))), None),
    )


def checked_token(challenge: Challenge, name: str) -> str:
    """The token, if it can be a file name. Raises Failure("ca_bad_token")."""
    if not TOKEN.match(challenge.token):
        words = f"{name}: the CA's token {challenge.token[:40]!r} has other characters than base64url's"
        raise Failure("ca_bad_token", f"{words}; nothing was written")
    return challenge.token


def _name(identifier: Any) -> str:
    value = identifier.get("value") if isinstance(identifier, dict) else None
    if not isinstance(value, str):
        raise Failure("ca_not_acme", f"an identifier: expected a name, got {str(identifier)[:80]!r}")
    return value.lower()


def _text(raw: dict[str, Any], key: str, url: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str):
        raise Failure("ca_not_acme", f"{url}: expected {key!r} as text, got {str(value)[:80]!r}")
    return value


def _error(raw: dict[str, Any]) -> dict[str, Any] | None:
    value = raw.get("error")
    return value if isinstance(value, dict) else None
