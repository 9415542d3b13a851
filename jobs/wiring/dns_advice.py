"""What the owner of a name may put into a DNS that is not this host's: by rows and the account's
key, so that a page may show it: nobody is asked."""

from __future__ import annotations

from dataclasses import dataclass

import models
from jobs.policy.delegation import Delegation, delegation
from jobs.policy.failure import Failure
from jobs.policy.persist import Wanted, wanted
from jobs.wiring import options, provider_rows
from jobs.wiring.instance import Instance


@dataclass(frozen=True)
class Advice:
    """`delegation`: the CNAME that lets this host validate the name by itself. `lasting`: the records of
    dns-persist-01, for the name and for its wildcard, each alone enough for what it names. Nothing: none is offered."""

    delegation: Delegation | None = None
    lasting: tuple[Wanted, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.delegation or self.lasting)


def advice(instance: Instance, name: str) -> Advice:
    """By the options, and by what the CA in use said of itself when it was asked last."""
    zone = options.load(instance.config).challenge_zone
    return Advice(delegation(name, zone) if zone else None, _lasting(instance, name))


def _lasting(instance: Instance, name: str) -> tuple[Wanted, ...]:
    row = models.Provider.get_or_none(models.Provider.current)
    offer = provider_rows.kept_offer(row) if row else None
    if offer is None:
        return ()
    try:
        holder = provider_rows.make(instance, row).holder()
    except Failure:  # its key is gone: that is told where it is used
        return ()
    names = [name] if name.startswith("*.") else [name, f"*.{name}"]
    found = (wanted(one, offer, holder) for one in names if holder)
    return tuple(one for one in found if one)
