"""A database that is damaged: it is not worked on, and whoever is told of it is told what to do."""

from __future__ import annotations

from pathlib import Path

from jobs.policy.failure import Failure
from jobs.ports import Place
from jobs.wiring.database_copies import newest_copy
from jobs.wiring.instance import DATABASE
from jobs.wiring.integrity import Soundness, soundness


def refuse_damaged(directory: Path) -> Soundness:
    """Raises Failure("database_damaged"), which names the newest copy that can be put back. A directory without a
    database is for `open_instance` to tell of."""
    path = directory.absolute() / DATABASE
    if not path.exists():
        return Soundness("", True)
    found = soundness(path)
    if found.damage:
        raise Failure("database_damaged", damaged(directory.absolute(), found.damage), permanent=True)
    return found


def damaged(directory: Path, what: str) -> str:
    """The words for a damaged database: what is wrong with it, and what to do."""
    copy = newest_copy(Place(directory))
    source = str(copy) if copy else "BACKUP"
    remedy = f"put the newest sound copy back: autossl --instance {directory} restore --force {source}"
    return f"{directory / DATABASE}: the database is damaged ({what}). Nothing was done on it; {remedy}"
