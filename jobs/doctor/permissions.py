"""Keys and secrets.

Who may read what lies in the installation: keys, the database and its backups are for root alone, or for the one
service that is not root.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from jobs.doctor import Host
from jobs.place import Place
from jobs.policy.doctor import Result, State
from jobs.store import KEY

MOST_TOLD = 8
_CLOSED = ("keys", "logs", "backups", "sites.d")
_SECRET_FILES = ("panel.sqlite3", "panel.sqlite3-wal", "panel.sqlite3-shm", "tls/panel.pem", "config.toml")


def examine(host: Host) -> Iterator[Result]:
    place = host.place
    found = [*_top(place), *_keys(place)]
    yield from found[:MOST_TOLD]
    if len(found) > MOST_TOLD:
        more = f"{len(found) - MOST_TOLD} further files are open too"
        yield Result(State.WRONG, str(place.instance), more, "none", "Close them in the same way.")
    if not found:
        yield Result(State.FINE, str(place.instance), "keys and secrets are closed to others")


def _top(place: Place) -> Iterator[Result]:
    """The folders, and single files. A folder that others may enter is none that they may change."""
    yield from _judged(place.instance, 0o022, "755 at most")
    for name in _CLOSED:
        yield from _judged(place.instance / name, 0o077, "700")
    for name in _SECRET_FILES:
        allowed = 0o022 if name == "config.toml" else 0o077
        yield from _judged(place.instance / name, allowed, "644" if name == "config.toml" else "600")


def _keys(place: Place) -> Iterator[Result]:
    """Account keys, and the key of every stored set; a service that is not root reads those by its group."""
    for folder, _, names in os.walk(place.keys):
        for name in names:
            yield from _judged(Path(folder) / name, 0o077, "600")
    for site in _folders(place.live):
        for directory in _folders(site):
            yield from _judged(directory / KEY, 0o037, "600, or 640 for the group of its service")


def _folders(path: Path) -> Iterator[Path]:
    try:
        with os.scandir(path) as entries:
            yield from (Path(one.path) for one in entries if one.is_dir(follow_symlinks=False))
    except OSError:
        return


def _judged(path: Path, closed: int, expected: str) -> Iterator[Result]:
    """Nothing, or what is wrong. `closed`: the bits of its mode that must not be set."""
    try:
        facts = path.lstat()
    except OSError:
        return
    mode = stat.S_IMODE(facts.st_mode)
    if stat.S_ISLNK(facts.st_mode):
        return
    if facts.st_uid not in (0, os.geteuid()):
        owner = f"it belongs to uid {facts.st_uid}"
        yield Result(State.WRONG, str(path), owner, "root's, or ours", f"Give it to root: chown root {path}")
    elif mode & closed:
        read = "others may read it" if mode & closed & 0o044 else "others may change or enter it"
        remedy = f"Close it: chmod {expected[:3]} {path}"
        yield Result(State.WRONG, str(path), f"its mode is {mode:o}: {read}", expected, remedy)
