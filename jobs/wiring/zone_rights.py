"""For whose names zones may be changed (`jobs/policy/zone_rights.py`): by the rows, and by an administrator's word."""

from __future__ import annotations

import models
from jobs import facts, queue, records
from jobs.policy.failure import Failure
from jobs.policy.site import InvalidName, hostname
from jobs.policy.zone_rights import ZoneRights
from jobs.wiring import accounts
from jobs.wiring.instance import Instance, choose, now, setting

_KEY = "domain_owners"


def rights() -> ZoneRights:
    """As things are now. Only what the order of a former run proved over HTTP is proven yet: this run looks itself."""
    owners = {name: site.account for site in records.websites() if site.part_of is None for name in site.names}
    proven = {
        name for row in queue.active_orders().values()
        for name, how in facts.under_way(row).items() if how.method == "http-01"
    }
    return ZoneRights(owners, assigned(), frozenset(proven))


def secured() -> frozenset[str]:
    """Names with a certificate: what to suppose of them where nobody looks."""
    stored, moment = records.live_certificates(), now()
    return frozenset(name for one in stored.values() if one.not_after > moment for name in one.names)


def assigned() -> dict[str, str]:
    """Domains that were given to accounts, with everything below them."""
    found: dict[str, str] = setting(_KEY, {})
    return found


def assign(instance: Instance, text: str, account: str) -> str:
    """Let the names of `account` change the zone of a domain, and of what is below it. Returns the domain.

    Raises Failure("name_invalid"), Failure("account_unknown").
    """
    domain = _domain(text)
    accounts.show(instance, account)
    with models.database.atomic():
        choose(_KEY, {**assigned(), domain: account})
    return domain


def unassign(text: str) -> bool:
    """Take it back; False: it was given to nobody. Raises Failure("name_invalid")."""
    domain = _domain(text)
    with models.database.atomic():
        kept = assigned()
        had = kept.pop(domain, None) is not None
        choose(_KEY, kept)
    return had


def _domain(text: str) -> str:
    try:
        domain = hostname(text)
    except InvalidName as error:
        raise Failure("name_invalid", f"{text[:260]!r}: {error}", permanent=True) from error
    if domain.startswith("*."):
        raise Failure("name_invalid", f"{domain}: expected a domain, not a wildcard", permanent=True)
    return domain
