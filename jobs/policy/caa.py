"""Whether CAA records let a CA certify a name (RFC 8659, RFC 8657). Records are fetched elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from jobs.policy.redirects import printable

_TAGS = frozenset({"issue", "issuewild", "issuemail", "iodef"})
"""Tags that every CA understands; any other one with the critical flag forbids (RFC 8659 section 4.1)."""

_CRITICAL = 128 | 1
"""128 is the flag (RFC 8659 section 4.1); CAs take 1 for it as well, because old software wrote that."""

_DOMAIN = re.compile(r"\A[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*\Z")
_PARAMETER = re.compile(r"\A([A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)[ \t]*=[ \t]*([\x21-\x3a\x3c-\x7e]*)\Z")


@dataclass(frozen=True, slots=True)
class CaaRecord:
    """One record as it stands in the zone; `tag` in lower case."""

    flags: int
    tag: str
    value: str

    def __str__(self) -> str:
        return printable(f'{self.flags} {self.tag} "{self.value}"', 200)


@dataclass(frozen=True, slots=True)
class CaaStep:
    """One step of the climb: what was asked, the owner of the set (after CNAMEs), its records, or why there is
    no answer. An empty set without an error means that the climb goes on."""

    asked: str
    owner: str
    records: tuple[CaaRecord, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class CaaVerdict:
    """`record` is the line to add that would allow it, in zone file syntax; empty where no record would help.
    `warning` is a sentence about what could not be told."""

    allowed: bool
    code: str = ""
    text: str = ""
    record: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class _Permission:
    """An `issue` or `issuewild` value, read. `issuer` is empty when it names nobody or is malformed."""

    issuer: str
    parameters: tuple[tuple[str, str], ...] = ()

    def all(self, key: str) -> list[str]:
        return [value for name, value in self.parameters if name == key]


def climb(name: str) -> tuple[str, ...]:
    """The names at which a set is looked for, nearest first (RFC 8659 section 3); a leading `*.` is left out."""
    labels = name.removeprefix("*.").split(".")
    return tuple(".".join(labels[start:]) for start in range(len(labels)))


def judge(
    name: str,
    steps: Sequence[CaaStep],
    identities: Sequence[str],
    account_uri: str | None,
    method: str = "http-01",
) -> CaaVerdict:
    """Decide by the nearest set of `steps` (in the order of `climb`) whether the CA may issue for `name`.

    `identities` are the domains that the CA recognizes as itself; empty means that it publishes none. No set means
    permission. A lookup that failed does not (Baseline Requirements 3.2.2.8): "caa_lookup_failed".
    """
    for step in steps:
        if step.error:
            text = f"{name}: the CAA records of {step.asked} can't be read: {step.error}; without them no CA may issue"
            return CaaVerdict(False, "caa_lookup_failed", text)
        if step.records:
            return _judge_set(name, step, identities, account_uri, method)
    return CaaVerdict(True)


def _judge_set(
    name: str, step: CaaStep, identities: Sequence[str], account_uri: str | None, method: str
) -> CaaVerdict:
    unknown = [record for record in step.records if record.tag not in _TAGS and record.flags & _CRITICAL]
    if unknown:
        text = f"{name}: {step.owner} has the critical CAA record {unknown[0]}, which CAs don't understand; remove it"
        return CaaVerdict(False, "caa_critical", text)
    tag = "issue"
    if name.startswith("*.") and any(record.tag == "issuewild" for record in step.records):
        tag = "issuewild"
    permissions = [_read(record.value) for record in step.records if record.tag == tag]
    if not permissions:
        return CaaVerdict(True)
    if not identities:
        return _unknown_ca(name, step, permissions)
    ours = {identity.lower().rstrip(".") for identity in identities}
    matching = [permission for permission in permissions if permission.issuer in ours]
    obstacles = [_obstacles(permission, account_uri, method) for permission in matching]
    if any(not found for found in obstacles):
        return CaaVerdict(True)
    return _forbidden(name, step, tag, identities[0], obstacles, account_uri, method)


def _unknown_ca(name: str, step: CaaStep, permissions: Sequence[_Permission]) -> CaaVerdict:
    named = sorted({permission.issuer for permission in permissions if permission.issuer})
    if not named:
        text = f"{name}: the CAA records of {step.owner} forbid every CA to issue ({_set(step)}); remove them"
        return CaaVerdict(False, "caa_forbids", text)
    warning = f"{name}: the CAA records of {step.owner} allow {', '.join(named)}; the provider doesn't say its own name"
    return CaaVerdict(True, warning=warning)


def _forbidden(
    name: str,
    step: CaaStep,
    tag: str,
    identity: str,
    obstacles: Sequence[Sequence[str]],
    account_uri: str | None,
    method: str,
) -> CaaVerdict:
    hurdles = set().union(*obstacles)
    value = identity
    if "accounturi" in hurdles and account_uri:
        value += f"; accounturi={account_uri}"
    if "validationmethods" in hurdles:
        value += f"; validationmethods={method}"
    record = f'{step.owner}. CAA 0 {tag} "{value}"'
    if hurdles:
        why = f"allow {identity} only under conditions that are not met ({', '.join(sorted(hurdles))})"
    else:
        why = f"don't allow {identity}"
    text = f"{name}: the CAA records of {step.owner} {why}: found {_set(step)}. Add: {record}"
    return CaaVerdict(False, "caa_forbids", text, record)


def _obstacles(permission: _Permission, account_uri: str | None, method: str) -> list[str]:
    """The parameters of RFC 8657 that stand in the way (sections 3 and 4)."""
    found = []
    accounts = permission.all("accounturi")
    if accounts and (len(accounts) > 1 or account_uri is None or accounts[0] != account_uri):
        found.append("accounturi")
    methods = permission.all("validationmethods")
    if methods and (len(methods) > 1 or method not in methods[0].split(",")):
        found.append("validationmethods")
    return found


def _read(value: str) -> _Permission:
    """Read an issue value (RFC 8659 section 4.2). What doesn't follow the grammar permits nobody."""
    issuer, *rest = (part.strip(" \t") for part in value.split(";"))
    if issuer and not _DOMAIN.match(issuer):
        return _Permission("")
    if rest and not rest[-1]:
        rest.pop()
    parameters = []
    for text in rest:
        match = _PARAMETER.match(text)
        if match is None:
            return _Permission("")
        parameters.append((match.group(1).lower(), match.group(2)))
    return _Permission(issuer.lower(), tuple(parameters))


def _set(step: CaaStep) -> str:
    shown = [str(record) for record in step.records[:5]]
    return ", ".join(shown) + (" and more" if len(step.records) > 5 else "")
