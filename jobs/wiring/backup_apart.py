"""`autossl backup`, typed by root, of an installation that is another user's: made by that user, kept by root.

Root opens nothing in a directory that somebody else may change. The backup is written as its owner into a folder made
for that, and what stands there then is taken for what it is: a stranger's file.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Any

from jobs.policy.failure import Failure
from jobs.store import sync_directory
from jobs.wiring.asked_apart import asked_apart
from jobs.wiring.backup import backup
from jobs.wiring.disk_words import disk_words
from jobs.wiring.instance import open_instance

_LARGEST = 64 * 1024**3
_NAME = "backup"


def backup_apart(directory: Path, owner: pwd.struct_passwd, target: Path, keys: bool, logs: bool) -> dict[str, Any]:
    """As `backup`, which runs as `owner`. Raises what it raises."""
    target = target.absolute()
    if not target.parent.is_dir():
        raise Failure("backup_failed", f"{target.parent}: expected a directory", permanent=True)
    with disk_words(f"writing {target}"):
        folder = Path(tempfile.mkdtemp(prefix=".autossl-backup-", dir=target.parent))
        try:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            found = asked_apart(owner, lambda: backup(open_instance(directory), folder / _NAME, keys, logs))
            _take(folder / _NAME, target)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return {**found, "file": str(target)}


def _take(made: Path, target: Path) -> None:
    """Copy what the owner made, into a file of root's that takes the target's place whole."""
    descriptor = os.open(made, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as source:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1 or facts.st_size > _LARGEST:
            raise Failure("backup_failed", f"{made}: expected the backup, found something else", permanent=True)
        number, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(number, "wb") as kept:
                shutil.copyfileobj(source, kept)
                kept.flush()
                os.fsync(number)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    sync_directory(target.parent)
