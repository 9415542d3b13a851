"""What a process that was killed in the middle of its work left behind, on the disk and in zones."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import models
from jobs import order, queue
from jobs.ports import Place
from jobs.wiring.instance import Instance
from jobs.wiring.parts import zones
from jobs.zones import kept
from jobs.zones.sweep import Swept, sweep_challenges


def sweep_leftovers(place: Place) -> None:
    """Remove half-written files beside every file that we ever wrote for a service, half-stored certificates,
    configurations that were only tried, and keys of orders that are over. Only for who holds the work lock: what others
    write now looks just the same.

    What can't be removed harms nobody, and is tried again the next time.
    """
    for path in list(_leftovers(place)):
        with contextlib.suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def end_orders_of_gone_websites(now: datetime) -> None:
    """Nobody would go on with them. Only for who holds the work lock."""
    there = models.Website.select(models.Website.main).where(models.Website.gone_at.is_null())
    websites = {main for (main,) in there.tuples()}
    for website, row in queue.active_orders().items():
        if website not in websites:
            queue.finish(row, "cancelled", "its website is gone", now)


def sweep_zones(instance: Instance) -> Swept:
    """Take away challenge values that nobody waits for any more, without a check. Only for who holds the work lock.

    Raises Failure("config_invalid"), Failure("unreadable").
    """
    return sweep_challenges(zones(instance)) if kept.left(kept.CHALLENGE) else Swept()


def _leftovers(place: Place) -> Iterator[Path]:
    """By the names that `privileged.publish`, `store` and the services give to what is not finished."""
    written = {Path(path).parent for (path,) in models.SetupFile.select(models.SetupFile.path).tuples()}
    for directory in (*sorted(written), place.conf):
        yield from directory.glob(".*.autossl")
    yield from place.live.glob("*/.*.autossl")
    yield from place.live.glob("*/.staged-*")
    yield from place.conf.glob(".exim-*")
    alive = {order.key_file(place, website).name for website in queue.active_orders()}
    yield from (path for path in (place.keys / "orders").glob("*") if path.name not in alive)
