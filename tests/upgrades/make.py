"""Makes the database that is kept of this version, on a private host with real daemons and a real CA:

    .venv/bin/python -m tests.upgrades.make

It writes `NUMBER.sql`, the number being that of the newest migration, and `NUMBER.json`, what its rows say. To be run
once for each version that is given out, and never again for the same one: its database is what stands on real hosts.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import models
from jobs.demo.private_host import PrivateHost

HERE_IS = Path(__file__).resolve().parent
ROOT = HERE_IS.parents[1]
_HOST = "host.test"
_SECONDS = 300


def main() -> None:
    with tempfile.TemporaryFile("w+", encoding="utf-8") as sink:
        command = [sys.executable, "-m", "tests.upgrades.make", str(sink.fileno())]
        host = PrivateHost(environment={"PYTHONPATH": str(ROOT)}, directory=ROOT)
        ended = host.run(command, timeout=_SECONDS, pass_fds=[sink.fileno()])
        sink.seek(0)
        said = sink.read()
    if not said:
        raise RuntimeError(ended.said())
    made = json.loads(said)
    (HERE_IS / f"{made['number']}.sql").write_text(made["sql"], encoding="utf-8")
    text = json.dumps(made["meaning"], indent=1, ensure_ascii=False, sort_keys=True)
    (HERE_IS / f"{made['number']}.json").write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(f"{made['number']}: {len(made['sql'])} bytes of SQL\n")


def inside(sink: int) -> None:
    """A host as it is in the middle of its life, with a name that fails, and an order that its CA has not finished."""
    from jobs.demo.daemons import apache
    from tests.crash_host import HERE, THERE, make

    host = make()
    run = host.product.run
    first = HERE.partition(".")[0]
    for words in (
        ("account", "add", "by-hand", "--name", "nowhere.invalid"),
        ("account", "suspend", "by-hand"),
        ("account", "contact", first, f"owner@{HERE}"),
        ("account", "notify", "failures", first),
        ("features", "set", "strong", "--key-type", "ecdsa-p384"),
        ("package", "set", "large", "--features", "strong"),
        ("account", "package", "large", first),
        ("account", "override", "disabled", "by-hand"),
        ("plugin", "set", "sendmail", "enabled=yes"),
        ("option", "set", "admin_addresses", f"{first}@{HERE}"),
        ("token", "add", "--user", "admin", "--label", "a script", "--scope", "check"),
    ):
        run(*words)
    _people(host, first)
    host.alias()
    run("exclude", "add", first, f"www.{HERE}")
    run("check", "--all", expected=(0, 1))
    apache.add_vhosts(HERE, apache.plain_vhost(host.docroots[HERE], HERE, "n1." + HERE, "absent.invalid"))
    apache.reload_apache()
    run("check", "--all", expected=(0, 1))
    host.alias(THERE)
    assert host.dies("after answer challenge", THERE)
    os.write(sink, json.dumps(_kept(host.product.instance)).encode())


def _people(host: Any, account: str) -> None:
    from tests.upgrades.meaning import PASSWORD

    run = host.product.run
    run("user", "add", "rita", "--role", "reseller", "--password-file", "-", stdin=PASSWORD)
    run("user", "contact", "rita", "rita@reseller.test")
    run("account", "reseller", account, "rita")
    run("user", "add", "owner", "--account", account, "--password-file", "-", stdin=PASSWORD)
    run("admin", "add", "second", "--password-file", "-", stdin=PASSWORD)
    run("admin", "reset-password", "admin", "--password-file", "-", stdin=PASSWORD)
    run("user", "add", "invited", "--account", "by-hand", "--link")


def _kept(instance: Path) -> dict[str, Any]:
    import pyotp

    from jobs.wiring import second_factor
    from jobs.wiring.instance import now, open_instance
    from tests.upgrades.meaning import meaning

    opened = open_instance(instance)
    secret = second_factor.new_secret()
    admin = models.User.get(models.User.name == "second")
    assert second_factor.switch_on(admin, secret, pyotp.TOTP(secret).now(), now())
    says = meaning()
    opened.database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    opened.close()
    with closing(sqlite3.connect(instance / "panel.sqlite3")) as connection:
        (newest,) = connection.execute("SELECT max(name) FROM schema_migration").fetchone()
        sql = "\n".join(connection.iterdump()) + "\n"
    return {"number": newest.partition("_")[0], "sql": sql.replace(socket.gethostname(), _HOST), "meaning": says}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        inside(int(sys.argv[1]))
    else:
        main()
