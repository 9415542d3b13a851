"""Whether CAA records let a CA certify a name (RFC 8659, RFC 8657). Records are fetched elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from jobs.policy.caa_value import Value, domain, means, obstacles, read, writable
from jobs.policy.finding import Finding
from jobs.policy.redirects import printable

_TAGS = frozenset({"issue", "issuewild", "issuemail", "iodef"})
"""Tags that large CAs understand; any other one with the critical flag forbids (RFC 8659 section 4.1)."""

_CRITICAL = 128 | 1
"""128 is the flag (RFC 8659 section 4.1); CAs take 1 for it as well, because old software wrote that."""

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class CaaRecord:
    """One record as it stands in the zone; `tag` in lower case, `value` without the quotes of a zone file."""

    flags: int
    tag: str
    value: str

    @property
    def closed(self) -> bool:
        """Whether it forbids everything to a CA that doesn't understand it, as none does."""
        return self.tag not in _TAGS and bool(self.flags & _CRITICAL)

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

    def values(self, tag: str) -> list[Value]:
        return [read(record.value) for record in self.records if record.tag == tag]


@dataclass(frozen=True, slots=True)
class Addition:
    """A record beside what stands at `owner`, for the CA that calls itself `issuer`: for any account of it, or one;
    for any method of validation, or some. `new_set`: none stood there before."""

    owner: str
    tag: str
    issuer: str
    account_uri: str | None = None
    methods: tuple[str, ...] = ()

    @property
    def record(self) -> CaaRecord:
        parts = [self.issuer]
        if self.account_uri:
            parts.append(f"accounturi={self.account_uri}")
        if self.methods:
            parts.append(f"validationmethods={','.join(self.methods)}")
        return CaaRecord(0, self.tag, "; ".join(parts))

    @property
    def value(self) -> str:
        """As in a zone file. Nothing in it has to be escaped: `domain` and `writable` see to that."""
        return f'0 {self.tag} "{self.record.value}"'

    def __str__(self) -> str:
        return f"{self.owner}. CAA {self.value}"


@dataclass(frozen=True, slots=True)
class CaaVerdict:
    """`addition` is what would allow it; None where no record would help. `warning` is what could not be told, or is
    not taken alike by all CAs."""

    allowed: bool
    code: str = ""
    text: str = ""
    addition: Addition | None = None
    warning: Finding | None = None

    @property
    def record(self) -> str:
        """The line to add, in zone file syntax."""
        return str(self.addition) if self.addition else ""


def climb(name: str) -> tuple[str, ...]:
    """The names at which a set is looked for, nearest first (RFC 8659 section 3); a leading `*.` is left out.

    Where one of them is a CNAME, the set is that of its target; the climb goes on above the name itself.
    """
    labels = name.removeprefix("*.").split(".")
    return tuple(".".join(labels[start:]) for start in range(len(labels)))


def judge(
    name: str,
    steps: Sequence[CaaStep],
    identities: Sequence[str],
    account_uri: str | None,
    method: str = "http-01",
    former: Collection[str] = (),
) -> CaaVerdict:
    """Decide by the nearest set of `steps` (in the order of `climb`) whether the CA may issue for `name`.

    `identities` are the domains that the CA recognizes as itself, the one that is written first; empty means that it
    publishes none. `former` are the URLs of accounts that we had there. No set means permission. A lookup that failed
    does not (Baseline Requirements 3.2.2.8): "caa_lookup_failed".
    """
    for step in steps:
        if step.error:
            text = f"{name}: the CAA records of {step.asked} can't be read: {step.error}; without them no CA may issue"
            return CaaVerdict(False, "caa_lookup_failed", text)
        if step.records:
            return _Judging(name, step, tuple(known(identities)), account_uri, method, frozenset(former)).verdict()
    return CaaVerdict(True)


def known(identities: Sequence[str]) -> list[str]:
    """Those that can stand in a record, once each, in lower case."""
    return list(dict.fromkeys(clean for identity in identities if (clean := domain(identity))))


def preferred(named: Sequence[str], table: Sequence[str]) -> tuple[str, ...]:
    """The identities that a CA's directory names, the one of our own table first where it is among them: that one is
    written. A directory that names none leaves those of the table."""
    return tuple(sorted(known(named), key=lambda identity: identity not in known(table))) or tuple(table)


def relevant_tag(name: str, step: CaaStep) -> str:
    """`issuewild` goes before `issue` for a wildcard, where there is one, and counts for nothing else (section 4.3)."""
    wild = name.startswith("*.") and any(record.tag == "issuewild" for record in step.records)
    return "issuewild" if wild else "issue"


@dataclass(frozen=True, slots=True)
class _Judging:
    """One name and the set that decides on it."""

    name: str
    step: CaaStep
    ours: tuple[str, ...]
    account_uri: str | None
    method: str
    former: frozenset[str]

    def verdict(self) -> CaaVerdict:
        unknown = [record for record in self.step.records if record.closed]
        if unknown:
            words = f"{self.step.owner} has the critical CAA record {unknown[0]}, which CAs don't understand; remove it"
            return CaaVerdict(False, "caa_critical", f"{self.name}: {words}")
        values = self.step.values(self._tag)
        if not values:
            return CaaVerdict(True)
        if not self.ours:
            return self._of_an_unknown_ca(values)
        matching = [value for value in values if value.issuer in self.ours]
        good = [value for value in matching if not obstacles(value, self.account_uri, self.method)]
        if good:
            return CaaVerdict(True, warning=self._odd(good))
        return self._conditions(matching) if matching else self._others(values)

    @property
    def _tag(self) -> str:
        return relevant_tag(self.name, self.step)

    def _odd(self, good: Sequence[Value]) -> Finding | None:
        if not all(value.oddity for value in good):
            return None
        words = f"{self.name}: the CAA record of {self.step.owner} {good[0].oddity}; some CAs don't take that"
        return Finding("caa_odd", f"{words}. Safer beside it: {Addition(self.step.owner, self._tag, self.ours[0])}")

    def _of_an_unknown_ca(self, values: Sequence[Value]) -> CaaVerdict:
        named = sorted({value.issuer for value in values if value.issuer})
        owner = self.step.owner
        if not named:
            text = f"{self.name}: the CAA records of {owner} forbid every CA to issue: found {self._found}; remove them"
            return CaaVerdict(False, "caa_forbids_everyone", text)
        words = f"the CAA records of {owner} allow {', '.join(named)}; the provider doesn't say its own name"
        return CaaVerdict(True, warning=Finding("caa_identity_unknown", printable(f"{self.name}: {words}", 400)))

    def _conditions(self, matching: Sequence[Value]) -> CaaVerdict:
        """Records for this CA, none of whose conditions hold. The one to add is no wider than they are."""
        met = [obstacles(value, self.account_uri, self.method) for value in matching]
        why = dict.fromkeys(words for found in met for words in found.values())
        bound = any(value.all("accounturi") for value in matching)
        code = "caa_conditions"
        if any(self.former.intersection(value.all("accounturi")) for value in matching):
            code, why = "caa_account_changed", {"accounturi names an account that is no more": None}
        text = f"allow {matching[0].issuer} only under conditions that are not met: {', '.join(why)}"
        account = writable(self.account_uri) if bound else None
        if bound and account is None:
            text = f"{text}; there is no account yet that could be named: found {self._found}"
            return CaaVerdict(False, code, f"{self.name}: the CAA records of {self.step.owner} {text}")
        methods = (self.method,) if any(value.all("validationmethods") for value in matching) else ()
        return self._forbidden(code, text, Addition(self.step.owner, self._tag, self.ours[0], account, methods))

    def _others(self, values: Sequence[Value]) -> CaaVerdict:
        """Records of which none is for this CA."""
        texts = [record.value for record in self.step.records if record.tag == self._tag]
        malformed = [text for text in texts if read(text).malformed]
        addition = Addition(self.step.owner, self._tag, self.ours[0])
        meant = [text for text in malformed if means(text, frozenset(self.ours))]
        if any(value.forbids for value in values) and not any(value.issuer for value in values):
            what = " wildcards" if self._tag == "issuewild" else ""
            return self._forbidden("caa_forbids_everyone", f"say on purpose that nobody may issue{what}", addition)
        if meant or len(malformed) == len(values):
            shown = printable((meant or malformed)[0], 100)
            return self._forbidden("caa_malformed", f'are malformed ("{shown}"), and so permit nobody', addition)
        return self._forbidden("caa_forbids", f"don't allow {self.ours[0]}", addition)

    def _forbidden(self, code: str, why: str, addition: Addition) -> CaaVerdict:
        text = f"{self.name}: the CAA records of {self.step.owner} {why}: found {self._found}. Add: {addition}"
        return CaaVerdict(False, code, text, addition)

    @property
    def _found(self) -> str:
        shown = [str(record) for record in self.step.records[:_SHOWN]]
        return ", ".join(shown) + (" and more" if len(self.step.records) > _SHOWN else "")
