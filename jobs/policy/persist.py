"""dns-persist-01: the lasting TXT record by which a CA validates a name, shown and judged, never written.

draft-ietf-acme-dns-persist. A CA that offers it says so in its directory (-02: `issuerDomainNames`, and
`accountHashPrefix`, under which the account is named by a hash that binds it to the domain). CAs that follow -00 or -01
say it in the challenge only, and name the account by its URL.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from jobs.policy.caa_value import read_parameters
from jobs.policy.finding import Finding
from jobs.policy.redirects import printable
from jobs.policy.site import is_hostname

METHOD = "dns-persist-01"
LABEL = "_validation-persist"
WARNING = timedelta(days=30)
"""So long before its `persistUntil` a record counts as ending soon."""

_MOST_ISSUERS = 10
_LONGEST_NAME, _LONGEST_STRING = 253, 255
_ANY_DOMAIN = "*"
_LAST_SECOND = 253402300799
"""The end of the year 9999: what is later has no date in our calendar."""

_VALUE = re.compile(r"\A[\x21\x23-\x3a\x3c-\x5b\x5d-\x7e]+\Z")
"""A parameter's value that we would write: RFC 8659 section 4.2, without quotes and backslashes."""

_DIGITS = re.compile(r"\A[0-9]{1,20}\Z")
_KNOWN = ("accounturi", "policy", "persistuntil")


@dataclass(frozen=True, slots=True)
class Offer:
    """`issuers`: the names by which the CA goes in a record. `hash_prefix` None: accounts are named by their URL."""

    issuers: tuple[str, ...]
    hash_prefix: str | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """An account at the CA. `thumbprint`: of its key, base64url without padding (RFC 7638)."""

    url: str
    thumbprint: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """The record that a name needs. `accounts`: the values of `accounturi` that name our account, the one to write
    first."""

    name: str
    owner: str
    issuers: tuple[str, ...]
    accounts: tuple[str, ...]

    @property
    def wildcard(self) -> bool:
        return self.name.startswith("*.")

    @property
    def value(self) -> str:
        """The bare text of the TXT record."""
        policy = "; policy=wildcard" if self.wildcard else ""
        return f"{self.issuers[0]}; accounturi={self.accounts[0]}{policy}"

    def __str__(self) -> str:
        """As in a zone file, in strings of at most 255 characters."""
        text = self.value
        parts = [text[at : at + _LONGEST_STRING] for at in range(0, len(text), _LONGEST_STRING)]
        return f"{self.owner}. TXT " + " ".join(f'"{part}"' for part in parts)


@dataclass(frozen=True, slots=True)
class Standing:
    """`stands`: a CA would validate the name by what is there. `finding`: what is wrong, or will be soon.
    `until`: when the record ends by itself."""

    stands: bool
    finding: Finding | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    """A TXT value, read. `wrong`: why a CA takes it for malformed."""

    issuer: str
    account: str = ""
    wildcard: bool = False
    until: int | None = None
    wrong: str = ""


def advertised(meta: Mapping[str, Any]) -> Offer | None:
    """What the `meta` of a directory says, if it conforms to draft -02 (sections 3.2 and 4.1); else nothing is
    offered."""
    issuers, prefix = _issuers(meta.get("issuerDomainNames")), meta.get("accountHashPrefix")
    if not issuers or not isinstance(prefix, str) or not prefix.startswith("https://") or not _VALUE.match(prefix):
        return None
    return Offer(issuers, prefix)


def offered(challenge: Mapping[str, Any]) -> Offer | None:
    """What a challenge says of a CA that follows draft -00 or -01. By draft -02 the member has another name, and the
    directory is what counts."""
    issuers = _issuers(challenge.get("issuer-domain-names")) if challenge.get("type") == METHOD else ()
    return Offer(issuers) if issuers else None


def wanted(name: str, offer: Offer, holder: Holder) -> Wanted | None:
    """The record for `name` (which may be a wildcard); None when none can be written: the name is too long, or the
    account's URL can't stand in it."""
    base = name.removeprefix("*.")
    owner = f"{LABEL}.{base}"
    if len(owner) > _LONGEST_NAME:
        return None
    accounts: tuple[str, ...] = (holder.url,)
    if offer.hash_prefix is not None:
        accounts = tuple(_hashed(offer.hash_prefix, domain, holder) for domain in (base, _ANY_DOMAIN))
    if not all(_VALUE.match(account) for account in accounts):
        return None
    return Wanted(name, owner, offer.issuers, accounts)


def judge(want: Wanted, found: Iterable[str], now: datetime) -> Standing:
    """Whether one of the TXT values that stand at `want.owner` validates the name. What names other CAs counts for
    nothing; of several that name ours one has to fit (draft section 4.3.2)."""
    ours = [one for one in map(_read, found) if one.issuer in want.issuers]
    fits = [one for one in ours if not _obstacle(want, one, now)]
    if fits:
        return _standing(want, max(fits, key=_lasting), now)
    if not ours:
        text = f"{want.name}: no record of {want.issuers[0]} stands at {want.owner}. Add: {want}"
        return Standing(False, Finding("persist_missing", text))
    return Standing(False, min((_obstacle(want, one, now) for one in ours), key=_gravity))


def _standing(want: Wanted, best: _Read, now: datetime) -> Standing:
    until = _moment(best.until)
    if until is None or until - now > WARNING:
        return Standing(True, until=until)
    text = f"{want.name}: the record at {want.owner} ends at {until:%Y-%m-%d %H:%M} UTC (persistUntil={best.until})"
    return Standing(True, Finding("persist_ends_soon", text), until)


_ORDER = ("persist_ended", "persist_no_wildcard", "persist_other_account", "persist_malformed")
"""From what is nearest to a record that fits."""


def _gravity(finding: Finding | None) -> int:
    return _ORDER.index(finding.code) if finding else len(_ORDER)


def _obstacle(want: Wanted, one: _Read, now: datetime) -> Finding | None:
    """Why the CA would not take this record."""
    if one.wrong:
        text = f"{want.name}: the record at {want.owner} is malformed: {one.wrong}. Write: {want}"
        return Finding("persist_malformed", text)
    if one.account not in want.accounts:
        text = f"{want.name}: the record at {want.owner} is for another account ({printable(one.account, 120)})"
        return Finding("persist_other_account", f"{text}. Write: {want}")
    if want.wildcard and not one.wildcard:
        text = f"{want.name}: the record at {want.owner} lacks policy=wildcard. Write: {want}"
        return Finding("persist_no_wildcard", text)
    until = _moment(one.until)
    if until is not None and until <= now:
        text = f"{want.name}: the record at {want.owner} has ended at {until:%Y-%m-%d %H:%M} UTC. Write: {want}"
        return Finding("persist_ended", text)
    return None


def _lasting(one: _Read) -> int:
    return _LAST_SECOND + 1 if one.until is None else one.until


def _moment(until: int | None) -> datetime | None:
    return None if until is None or until > _LAST_SECOND else datetime.fromtimestamp(until, UTC)


def _read(text: str) -> _Read:
    """Read an issue-value (RFC 8659 section 4.2) as a CA does: what it takes for malformed, we do."""
    issuer, *rest = (part.strip(" \t") for part in text.split(";"))
    issuer = issuer.lower().removesuffix(".")
    parameters = read_parameters(rest)
    if isinstance(parameters, str):
        return _Read(issuer, wrong=f"expected tag=value, got {printable(parameters, 40)!r}")
    tags = [tag for tag, _ in parameters]
    twice = next((tag for tag in _KNOWN if tags.count(tag) > 1), None)
    if twice:
        return _Read(issuer, wrong=f"{twice} stands twice")
    values = dict(parameters)
    if not values.get("accounturi"):
        return _Read(issuer, wrong="accounturi is missing")
    until = values.get("persistuntil")
    if until is not None and not _DIGITS.match(until):
        return _Read(issuer, wrong=f"expected persistUntil in seconds since 1970, got {printable(until, 40)!r}")
    wildcard = values.get("policy", "").lower() == "wildcard"
    return _Read(issuer, values["accounturi"], wildcard, None if until is None else int(until))


def _hashed(prefix: str, domain: str, holder: Holder) -> str:
    """Section 4.1 of draft -02: the account, bound to the domain, without its URL."""
    content = bytes([len(domain)]) + f"{domain}{holder.thumbprint}{holder.url}".encode()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    return f"{prefix}sha-256/{digest}"


def _issuers(raw: Any) -> tuple[str, ...]:
    """Empty unless it is a list of one to ten names as the draft's section 3.1 wants them."""
    if not isinstance(raw, list) or not 1 <= len(raw) <= _MOST_ISSUERS:
        return ()
    return tuple(raw) if all(isinstance(one, str) and _is_normal(one) for one in raw) else ()


def _is_normal(name: str) -> bool:
    """A-labels in lower case, no final dot, no wildcard (draft section 3.1)."""
    return is_hostname(name) and not name.startswith("*.")
