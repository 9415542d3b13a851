"""`autossl backup`."""

from __future__ import annotations

from pathlib import Path

import click

from panel.cli.output import Answer, count, plain
from panel.cli.session import Session, answering


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--logs", is_flag=True, help="With the logs of all runs.")
@click.option("--without-keys", is_flag=True,
              help="Without private keys, and so without certificates: these are ordered anew after a restore.")
@answering
def command(session: Session, file: Path, logs: bool, without_keys: bool) -> Answer:
    """Write the whole installation into FILE, also while it is at work.

    FILE (tar.gz) holds the private keys of all websites and of the accounts at CAs, unless you leave them out; and in
    any case the password hashes and second factors of everybody who may log in. Only its owner may read it: keep it so.
    """
    from jobs.wiring.backup_apart import backup_apart
    from jobs.wiring.owner import owner_apart

    owner = owner_apart(session.directory)
    if owner is not None:
        result = backup_apart(session.directory, owner, file, not without_keys, logs)
    else:
        from jobs.wiring.backup import backup

        result = backup(session.instance(), file, not without_keys, logs)
    secret = (
        "It holds private keys: whoever reads it can pass for your websites. Keep it where only you can."
        if result["keys"]
        else "It holds no private key. Passwords' hashes and second factors are in it: keep it where only you can."
    )
    lines = [
        f"Wrote {result['file']}: {count(result['files'], 'file')}, {result['bytes']} bytes.", secret,
        *(plain(f"Left out: {words}") for words in result["left_out"]),
    ]
    return Answer(result, "\n".join(lines))
