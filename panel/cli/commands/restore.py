"""`autossl restore`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from panel.cli.output import Answer, count
from panel.cli.session import Session, answering

if TYPE_CHECKING:
    from jobs.wiring.restore import Restored

_SHOWN = 10


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Though there is an installation already: it is kept under another name.")
@answering
def command(session: Session, file: Path, force: bool) -> Answer:
    """Put back what `autossl backup` wrote into FILE, or a copy of the database (of backups/db).

    Everything in FILE is verified before anything is changed. Restore only what you made yourself: whoever can write
    FILE decides who may log in. Stop the server first.
    """
    from jobs.wiring.owner import owner_apart
    from jobs.wiring.restore import restore
    from jobs.wiring.restore_apart import restore_apart

    owner = owner_apart(session.directory)
    if owner is not None:
        done = restore_apart(session.directory, owner, file, force)
    else:
        done = restore(session.directory, file, force)
    session.instance()
    return Answer(_data(session, done), "\n".join(_lines(session, done)))


def _data(session: Session, done: Restored) -> dict[str, Any]:
    manifest = done.manifest
    return {
        "instance": str(session.directory.absolute()),
        "made_at": manifest.made_at if manifest else None,
        "keys": manifest.keys if manifest else None,
        "former": str(done.former) if done.former else None,
        "migrated": list(done.migrated),
        "other_host": done.other_host,
        "taken_over": list(done.mended.taken_over),
        "stand_ins": list(done.mended.stand_ins),
        "adopted": list(done.adopted),
        "ordered_anew": list(done.lost),
    }


def _lines(session: Session, done: Restored) -> list[str]:
    manifest, where = done.manifest, session.directory.absolute()
    lines = [f"Restored {where}" + (f" as it was at {manifest.made_at}." if manifest else ": its database only.")]
    if done.former:
        lines.append(f"What stood there before is kept as {done.former}; remove it when you are sure.")
    if done.migrated:
        lines.append(f"Its database was of an older version: {count(len(done.migrated), 'migration')} applied.")
    if done.mended.taken_over:
        what = count(len(done.mended.taken_over), "file or link")
        lines.append(f"Services read what the backup does not have: {what} taken over from what stood there before.")
    if done.mended.stand_ins:
        names = _some(done.mended.stand_ins)
        lines.append(f"Services read certificates that are gone: self-signed ones stand in for {names}.")
    if done.adopted:
        lines.append(f"Newer certificates than the backup knows are kept: {_some(done.adopted)}.")
    if done.lost:
        lines.append(f"Without their certificate, and ordered anew by the next check: {_some(done.lost)}.")
    if manifest and not manifest.keys:
        lines.append("The backup holds no keys: register at the provider anew: autossl provider reset NAME")
    if done.other_host:
        lines.append("It was made on another host: services have to be set up here.")
    base = f"autossl --instance {where}"
    first = f"{base} setup, then " if manifest else ""
    return [*lines, f"Next: {first}{base} check --all, then start the server."]


def _some(names: tuple[str, ...]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
