"""Which of our files the services of this host read, whoever wrote that into their configuration.

Found by looking for the paths themselves in every file below the given directories: slower than asking the services,
but it misses nothing that is switched off at the moment, included by hand, or written before we kept lists.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from jobs.policy.failure import Failure

LARGEST = 16 * 1024 * 1024
"""Bytes of a file; configuration is never larger."""

MOST_FILES = 100_000
_NEVER_READ = frozenset({"shadow", "shadow-", "gshadow", "gshadow-"})
"""Passwords, and nobody's configuration."""


def mentions(prefix: Path, directories: Iterable[Path]) -> frozenset[str]:
    """What follows `prefix` and a slash, up to the end of the path, in every file and link below `directories`.

    Raises Failure("unreadable") for a file that can't be looked at: what is not known is not taken for unused.
    """
    pattern = re.compile(re.escape(os.fsencode(prefix)) + rb"/([^\s\"'`;,:{}()<>|\\]+)")
    found: set[str] = set()
    for content in _contents(directories):
        found |= {os.fsdecode(match) for match in pattern.findall(content)}
    return frozenset(found)


def _contents(directories: Iterable[Path]) -> Iterator[bytes]:
    seen: set[tuple[int, int]] = set()
    count = 0
    for directory in directories:
        above = {str(one) for one in directory.resolve().parents}
        for folder, inner, names in os.walk(directory, onerror=_refuse, followlinks=True):
            facts = Path(folder).stat()
            if (facts.st_dev, facts.st_ino) in seen or str(Path(folder).resolve()) in above:
                inner.clear()  # been here, or a link up to where this one lies
                continue
            seen.add((facts.st_dev, facts.st_ino))
            count += len(names)
            if count > MOST_FILES:
                raise Failure("unreadable", f"{directory}: more than {MOST_FILES} files lie there")
            for name in (one for one in names if one not in _NEVER_READ):
                yield from _content(Path(folder) / name, seen)


def _content(path: Path, seen: set[tuple[int, int]]) -> Iterator[bytes]:
    """A file's own bytes, or where a link leads and what stands there."""
    try:
        if path.is_symlink():
            yield os.fsencode(path.readlink())
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as error:
        if path.is_symlink() or not stat.S_ISREG(path.lstat().st_mode):
            return  # a socket, or a link to one
        raise Failure("unreadable", f"{path}: reading: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or (facts.st_dev, facts.st_ino) in seen:
            return
        seen.add((facts.st_dev, facts.st_ino))
        yield file.read(LARGEST)


def _refuse(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise Failure("unreadable", f"{error.filename}: reading: {error.strerror}") from error
