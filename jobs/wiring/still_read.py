"""Which certificates the services of this host are told to read below `tls/live`, and what of `conf`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import models
from jobs.ports import Place
from jobs.privileged.mentions import mentions

ETC = Path("/etc")
_SERVICE = re.compile(r"\A[a-z][a-z0-9_-]{0,30}\Z")


@dataclass(frozen=True)
class StillRead:
    """`links`: (website, service) of `live/<website>/<service>`; `websites`: all that are named at all, in whatever
    way; `conf`: paths below `conf`."""

    links: frozenset[tuple[str, str]]
    websites: frozenset[str]
    conf: frozenset[str]


def still_read(place: Place, conf: Path, within: Sequence[Path] | None = None) -> StillRead:
    """Looked for in `within` (None: all of /etc), in the directories of every file that we ever changed, and in `conf`,
    ours or one that will take its place. Raises Failure("unreadable")."""
    within = (ETC,) if within is None else within
    written = {Path(path).parent for (path,) in models.SetupFile.select(models.SetupFile.path).tuples()}
    others = sorted(one for one in written if not any(one.is_relative_to(folder) for folder in within))
    there = [one for one in (*within, *others, conf) if one.is_dir()]
    names = {name for live in {place.live, place.live.resolve()} for name in mentions(live, there)}
    paths = [path.rstrip("/").split("/") for path in names]
    links = {(parts[0], parts[1]) for parts in paths if len(parts) > 1 and _SERVICE.match(parts[1])}
    return StillRead(frozenset(links), frozenset(parts[0] for parts in paths), mentions(place.conf, there))
