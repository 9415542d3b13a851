"""Remembers what stood in a service's files before we first touched them, so that `setup --undo` can put it back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from peewee import chunked

import models
from jobs import privileged
from jobs.durable import durable
from jobs.policy.failure import Failure
from jobs.policy.file_change import FileChange
from jobs.ports import Place
from jobs.store import write_secret

AT_ONCE = 500
"""Paths in one question: SQLite may take 999 values."""


class KeptFiles:
    """The rows and backups of one instance. Files of our own directory are not kept: they go with it."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def before(self, service: str, changes: Sequence[FileChange]) -> None:
        """Keep the first state of every file outside the instance, and what we are about to write there."""
        outside = [change for change in changes if not change.path.is_relative_to(self._place.instance)]
        known = _rows([str(change.path) for change in outside])
        for change in outside:
            stands = privileged.former(change.path)
            row = known.get(str(change.path)) or self._first(service, stands)
            row.written_sha256 = _written(row, digest(change.content, change.link), stands)
            row.changed_at = datetime.now(UTC)
            known[row.path] = row
        # whatever happens to this machine next: what is changed then must be known as ours
        with durable(), models.database.atomic():
            for some in chunked((row.__data__ for row in known.values()), AT_ONCE // 10):
                models.SetupFile.replace_many(some).execute()

    def undoing(self) -> tuple[list[tuple[str, privileged.Former]], list[tuple[str, str]]]:
        """What would be put back, as (service, former state), and what can't be, as (service, reason)."""
        back: list[tuple[str, privileged.Former]] = []
        refused: list[tuple[str, str]] = []
        for row in models.SetupFile.select().order_by(models.SetupFile.path):
            was = self._former(row)
            now = privileged.former(Path(row.path))
            if _same(now, was):
                back.append((row.service, was))
            elif digest(now.content, now.link) not in row.written_sha256.split("\n"):
                kept = f"{self._place.backups / row.backup}" if row.backup else "no file"
                words = f"{row.path}: changed by somebody since, so it is left as it is; before us: {kept}"
                refused.append((row.service, words))
            else:
                back.append((row.service, was))
        return back, refused

    def forget(self, formers: Sequence[privileged.Former]) -> None:
        """The files are as they were: drop their rows and backups."""
        backups = []
        with durable():  # a row whose backup is gone can't be undone; a backup without a row harms nobody
            for was in formers:
                row = models.SetupFile.get_or_none(models.SetupFile.path == str(was.path))
                if row is not None:
                    backups += [row.backup] if row.backup else []
                    row.delete_instance()
        for backup in backups:
            (self._place.backups / backup).unlink(missing_ok=True)

    def _first(self, service: str, was: privileged.Former) -> models.SetupFile:
        backup = None
        if was.content is not None:
            backup = hashlib.sha256(str(was.path).encode()).hexdigest()[:16] + "-" + was.path.name
            write_secret(self._place.backups / backup, was.content)
        return models.SetupFile(
            path=str(was.path),
            service=service,
            existed=was.existed,
            link=was.link,
            backup=backup,
            mode=was.mode,
            uid=was.uid,
            gid=was.gid,
        )

    def _former(self, row: models.SetupFile) -> privileged.Former:
        content = None
        if row.backup:
            try:
                content = (self._place.backups / row.backup).read_bytes()
            except OSError as error:
                words = f"{row.path}: its backup {row.backup} can't be read: {error.strerror}"
                raise Failure("restore_failed", words, permanent=True) from error
        return privileged.Former(Path(row.path), row.existed, content, row.link, row.mode, row.uid, row.gid)


def standing() -> list[tuple[str, str, str]]:
    """Files outside the instance that were written here, as they stand now: (service, path, state), where the state
    is as written | changed | gone."""
    rows = models.SetupFile.select().order_by(models.SetupFile.path)
    return [(row.service, row.path, _standing(Path(row.path), row.written_sha256.split("\n"))) for row in rows]


def _standing(path: Path, ours: Sequence[str]) -> str:
    try:
        stands = privileged.former(path)
    except (Failure, OSError):
        return "changed"
    if digest(stands.content, stands.link) in ours:
        return "as written"
    return "changed" if stands.existed else "gone"


def _rows(paths: Sequence[str]) -> dict[str, models.SetupFile]:
    found: dict[str, models.SetupFile] = {}
    for some in chunked(paths, AT_ONCE):
        found |= {row.path: row for row in models.SetupFile.select().where(models.SetupFile.path.in_(some))}
    return found


def _written(row: models.SetupFile, new: str, stands: privileged.Former) -> str:
    """What may stand there as ours from now on, one a line: what is about to be written, and what we wrote before,
    which stays when a service's test refuses the new one or this process ends in between."""
    before = digest(stands.content, stands.link)
    return "\n".join(dict.fromkeys([new, before] if before in row.written_sha256.split("\n") else [new]))


def digest(content: bytes | None, link: str | None) -> str:
    """What stands at a path, as `written_sha256` of its row names it."""
    if link is not None:
        return "link:" + link
    return "gone" if content is None else hashlib.sha256(content).hexdigest()


def _same(one: privileged.Former, other: privileged.Former) -> bool:
    return (one.existed, one.content, one.link) == (other.existed, other.content, other.link)
