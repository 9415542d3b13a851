"""What stands below directories, for comparing it byte for byte."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def everything(*tops: str) -> dict[str, object]:
    """Every file below `tops`: mode and owner, and what it holds or where it links to."""
    found: dict[str, object] = {}
    for top in tops:
        for folder, _, files in os.walk(top):
            for path in [Path(folder), *(Path(folder, name) for name in files)]:
                facts = path.lstat()
                link, file = path.is_symlink(), path.is_file()
                content = os.readlink(path) if link else path.read_bytes() if file else b""
                found[str(path)] = (oct(facts.st_mode), facts.st_uid, facts.st_gid, content)
    return found


def times(paths: Iterable[str]) -> dict[str, int]:
    """When each file was changed last, in nanoseconds. Directories have none of their own: what comes and goes in them
    moves it."""
    return {path: Path(path).lstat().st_mtime_ns for path in paths if Path(path).is_file()}
