"""Reading what root alone may have written: private keys of other programs, before they are taken over."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs.policy.failure import Failure

LARGEST = 256 * 1024
MOST_ENTRIES = 20_000


@dataclass(frozen=True, slots=True)
class Trusted:
    """What was read, and the real path of the file that links led to."""

    content: bytes
    path: Path


def read_trusted(path: Path, trees: Sequence[Path], limit: int = LARGEST) -> Trusted | None:
    """The content of `path`, or None where there is no such file. Links are followed as far as they stay in one of
    `trees`; nobody but root (or us) may own or write the file, or a directory on the way to it.

    Raises Failure("unreadable") for anything else.
    """
    try:
        real = path.resolve(strict=True)
        if not any(real.is_relative_to(tree.resolve()) for tree in trees):
            raise Failure("unreadable", f"{path}: leads to {real}, which is outside of {trees[0]}")
        _refuse_others_above(path, real)
        descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        raise Failure("unreadable", f"{path}: reading: {getattr(error, 'strerror', None) or error}") from error
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise Failure("unreadable", f"{real}: expected a regular file")
        _refuse_others(real, facts, sticky=False)
        content = file.read(limit + 1)
    if len(content) > limit:
        raise Failure("unreadable", f"{real}: larger than {limit} bytes")
    return Trusted(content, real)


def refuse_untrusted(path: Path) -> None:
    """Raises Failure("unreadable") unless the file or directory at `path`, through every link, and each directory on
    the way to it can be changed by root (or us) alone."""
    try:
        real = path.resolve(strict=True)
        _refuse_others_above(path, real)
        _refuse_others(real, real.stat(), sticky=real.is_dir())
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        raise Failure("unreadable", f"{path}: {getattr(error, 'strerror', None) or error}", permanent=True) from error


def directories_in(path: Path) -> list[str]:
    """The names of the directories in `path` (no links), sorted. Raises Failure("unreadable"), also when there is no
    such directory."""
    try:
        with os.scandir(path) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError as error:
        raise Failure("unreadable", f"{path}: reading the directory: {error.strerror}", permanent=True) from error
    if len(names) > MOST_ENTRIES:
        words = f"{path}: {len(names)} directories, of which {MOST_ENTRIES} are read"
        raise Failure("unreadable", words, permanent=True)
    return sorted(names)


def _refuse_others_above(path: Path, real: Path) -> None:
    """`real`: where the links of `path` lead."""
    for directory in dict.fromkeys((*path.parent.resolve().parents, path.parent.resolve(), *real.parents)):
        _refuse_others(directory, directory.stat(), sticky=True)


def _refuse_others(path: Path, facts: os.stat_result, sticky: bool) -> None:
    """`sticky`: in a directory like /tmp others can't touch what isn't theirs."""
    others = facts.st_mode & 0o022 and not (sticky and facts.st_mode & stat.S_ISVTX)
    if facts.st_uid not in (0, os.geteuid()) or others:
        words = f"{path}: belongs to uid {facts.st_uid}, or others than root may write to it"
        raise Failure("unreadable", f"{words}; nothing in it is believed")
