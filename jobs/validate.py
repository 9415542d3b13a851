"""Step 4: the preflight of every name that an order is in question for, all websites at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jobs.policy.plan import needed_names
from jobs.policy.verdict import Verdict
from jobs.preflight import Issuer, Setting, preflight
from jobs.report import Case
from jobs.world import Scope, World, policy_options


def preflight_names(world: World, scope: Scope, cases: Sequence[Case]) -> Mapping[str, Verdict]:
    """A verdict for every such name; every name is asked for at the same time."""
    options, now = policy_options(world, scope), world.clock()
    names = {
        name
        for case in cases
        if not case.facts.ordered
        for name in needed_names(case.decision, case.facts, now, options)
    }
    if not names:
        return {}
    known_good = frozenset(name for case in cases if case.facts.stored for name in case.facts.stored.names)
    specs, config = world.ordering.provider.specs(), world.config
    setting = Setting(
        resolvers=config.dns.resolvers,
        http_port=config.validation.http_port,
        https_port=config.validation.https_port,
        max_redirects=specs.max_redirects,
        issuer=Issuer(specs.caa_identities, world.account_url, world.ordering.provider_name),
        timeout=config.validation.timeout,
        zones=world.zones,
        caa_mode=world.caa_mode,
        act=not scope.plan_only,
    )
    return preflight(names, setting, world.ordering.solvers["http-01"], known_good)
