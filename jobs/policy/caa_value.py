"""What an `issue` or `issuewild` value says (RFC 8659 section 4.2), and which conditions it puts (RFC 8657)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_DOMAIN = re.compile(r"\A[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*\Z")
_PARAMETER = re.compile(r"\A([A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)[ \t]*=[ \t]*([\x21-\x3a\x3c-\x7e]*)\Z")
_METHODS = re.compile(r"\A(?:[A-Za-z0-9-]+(?:,[A-Za-z0-9-]+)*)?\Z")
_ACCOUNT = re.compile(r"(;[ \t]*accounturi[ \t]*=[ \t]*)[\x21-\x3a\x3c-\x7e]*", re.IGNORECASE)
_PLAIN = re.compile(r"\A[\x20\x21\x23-\x5b\x5d-\x7e]*\Z")
_WHITE = " \t"


@dataclass(frozen=True, slots=True)
class Value:
    """`issuer`, in lower case, is empty when the value names nobody; `malformed`: because it doesn't follow the
    grammar. `parameters` are those of the grammar, tags in lower case. `oddity` says what some CAs read more strictly
    than the RFC asks."""

    issuer: str
    parameters: tuple[tuple[str, str], ...] = ()
    malformed: bool = False
    oddity: str = ""

    def all(self, tag: str) -> list[str]:
        return [value for name, value in self.parameters if name == tag]

    @property
    def forbids(self) -> bool:
        """Whether it says on purpose that nobody may issue, as `;` does."""
        return not self.issuer and not self.malformed


def read(text: str) -> Value:
    """A value that doesn't follow the grammar permits nobody, whatever it may have meant."""
    issuer, *rest = (part.strip(_WHITE) for part in text.split(";"))
    if issuer and not _DOMAIN.match(issuer):
        return Value("", malformed=True)
    if rest == [""]:
        rest = []
    parameters = read_parameters(rest)
    if isinstance(parameters, str):
        return Value("", malformed=True)
    return Value(issuer.lower(), tuple(parameters), oddity=_oddity(issuer, parameters))


def read_parameters(parts: Iterable[str]) -> list[tuple[str, str]] | str:
    """Tags, in lower case, and values of what stands between the semicolons; or the part that is no parameter."""
    found = []
    for part in parts:
        match = _PARAMETER.match(part)
        if match is None:
            return part
        found.append((match.group(1).lower(), match.group(2)))
    return found


def obstacles(value: Value, account_uri: str | None, method: str) -> dict[str, str]:
    """The parameters of RFC 8657 that stand in the way, with what is wrong, in words. One that is given twice can't be
    met (as large CAs read it); those of other names mean nothing."""
    found = {}
    accounts, methods = value.all("accounturi"), value.all("validationmethods")
    if len(accounts) > 1:
        found["accounturi"] = "accounturi is given twice"
    elif accounts and (account_uri is None or accounts[0] != account_uri):
        found["accounturi"] = "accounturi names another account"
    if len(methods) > 1:
        found["validationmethods"] = "validationmethods is given twice"
    elif methods and not _METHODS.match(methods[0]):
        found["validationmethods"] = "validationmethods is malformed"
    elif methods and method not in methods[0].split(","):
        found["validationmethods"] = f"validationmethods does not list {method}"
    return found


def means(text: str, identities: frozenset[str]) -> bool:
    """Whether a malformed value was very probably meant for one of `identities`."""
    words = text.partition(";")[0].split()
    return bool(words) and words[0].lower().strip("\"'.,") in identities


def domain(text: str) -> str:
    """An issuer's domain as it is compared and written; empty when it can't be one."""
    clean = text.strip().lower().rstrip(".")
    return clean if _DOMAIN.match(clean) else ""


def plain(text: str) -> bool:
    """Whether it can stand between quotes in a zone file just as it is."""
    return _PLAIN.match(text) is not None


def writable(account_uri: str | None) -> str | None:
    """The account's URL if a value can hold it."""
    whole = account_uri is not None and plain(account_uri) and not set(account_uri) & set(" ;")
    return account_uri if whole else None


def for_account(text: str, former: frozenset[str], account_uri: str) -> str | None:
    """The same value for another account: its one `accounturi` is of `former`. None: it isn't, or can't be written."""
    accounts = read(text).all("accounturi")
    if len(accounts) != 1 or accounts[0] not in former or not plain(text) or writable(account_uri) is None:
        return None
    return _ACCOUNT.sub(lambda match: match.group(1) + account_uri, text)


def _oddity(issuer: str, parameters: list[tuple[str, str]]) -> str:
    if issuer != issuer.lower():
        return f"writes {issuer} in capitals"
    hyphened = next((tag for tag, _ in parameters if "-" in tag), "")
    return f"has the parameter {hyphened}, with a hyphen" if hyphened else ""
