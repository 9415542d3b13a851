"""The nouns of the product: accounts, websites and their names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

import idna

UNASSIGNED = "unassigned"
"""The visible bucket of websites whose owner could not be told."""

_LABEL = re.compile(r"\A(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")
_ACCOUNT = re.compile(r"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\Z")


class AccountState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


class NameKind(StrEnum):
    MAIN = "main"
    ALIAS = "alias"
    WWW = "www"
    MAIL = "mail"
    SERVICE = "service"


class InvalidName(ValueError):
    """A text that can't be a host name in a certificate; its message says why."""


@dataclass(frozen=True, slots=True)
class Account:
    """A hosting user: a system user, or a virtual tenant from a manifest."""

    name: str
    contact: str | None = None
    package: str = "default"
    reseller: str | None = None
    state: AccountState = AccountState.ACTIVE


@dataclass(frozen=True, slots=True)
class Website:
    """One vhost of an account: the unit of a certificate.

    `names` are A-labels in lower case, the main name first; every one passed `hostname()`.
    `rejected` keeps what the source said that can't be a host name, with the reason. `part_of` is the main name of
    the website of which this one only holds names beyond the provider's cap, see `split.py`.
    """

    account: str
    names: tuple[str, ...]
    docroot: str | None = None
    source: str = ""
    file: str | None = None
    line: int | None = None
    rejected: tuple[tuple[str, str], ...] = ()
    part_of: str | None = None

    @property
    def main(self) -> str:
        return self.names[0]


@dataclass(frozen=True, slots=True)
class WantedName:
    """One name that a website's certificate should cover.

    `own`: the website itself lists it; a name that is not own (a guessed `mail.` or service name)
    and doesn't resolve is left out silently.
    """

    fqdn: str
    kind: NameKind
    own: bool


def hostname(text: str) -> str:
    """Return `text` as a lower-case A-label host name (RFC 5890, RFC 1123).

    A leading `*.` is kept. Raises InvalidName for what no CA may certify: empty labels, labels over 63
    or names over 253 characters, an address, a single label, or characters outside letters, digits and `-`.
    """
    raw = text.strip().rstrip(".")
    wildcard, rest = ("*.", raw[2:]) if raw.startswith("*.") else ("", raw)
    if not rest:
        raise InvalidName("it is empty")
    if not rest.isascii():
        try:
            rest = idna.encode(rest, uts46=True).decode("ascii")
        except idna.IDNAError as error:
            raise InvalidName(f"it is not a valid international name: {error}") from error
    rest = rest.lower()
    labels = rest.split(".")
    if len(rest) + len(wildcard) > 253:
        raise InvalidName(f"it has {len(rest) + len(wildcard)} characters; at most 253 are possible")
    for label in labels:
        if not _LABEL.match(label) or "_" in label:
            raise InvalidName(f"the part {label!r} is not made of letters, digits and inner hyphens")
    if len(labels) < 2:
        raise InvalidName("it has no dot; a public certificate needs a full domain name")
    if labels[-1].isdigit():
        raise InvalidName("it is an address, not a name")
    return wildcard + rest


def is_hostname(text: object) -> bool:
    """Whether `text` is a host name as it is kept here; only then it may become a part of a path."""
    try:
        return isinstance(text, str) and hostname(text) == text
    except InvalidName:
        return False


def account_name(text: str) -> str:
    """Return `text` if it can be an account's name; raises InvalidName."""
    if not _ACCOUNT.match(text):
        raise InvalidName("an account name has letters, digits, '.', '_' and '-', at most 64 characters")
    return text
