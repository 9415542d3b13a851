"""Whose an installation is: root does nothing in a directory that another user may change, but as that user."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from jobs import privileged
from jobs.config import load
from jobs.policy.failure import Failure
from jobs.wiring.instance import config_path


def become_owner(directory: Path) -> None:
    """Go on as the owner of `directory`, for good, if this is root's process and it is somebody else's.

    Raises Failure("not_root") where the owner has no account.
    """
    owner = privileged.owner_of(directory) if os.geteuid() == 0 else None
    if owner is not None:
        privileged.become(owner)


def owner_apart(directory: Path) -> pwd.struct_passwd | None:
    """Whose the installation is, or is to be, if this is root's process and it is not root's.

    Raises Failure("not_root"), Failure("config_invalid").
    """
    if os.geteuid() != 0:
        return None
    if directory.exists():
        return privileged.owner_of(directory)
    user = load(config_path(directory)).root.user
    try:
        return pwd.getpwnam(user) if user else None
    except KeyError as error:
        words = f"{config_path(directory)}: root.user: expected a user of this host, got {user!r}"
        raise Failure("config_invalid", words, permanent=True) from error
