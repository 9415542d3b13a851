"""The preflight of many names in one event loop: DNS, HTTP, then what HTTP can't validate by DNS, then CAA."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from jobs import ports
from jobs.policy.failure import Failure
from jobs.policy.finding import Finding
from jobs.policy.options import CaaMode
from jobs.policy.preflight_report import Dns
from jobs.policy.site import InvalidName, hostname
from jobs.policy.verdict import Outcome, Verdict, conclude
from jobs.policy.who_answered import Here
from jobs.preflight.addresses import Addresses, addresses
from jobs.preflight.by_dns import validate_by_dns
from jobs.preflight.caa_changes import Issuer
from jobs.preflight.http_check import Question, fetch
from jobs.preflight.permission import NO_ISSUER, permit
from jobs.preflight.resolver import Lookup, lookup_by
from jobs.preflight.seen import Seen, concluded, lasting_trouble, method, understood
from jobs.privileged import own_addresses
from jobs.zones import NO_ZONES, Zones

_MOST_ADDRESSES = 4
_DEFAULT_REDIRECTS = 10


@dataclass(frozen=True, slots=True)
class Setting:
    """What the preflight has to know of this host and of the CA.

    `resolvers` ("127.0.0.1", "127.0.0.1:5353", "[::1]:53") are asked directly; empty means those of the system, and
    then each zone at its own servers. The ports stand for 80 and 443 on a test bench. `max_redirects` None: the CA
    publishes no figure, and 10 is taken. `issuer`: the CA as CAA records name it. `timeout` in seconds, for one
    fetch with its redirects. `concurrency`: names worked on at a time. `act`: records may be put into `zones`; else
    what would be put is only told. `own`: the addresses of this host; None: those of its interfaces.
    `dcv_methods`: by which the CA validates; without dns-01 nothing is tried by DNS.
    `guesses`: names that nobody listed, which are nothing to try by DNS when they do not exist.
    """

    resolvers: tuple[str, ...] = ()
    http_port: int = 80
    https_port: int = 443
    max_redirects: int | None = None
    issuer: Issuer = NO_ISSUER
    timeout: float = 10.0
    concurrency: int = 128
    zones: Zones = NO_ZONES
    caa_mode: CaaMode = CaaMode.WHEN_NEEDED
    act: bool = False
    own: frozenset[str] | None = None
    dcv_methods: tuple[str, ...] = ("http-01", "dns-01")
    guesses: frozenset[str] = frozenset()


def preflight(
    names: Collection[str], setting: Setting, solver: ports.Solver, known_good: frozenset[str] = frozenset()
) -> dict[str, Verdict]:
    """Find out which of `names` a CA would very probably validate now, by http-01 or else by dns-01, and certify.

    One random token is presented through `solver`, fetched for every name and address, and cleaned in every outcome.
    Names in `known_good` validated before: what may be this host's own view of the net only warns for them.
    Where the token can't be presented, names that need it fail for that, and the others are looked at all the same.
    Runs an event loop of its own, so it is called from a thread that has none. Raises Failure("config_invalid"),
    Failure("dns_no_resolver").
    """
    wanted = list(dict.fromkeys(names))
    verdicts = {name: verdict for name in wanted if (verdict := _hopeless(name))}
    asked = [name for name in wanted if name not in verdicts]
    if asked:
        lookup = lookup_by(setting.resolvers, setting.timeout)
        question = _question(setting)
        by_http = [name for name in asked if not name.startswith("*.")]
        try:
            trouble = _presented(solver, by_http[:1], question)
            if trouble:
                verdicts |= {name: conclude(name, [trouble]) for name in by_http}
                asked = [name for name in asked if name not in verdicts]
            verdicts |= asyncio.run(_examine_all(asked, lookup, question, setting, known_good))
        finally:
            for name in by_http[:1]:
                solver.clean(name, question.token)
    return {name: verdicts[name] for name in wanted}


def _presented(solver: ports.Solver, names: Sequence[str], question: Question) -> Finding | None:
    try:
        for name in names:
            solver.present(name, question.token, question.key_authorization)
    except Failure as failure:
        return Finding(failure.code, failure.detail)
    return None


def _question(setting: Setting) -> Question:
    token = secrets.token_urlsafe(32)
    redirects = _DEFAULT_REDIRECTS if setting.max_redirects is None else setting.max_redirects
    key_authorization = f"{token}.{secrets.token_urlsafe(32)}"
    here = Here(own_addresses() if setting.own is None else setting.own)
    return Question(token, key_authorization, setting.http_port, setting.https_port, redirects, setting.timeout, here)


def _hopeless(name: str) -> Verdict | None:
    """The verdict on a name that needs no question."""
    try:
        good = hostname(name)
    except InvalidName as error:
        return conclude(name, [Finding("name_invalid", f"{name!r} can't be certified: {error}")])
    if good != name:
        return conclude(name, [Finding("name_invalid", f"{name!r} has to be written as {good}")])
    return None


async def _examine_all(
    names: Sequence[str], lookup: Lookup, question: Question, setting: Setting, known_good: frozenset[str]
) -> dict[str, Verdict]:
    """The phases, each for all names: look, validate by DNS what HTTP can't, ask for permission, conclude."""
    limit = setting.timeout * 6
    seen = understood(await _look_all(names, lookup, question, setting), question.here.addresses)
    setting.zones.rights = setting.zones.rights.with_proven(one.name for one in seen if not one.trouble)
    lacking = [one.name for one in seen if one.trouble and _may_try_dns(one, setting)]
    by_dns = await validate_by_dns(lookup, setting.zones, lacking, setting.act)
    methods = {one.name: method(one, by_dns.get(one.name)) for one in seen if one.reached or one.name in by_dns}
    passing = {one.name for one in seen if one.name in known_good or not lasting_trouble(one, by_dns.get(one.name))}
    allowed = await permit(
        lookup, setting.zones, methods, passing, setting.issuer, setting.caa_mode, setting.act, limit
    )
    return {
        one.name: concluded(one, by_dns.get(one.name), allowed.get(one.name), one.name in known_good) for one in seen
    }


def _may_try_dns(seen: Seen, setting: Setting) -> bool:
    if "dns-01" not in setting.dcv_methods:
        return False
    return not (seen.name in setting.guesses and seen.found.gone)


async def _look_all(names: Sequence[str], lookup: Lookup, question: Question, setting: Setting) -> list[Seen]:
    gate = asyncio.Semaphore(setting.concurrency)

    async def one(name: str) -> Seen:
        async with gate:
            return await _look(name, lookup, question, setting.timeout * 6)

    return await asyncio.gather(*map(one, names))


async def _look(name: str, lookup: Lookup, question: Question, limit: float) -> Seen:
    """DNS, then HTTP; a name without addresses is not asked further, a wildcard not at all."""
    if name.startswith("*."):
        return Seen(name, Addresses())
    found = await _addresses(lookup, name, limit)
    if found.trouble:
        return Seen(name, found)
    return Seen(name, found, tuple(await _fetch_all(lookup, question, name, found)))


async def _addresses(lookup: Lookup, name: str, limit: float) -> Addresses:
    try:
        async with asyncio.timeout(limit):
            return await addresses(lookup, name)
    except TimeoutError:
        trouble = Finding("dns_timeout", f"{name}: looking up its address took over {limit:g} s")
        return Addresses(trouble=trouble, seen=Dns(trouble=trouble))


async def _fetch_all(lookup: Lookup, question: Question, name: str, found: Addresses) -> list[Outcome]:
    """Both families side by side, the addresses of one family one after the other."""

    async def family(some: Sequence[str]) -> list[Outcome]:
        return [await fetch(lookup, question, name, address) for address in some[:_MOST_ADDRESSES]]

    six, four = await asyncio.gather(family(found.ipv6), family(found.ipv4))
    return [*six, *four]
