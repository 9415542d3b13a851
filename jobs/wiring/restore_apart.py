"""`autossl restore`, typed by root, of an installation that is another user's: unpacked and mended by that user.

Root reads the backup, makes the directory in which all is made ready, and at the end has it change places with the
instance: both are names in a directory of root's. Nothing of theirs is opened as root.
"""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from jobs.wiring.asked_apart import asked_apart
from jobs.wiring.backup_unpacked import is_database
from jobs.wiring.disk_words import disk_words
from jobs.wiring.restore import Restored, put_in_place, restore, stage


def restore_apart(directory: Path, owner: pwd.struct_passwd, file: Path, force: bool) -> Restored:
    """As `restore`, which runs as `owner`. Raises what it raises."""
    directory = directory.absolute()
    alone = is_database(file)
    with disk_words(f"restoring {directory}"):
        staged = stage(directory)
        number, name = tempfile.mkstemp(prefix=f"{staged.name}.", dir=directory.parent)
        copy = Path(name)
        try:
            with os.fdopen(number, "wb") as readable, file.open("rb") as source:
                shutil.copyfileobj(source, readable)
            for path in (copy, staged):
                os.chown(path, owner.pw_uid, owner.pw_gid)
            done: Restored = asked_apart(
                owner, lambda: restore(directory, copy, force, None if alone else staged), Restored
            )
            return done if alone else replace(done, former=put_in_place(staged, directory))
        finally:
            copy.unlink(missing_ok=True)
            with suppress(OSError):
                shutil.rmtree(staged)
