"""Free space.

On the file systems of the installation, of /etc and of /var: bytes and inodes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from jobs.doctor import Host
from jobs.policy import doctor
from jobs.policy.doctor import Result, State


def examine(host: Host) -> Iterator[Result]:
    seen: set[int] = set()
    for path in (host.place.instance, Path("/etc"), Path("/var")):
        try:
            device, found = path.stat().st_dev, os.statvfs(path)
        except OSError as error:
            yield Result(State.WARNING, str(path), f"it can't be looked at: {error.strerror}", "a directory", "Look.")
            continue
        if device not in seen:
            seen.add(device)
            free = found.f_bavail * found.f_frsize
            yield doctor.room(doctor.Room(str(path), free, found.f_favail, found.f_files))
