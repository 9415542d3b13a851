"""Step 4: the preflight of every name that an order is in question for, all websites at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType

from jobs import provider_pause
from jobs.abilities import registers
from jobs.policy.ancestor import through_ancestors
from jobs.policy.failure import Failure
from jobs.policy.plan import needed_names, needed_wildcards
from jobs.policy.verdict import Verdict
from jobs.preflight import Issuer, Setting, preflight
from jobs.report import Case
from jobs.world import Scope, World, policy_options

LONGEST_LOOK = 15.0
"""Seconds for the CA's directory."""


def preflight_names(
    world: World, scope: Scope, cases: Sequence[Case], known: Mapping[str, Verdict] = MappingProxyType({})
) -> Mapping[str, Verdict]:
    """A verdict for every such name, and for every wildcard that might take the place of some; all at the same time.
    What this run knows already (`known`) is not asked again, and is in the answer."""
    options, now = policy_options(world, scope), world.clock()
    names: set[str] = set()
    for case in cases:
        if not case.facts.ordered:
            names.update(needed_names(case.decision, case.facts, now, options), _wildcards(world, scope, case))
    names.difference_update(known)
    if not names:
        return known
    names.update(_tops(world, names))
    known_good = frozenset(name for case in cases if case.facts.stored for name in case.facts.stored.names)
    specs, config = world.ordering.provider.specs(), world.config
    setting = Setting(
        resolvers=config.dns.resolvers,
        http_port=config.validation.http_port,
        https_port=config.validation.https_port,
        max_redirects=specs.max_redirects,
        issuer=_issuer(world),
        timeout=config.validation.timeout,
        zones=world.zones,
        caa_mode=world.caa_mode,
        act=not scope.plan_only,
        dcv_methods=specs.dcv_methods,
        guesses=frozenset(name.fqdn for case in cases for name in case.facts.wanted if not name.own),
    )
    return {**known, **preflight(names, setting, world.ordering.solvers["http-01"], known_good)}


def _tops(world: World, names: Collection[str]) -> set[str]:
    """What has to be seen for their zones to be changed (`jobs/policy/zone_rights.py`)."""
    served = ((name, serving.zone) for name in names if (serving := world.zones.serving(name)))
    return {top for name, zone in served if (top := world.zones.rights.shown_by(name, zone))}


def _issuer(world: World) -> Issuer:
    """The CA by the names that it gives itself now. One that doesn't answer, or is to be left in peace, will be told of
    by the order; until then what is known of it counts."""
    provider = world.ordering.provider
    if registers(provider):
        with suppress(Failure):
            provider_pause.require(world.ordering.provider_name, world.clock(), world.ordering.by_person)
            provider.look(LONGEST_LOOK)
    identities = provider.specs().caa_identities
    return Issuer(identities, world.account_url, world.ordering.provider_name, world.former_accounts)


def verdicts_of(
    world: World, scope: Scope, case: Case, verdicts: Mapping[str, Verdict]
) -> Mapping[str, Verdict]:
    """Those that the plan of one website depends on. An order that is under way is gone on with as it was made."""
    facts = case.facts
    if facts.ordered:
        return facts.under_way
    names = [name.fqdn for name in (*facts.wanted, *facts.elsewhere)] + list(_wildcards(world, scope, case))
    own = {name: verdicts[name] for name in names if name in verdicts}
    return through_ancestors((*facts.wanted, *facts.elsewhere), own, world.ordering.provider.specs().ancestor_dcv)


def _wildcards(world: World, scope: Scope, case: Case) -> tuple[str, ...]:
    """The wildcards worth trying whose zones a DNS backend serves."""
    specs, options = world.ordering.provider.specs(), policy_options(world, scope)
    if "dns-01" not in specs.dcv_methods:
        return ()
    found = needed_wildcards(case.decision, case.facts, specs, case.features.wildcard, world.clock(), options)
    return tuple(name for name in found if world.zones.serving(name) is not None)
