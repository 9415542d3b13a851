"""The preflight of many names in one event loop: DNS, CAA and the HTTP self-check, each name to one verdict."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from jobs import ports
from jobs.policy.caa import CaaStep, judge
from jobs.policy.site import InvalidName, hostname
from jobs.policy.verdict import Finding, Outcome, Verdict, combine, conclude
from jobs.preflight.addresses import Addresses, addresses
from jobs.preflight.caa_lookup import caa_steps
from jobs.preflight.http_check import Question, fetch
from jobs.preflight.resolver import Lookup, servers, system_servers

_MOST_ADDRESSES = 4
_DEFAULT_REDIRECTS = 10


@dataclass(frozen=True, slots=True)
class Setting:
    """What the preflight has to know of this host and of the CA.

    `resolvers` ("127.0.0.1", "127.0.0.1:5353", "[::1]:53") are asked directly; empty means those of the system, and
    then each zone at its own servers. The ports stand for 80 and 443 on a test bench. `max_redirects` None: the CA
    publishes no figure, and 10 is taken. `caa_identities` empty: the CA publishes none. `timeout` in seconds, for one
    fetch with its redirects. `concurrency`: names worked on at a time.
    """

    resolvers: tuple[str, ...] = ()
    http_port: int = 80
    https_port: int = 443
    max_redirects: int | None = None
    caa_identities: tuple[str, ...] = ()
    account_uri: str | None = None
    timeout: float = 10.0
    concurrency: int = 128


def preflight(
    names: Collection[str], setting: Setting, solver: ports.Solver, known_good: frozenset[str] = frozenset()
) -> dict[str, Verdict]:
    """Find out which of `names` a CA would very probably validate now by http-01.

    One random token is presented through `solver`, fetched for every name and address, and cleaned in every outcome.
    Names in `known_good` validated before: what may be this host's own view of the net only warns for them.
    Runs an event loop of its own, so it is called from a thread that has none. Raises Failure("config_invalid"),
    Failure("dns_no_resolver"), and what `solver.present` raises.
    """
    wanted = list(dict.fromkeys(names))
    verdicts = {name: verdict for name in wanted if (verdict := _hopeless(name))}
    asked = [name for name in wanted if name not in verdicts]
    if asked:
        resolvers = servers(setting.resolvers) or system_servers()
        lookup = Lookup(resolvers, authoritative=not setting.resolvers, timeout=setting.timeout)
        question = _question(setting)
        try:
            solver.present(asked[0], question.token, question.key_authorization)
            verdicts |= asyncio.run(_examine_all(asked, lookup, question, setting, known_good))
        finally:
            solver.clean(asked[0], question.token)
    return {name: verdicts[name] for name in wanted}


def _question(setting: Setting) -> Question:
    token = secrets.token_urlsafe(32)
    redirects = _DEFAULT_REDIRECTS if setting.max_redirects is None else setting.max_redirects
    key_authorization = f"{token}.{secrets.token_urlsafe(32)}"
    return Question(token, key_authorization, setting.http_port, setting.https_port, redirects, setting.timeout)


def _hopeless(name: str) -> Verdict | None:
    """The verdict on a name that needs no question."""
    try:
        good = hostname(name)
    except InvalidName as error:
        return conclude(name, [Finding("name_invalid", f"{name!r} can't be certified: {error}")], (), ())
    if good != name:
        return conclude(name, [Finding("name_invalid", f"{name!r} has to be written as {good}")], (), ())
    if name.startswith("*."):
        text = f"{name}: a wildcard is validated by DNS (dns-01) only, not by HTTP"
        return conclude(name, [Finding("wildcard_needs_dns", text)], (), ())
    return None


async def _examine_all(
    names: Sequence[str], lookup: Lookup, question: Question, setting: Setting, known_good: frozenset[str]
) -> dict[str, Verdict]:
    gate = asyncio.Semaphore(setting.concurrency)

    async def one(name: str) -> Verdict:
        async with gate:
            return await _examine(name, lookup, question, setting, name in known_good)

    return {verdict.name: verdict for verdict in await asyncio.gather(*map(one, names))}


async def _examine(name: str, lookup: Lookup, question: Question, setting: Setting, known_good: bool) -> Verdict:
    """DNS, then CAA and HTTP side by side; a name without addresses is not asked further."""
    found = await _addresses(lookup, name, setting.timeout * 6)
    if found.trouble:
        resolves = not found.gone
        warnings, report = found.warnings, found.report
        return conclude(name, [found.trouble], warnings, report, resolves=resolves, known_good=known_good)
    caa, outcomes = await asyncio.gather(
        _caa(lookup, name, setting.timeout * 6), _fetch_all(lookup, question, name, found)
    )
    allowed = judge(name, caa, setting.caa_identities, setting.account_uri)
    trouble, notes = combine(outcomes)
    findings = [finding for finding in (trouble,) if finding]
    if not allowed.allowed:
        findings.insert(0, Finding(allowed.code, allowed.text))
    remarks = [*found.warnings, *notes]
    if allowed.warning:
        remarks.append(Finding("caa_identity_unknown", allowed.warning))
    lines = [*found.report, *(line for outcome in outcomes for line in outcome.report)]
    return conclude(name, findings, remarks, lines, known_good=known_good)


async def _addresses(lookup: Lookup, name: str, limit: float) -> Addresses:
    try:
        async with asyncio.timeout(limit):
            return await addresses(lookup, name)
    except TimeoutError:
        return Addresses(trouble=Finding("dns_timeout", f"{name}: looking up its address took over {limit:g} s"))


async def _caa(lookup: Lookup, name: str, limit: float) -> tuple[CaaStep, ...]:
    try:
        async with asyncio.timeout(limit):
            return await caa_steps(lookup, name)
    except TimeoutError:
        return (CaaStep(name, name, error=f"it took over {limit:g} s"),)


async def _fetch_all(lookup: Lookup, question: Question, name: str, found: Addresses) -> list[Outcome]:
    """Both families side by side, the addresses of one family one after the other."""

    async def family(some: Sequence[str]) -> list[Outcome]:
        return [await fetch(lookup, question, name, address) for address in some[:_MOST_ADDRESSES]]

    six, four = await asyncio.gather(family(found.ipv6), family(found.ipv4))
    return [*six, *four]
