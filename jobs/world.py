"""What the steps of a check work with, and what is asked of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from jobs.config import Config
from jobs.install import Keeper
from jobs.order import Ordering
from jobs.policy.decision import Options
from jobs.policy.failure import Failure
from jobs.policy.options import CaaMode
from jobs.policy.zone_rights import ZoneRights
from jobs.ports import Place, ServiceTarget
from jobs.progress import Progress
from jobs.runlog import RunLog
from jobs.zones import NO_ZONES, Zones


@dataclass(frozen=True)
class Provider:
    """A CA that orders may go to. `trouble`: why it can't be used at all, and then it has no `ordering`."""

    name: str
    ordering: Ordering | None
    former_accounts: tuple[str, ...] = ()
    trouble: Failure | None = None


@dataclass(frozen=True)
class World:
    """Everything that a check works with, put together by the wiring. `fallbacks`: the providers behind the current
    one, in their order."""

    place: Place
    config: Config
    clock: Callable[[], datetime]
    log: RunLog
    ordering: Ordering
    account_url: str | None
    services: Sequence[ServiceTarget]
    discover: Callable[[], None]
    keeper: Keeper
    key_group: int | None
    zones: Zones = NO_ZONES
    rights: Callable[[], ZoneRights] = ZoneRights
    caa_mode: CaaMode = CaaMode.WHEN_NEEDED
    former_accounts: tuple[str, ...] = ()
    progress: Progress = field(default_factory=Progress)
    fallbacks: tuple[Provider, ...] = ()

    @property
    def providers(self) -> tuple[Provider, ...]:
        """The current one, and those behind it."""
        return (Provider(self.ordering.provider_name, self.ordering, self.former_accounts), *self.fallbacks)

    def at(self, name: str) -> World:
        """The same with another of these providers in the place of the current one; itself for an unknown one."""
        for one in self.fallbacks:
            if one.name == name and one.ordering is not None:
                own = {"ordering": one.ordering, "former_accounts": one.former_accounts, "fallbacks": ()}
                return replace(self, account_url=one.ordering.account_url, **own)
        return self


@dataclass(frozen=True)
class Scope:
    """What is asked for: `accounts` None means all; `forced` (a person asks) ignores backoff; `plan_only` stops
    after step 5."""

    accounts: tuple[str, ...] | None = None
    forced: bool = False
    plan_only: bool = False


def policy_options(world: World, scope: Scope) -> Options:
    """What of both a decision depends on."""
    replace, trusted = world.config.check.replace_foreign, not world.ordering.provider.specs().test
    return Options(replace_foreign=replace, forced=scope.forced, trusted=trusted)
