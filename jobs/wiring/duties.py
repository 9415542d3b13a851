"""What the tick takes care of, each thing apart: one that fails doesn't keep the others from their turn.

A duty is called every ten minutes, and at the start, with a connection of its thread's own. What must not happen beside
a check is for who holds the work lock: see `while_free`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import models
from jobs import queue, records
from jobs.policy.failure import Failure
from jobs.policy.features import why_skipped
from jobs.wiring import checks, served_watch
from jobs.wiring.database_copies import keep_copy
from jobs.wiring.discovery import discover
from jobs.wiring.instance import Instance, now
from jobs.wiring.leftovers import sweep_zones
from jobs.wiring.renewal_windows import ask_for_windows
from jobs.wiring.retention import keep_tidy
from jobs.wiring.revocation_lists import look_at_lists
from jobs.wiring.run_telling import tell_of_watch
from jobs.wiring.work_lock import while_free

Duty = Callable[[Instance], None]

_log = logging.getLogger("autossl.background")


def every_duty() -> tuple[tuple[str, Duty], ...]:
    """Each with its name, in the order of their turns."""
    return (
        ("taking over what dead processes left", recover),
        ("sweeping zones", SweepZones()),
        ("asking CAs for renewal windows", ask_for_windows),
        ("looking at lists of revoked certificates", look_at_lists),
        ("asking for what is new and what is due", ask_for_new_and_due),
        ("watching what is served", served_watch.watch),
        ("telling of what is served", tell_of_watch),
        ("copying the database", keep_copy),
        ("removing what nobody needs any more", keep_tidy),
    )


def recover(instance: Instance) -> None:
    """Queue again what a dead process left half-done; whoever holds the work lock is alive, and is left alone. At every
    tick, for a check that was killed beside this server as well: else whoever asks for the same joins it for ever."""
    with while_free(instance) as ours:
        if ours:
            queue.take_over(now())
            records.close_dead_runs(now())


class SweepZones:
    """What a dead process left in zones: away at the start, and what could not be taken away then, later. A check
    that is running has done so itself. The same trouble is told once."""

    def __init__(self) -> None:
        self._in_vain: frozenset[str] = frozenset()

    def __call__(self, instance: Instance) -> None:
        with while_free(instance) as ours:
            if not ours:
                return
            try:
                troubles = frozenset(map(str, sweep_zones(instance).troubles))
            except Failure as failure:
                troubles = frozenset({str(failure)})
            for trouble in sorted(troubles - self._in_vain):
                _log.warning("sweeping zones: %s", trouble)
            self._in_vain = troubles


def ask_for_new_and_due(instance: Instance) -> None:
    """A check of accounts with new websites, and of those with work that has a date (behaviour section 2)."""
    if _provider_chosen():
        found = discover(instance)
        _ask_for(instance, {entry["account"] for entry in found["new"]} | {*records.accounts_due(now())})


def ask_for_due(instance: Instance) -> None:
    """A check of accounts with work that has a date. Nothing is searched for: see `jobs/wiring/pace.py`."""
    due = {*records.accounts_due(now())}
    if due and _provider_chosen():
        _ask_for(instance, due)


def _provider_chosen() -> bool:
    return models.Provider.get_or_none(models.Provider.current) is not None


def _ask_for(instance: Instance, due: set[str]) -> None:
    known = records.accounts()
    accounts = [name for name in sorted(due & known.keys()) if not why_skipped(known[name])]
    if accounts:
        ask(instance, accounts)


def ask(instance: Instance, accounts: list[str] | None) -> None:
    """Queue a check that nobody asked for in person."""
    try:
        checks.request(instance, accounts, forced=False)
    except Failure as failure:
        _log.warning("no check was asked for: %s", failure)
