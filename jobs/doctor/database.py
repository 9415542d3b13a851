"""Database.

Its structure, and whether every reference in it leads somewhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from jobs.doctor import Host
from jobs.policy.doctor import Result, State
from jobs.policy.problems import problem


def examine(host: Host) -> Iterator[Result]:
    damage, whole = host.soundness()
    if damage:
        yield Result(State.WRONG, "panel.sqlite3", damage, "a sound database", problem("database_damaged").remedy)
    elif whole:
        yield Result(State.FINE, "panel.sqlite3", "it is sound")
    else:
        yield Result(State.FINE, "panel.sqlite3", "as far as there was time to look, it is sound")
