"""An upgrade is made whole or not at all, with a copy of what was before; a database of a newer program is refused."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import models
from jobs import queue
from jobs.policy.failure import Failure
from jobs.wiring import database_copies, schema, upgrade
from jobs.wiring.damage import refuse_damaged
from jobs.wiring.database_copies import KEPT_BEFORE, copies_before, keep_copy, newest_copy
from jobs.wiring.instance import DATABASE, Instance, create, now, open_instance
from jobs.wiring.integrity import soundness
from jobs.wiring.restore import restore
from jobs.wiring.serving import claim
from jobs.wiring.setup import LOCK
from panel import create_app
from tests.later_version import ADDS, LATER, migrations

FAILS = """
def up(migrator, db):
    db.execute_sql('DELETE FROM "setting"')
    db.execute_sql('CREATE TABLE "half" ("id" INTEGER)')
    raise ValueError("two\\nlines")
"""
ORPHANS = """
def up(migrator, db):
    db.execute_sql('INSERT INTO run_account (account, run_id) VALUES ("alice", 99)')
"""
MAKES_ANEW = """
def up(migrator, db):
    db.execute_sql('CREATE TABLE "new" AS SELECT * FROM "account"')
    db.execute_sql('DROP TABLE "account"')
    db.execute_sql('''CREATE TABLE "account" ("name" TEXT NOT NULL PRIMARY KEY, "source" TEXT NOT NULL)''')
    db.execute_sql('INSERT INTO "account" SELECT name, source FROM "new"')
    db.execute_sql('DROP TABLE "new"')
"""
BYPASSES = """
from pathlib import Path
def up(migrator, db):
    path = Path(db.database)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\\xff" * 4096 * 40)
    raise ValueError("enough")
"""
TODAY = models.MIGRATIONS
FULL = """
def up(migrator, db):
    db.execute_sql("PRAGMA max_page_count = 1")
    db.execute_sql('CREATE TABLE "large" ("content" BLOB)')
    try:
        for number in range(1000):
            db.execute_sql('INSERT INTO "large" VALUES (zeroblob(100000))')
    except Exception:
        {then}
"""
COMMITS = """
def up(migrator, db):
    db.connection().set_authorizer(None)
    db.execute_sql('DELETE FROM "setting"')
    db.execute_sql("COMMIT")
    db.execute_sql('CREATE TABLE "half" ("id" INTEGER)')
    {then}
"""
Later = Callable[..., None]


@pytest.fixture
def later(instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Later]:
    """An instance with rows, closed; what is called makes this program a later version of itself."""
    instance.database.execute_sql("INSERT INTO setting VALUES ('kept', '1')")
    instance.close()

    def become(name: str = "later", **more: str) -> None:
        monkeypatch.setattr(models, "MIGRATIONS", TODAY)
        monkeypatch.setattr(models, "MIGRATIONS", migrations(tmp_path / name, **more))
        monkeypatch.setattr(schema, "program", lambda: LATER)

    yield become
    models.database.close()


def rows(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def whole(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def refused(instance: Instance) -> Failure:
    with pytest.raises(Failure) as caught:
        open_instance(instance.place.instance)
    assert models.database.is_closed()
    return caught.value


def test_a_copy_is_made_first_which_is_the_database_as_it_was(instance: Instance, later: Later) -> None:
    path = instance.place.instance / DATABASE
    before, of = whole(path), schema.program()
    later(_9001_later=ADDS, _9002_more="def up(migrator, db):\n    pass\n")
    open_instance(instance.place.instance)
    assert schema.missing(schema.applied(models.database.obj)) == []
    (copy,) = copies_before(instance.place)
    assert copy.name.startswith(f"before-9001-of-{of}-") and copy.stat().st_mode & 0o777 == 0o600
    assert whole(copy) == before and soundness(copy).damage == ""
    assert rows(path, "SELECT count(*) FROM later") == [(0,)] and schema.program_of(path) == LATER
    assert models.database.execute_sql("PRAGMA foreign_keys").fetchone() == (1,)


def test_where_nothing_is_pending_one_query_is_made_and_nothing_is_written(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("nothing is to be done")

    monkeypatch.setattr(upgrade, "upgrade", never)
    asked: list[str] = []
    real = instance.database
    monkeypatch.setattr(models, "open_database", lambda path: real)
    real.connection().set_trace_callback(asked.append)
    open_instance(instance.place.instance)
    assert asked == ["SELECT name FROM schema_migration ORDER BY name"]
    assert not (instance.place.backups / "db").exists()


def test_a_new_installation_needs_no_copy_and_says_which_version_made_it(tmp_path: Path) -> None:
    create(tmp_path / "new")
    models.database.close()
    assert schema.program_of(tmp_path / "new" / DATABASE) == schema.program()
    assert list((tmp_path / "new" / "backups").iterdir()) == []


@pytest.mark.parametrize("source", [FAILS, ORPHANS, *(
    FAILS.replace("raise ValueError", f"{words}\n    raise ValueError") for words in (
        "db.commit()", "db.execute_sql('COMMIT')", "db.execute_sql('END')", "db.rollback()",
        "db.connection().executescript('CREATE TABLE x (y)')", "db.execute_sql('VACUUM')", "db.close()",
    )
), "atomic = False\n" + FAILS, "def up(migrator, db)", "import nothing_of_that_name", ""])
def test_a_migration_that_fails_leaves_everything_as_it_was(instance: Instance, later: Later, source: str) -> None:
    """Also one that comes after good ones, that tries to end the transaction, or that is no Python at all."""
    path = instance.place.instance / DATABASE
    before = whole(path)
    later(_9001_later=ADDS, _9002_fails=source)
    failure = refused(instance)
    assert failure.code == "upgrade_failed" and "\n" not in failure.detail
    assert "9002_fails" in failure.detail or "run_account refers to a row of run" in failure.detail
    assert f"version {LATER}" in failure.detail and "the former version works on it" in failure.detail
    assert whole(path) == before and copies_before(instance.place) == []


def test_the_former_version_works_after_an_upgrade_that_failed(
    instance: Instance, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(_9001_fails=FAILS)
    refused(instance)
    monkeypatch.setattr(models, "MIGRATIONS", TODAY)
    open_instance(instance.place.instance)
    assert models.Setting.get_by_id("kept").value == "1"


def test_a_table_that_is_made_anew_takes_nothing_along_that_refers_to_it(instance: Instance, later: Later) -> None:
    open_instance(instance.place.instance)
    models.Account.create(name="alice", source="manifest", found_at=now())
    models.Exclusion.create(account="alice", name="x.test")
    instance.close()
    later(_9001_anew=MAKES_ANEW)
    open_instance(instance.place.instance)
    assert rows(instance.place.instance / DATABASE, "SELECT name FROM exclusion") == [("x.test",)]


@pytest.mark.parametrize("source", [
    BYPASSES, COMMITS.format(then="pass"), COMMITS.format(then="raise ValueError('half')"),
])
def test_what_sqlite_can_not_take_back_is_put_back_from_the_copy(
    instance: Instance, later: Later, source: str
) -> None:
    path = instance.place.instance / DATABASE
    before = whole(path)
    later(_9001_bypasses=source)
    failure = refused(instance)
    (copy,) = copies_before(instance.place)
    assert failure.code == "upgrade_failed" and f"put back as it was before, from {copy}" in failure.detail
    assert whole(path) == before and path.stat().st_mode & 0o777 == 0o600
    assert refuse_damaged(instance.place.instance).damage == ""
    assert not [one.name for one in path.parent.iterdir() if "put-back" in one.name or one.name.endswith("-wal")]


@pytest.mark.parametrize("then", ["raise", "db.execute_sql('DELETE FROM \"setting\"')"])
def test_a_database_that_takes_no_more_is_told_as_that_also_by_a_migration_that_goes_on(
    instance: Instance, later: Later, then: str
) -> None:
    """SQLite has ended the transaction by itself then, and what comes after is not in it."""
    path = instance.place.instance / DATABASE
    before = whole(path)
    later(_9001_full=FULL.format(then=then))
    failure = refused(instance)
    assert whole(path) == before and "the former version works on it" in failure.detail
    assert failure.code == "no_room" if then == "raise" else failure.code in ("no_room", "upgrade_failed")


def test_a_copy_that_can_not_be_put_back_is_named(
    instance: Instance, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(upgrade, "put_back", fails)
    later(_9001_bypasses=BYPASSES)
    failure = refused(instance)
    (copy,) = copies_before(instance.place)
    assert failure.code == "database_damaged" and failure.detail.endswith(f"restore --force {copy}")
    assert "Input/output error" in failure.detail


def test_a_damaged_database_is_not_migrated_and_the_newest_sound_copy_is_named(
    instance: Instance, later: Later
) -> None:
    path = instance.place.instance / DATABASE
    keep_copy(instance)
    instance.close()
    copy = newest_copy(instance.place)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO run_account (account, run_id) VALUES ('alice', 99)")
        connection.commit()
    later(_9001_later=ADDS)
    failure = refused(instance)
    assert failure.code == "database_damaged" and "run_account refers to a row of run" in failure.detail
    assert f"restore --force {copy}" in failure.detail and "former version works" not in failure.detail
    assert schema.missing(schema.migrations_of(path)) == ["9001_later"]


def test_without_room_for_the_copy_nothing_is_begun(
    instance: Instance, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_copies, "_ROOM_LEFT", 1 << 60)
    later(_9001_later=ADDS)
    failure = refused(instance)
    assert failure.code == "no_room" and "bytes are free" in failure.detail and not failure.permanent
    assert schema.missing(schema.migrations_of(instance.place.instance / DATABASE)) == ["9001_later"]


def test_where_a_file_stands_in_the_place_of_the_copies_nothing_is_begun(instance: Instance, later: Later) -> None:
    (instance.place.backups / "db").write_text("not a directory")
    later(_9001_later=ADDS)
    failure = refused(instance)
    assert failure.code == "upgrade_failed" and "Everything is as it was before" in failure.detail


def test_the_last_copies_of_upgrades_stay_beside_the_nightly_ones(instance: Instance, later: Later) -> None:
    keep_copy(instance)
    instance.close()
    names, more = [], {}
    for number in range(1, KEPT_BEFORE + 3):
        more[f"_900{number}_x"] = "def up(migrator, db):\n    pass\n"
        later(f"later {number}", **more)
        open_instance(instance.place.instance).close()
        names.append(copies_before(instance.place)[0].name)
    kept = {path.name for path in (instance.place.backups / "db").iterdir()}
    assert kept == {*names[-KEPT_BEFORE:], f"panel-{now():%Y-%m-%d}.sqlite3"}
    newest = newest_copy(instance.place)
    assert newest and newest.name == names[-1]


def test_while_a_server_runs_nothing_is_upgraded_and_it_is_said_what_to_do(instance: Instance, later: Later) -> None:
    later(_9001_later=ADDS)
    serving = claim(instance.place)
    failure = refused(instance)
    serving.release()
    assert failure.code == "upgrade_held" and "systemctl stop autossl" in failure.detail
    open_instance(instance.place.instance)


def test_while_a_check_runs_a_command_waits_only_for_a_while(
    instance: Instance, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upgrade, "PATIENCE", 0.1)
    later(_9001_later=ADDS)
    with queue.instance_lock(instance.place.instance / LOCK, lambda: None, give_up=lambda: True):
        assert refused(instance).code == "instance_busy"
    open_instance(instance.place.instance)


def test_a_server_waits_for_a_check_of_the_former_version_however_long_it_takes(
    instance: Instance, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upgrade, "PATIENCE", 0.0)
    directory, told, done = instance.place.instance, threading.Event(), threading.Event()

    def serve() -> None:
        upgrade.await_work(directory, told.set)
        done.set()

    with queue.instance_lock(directory / LOCK, lambda: None, give_up=lambda: True):
        upgrade.await_work(directory, lambda: pytest.fail("nothing is pending"))
        later(_9001_later=ADDS)
        waiting = threading.Thread(target=serve)
        waiting.start()
        assert told.wait(10) and not done.is_set()
    waiting.join(10)
    assert done.is_set()


def test_a_newer_database_is_refused_with_the_version_that_is_needed_and_the_way_back(
    instance: Instance, later: Later
) -> None:
    own, path = schema.program(), instance.place.instance / DATABASE
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "program", lambda: LATER)
        patch.setattr(models, "MIGRATIONS", migrations(instance.place.instance.parent / "newer", _9001_later=ADDS))
        open_instance(instance.place.instance).close()
    before = whole(path)
    (copy,) = copies_before(instance.place)
    broken = copy.with_name("before-9002-29990101T000000Z.sqlite3")
    broken.write_text("no database")
    failure = refused(instance)
    broken.unlink()
    assert failure.code == "instance_newer" and whole(path) == before
    assert f"written by AutoSSL Panel {LATER}, with 9001_later" in failure.detail and own in failure.detail
    assert failure.detail.endswith(f"restore --force {copy}")
    with pytest.raises(Failure) as caught:
        create(instance.place.instance)
    assert caught.value.code == "instance_newer"
    with pytest.raises(Failure) as caught:
        create_app(instance.place.instance)
    assert caught.value.code == "instance_newer"
    with pytest.raises(Failure, match=f"written by AutoSSL Panel {LATER}") as caught:
        restore(instance.place.instance, path, force=True)
    assert caught.value.code == "backup_newer"
    restore(instance.place.instance, copy, force=True)
    open_instance(instance.place.instance)
    assert models.Setting.get_by_id("kept").value == "1"


@pytest.mark.parametrize("value", ["'\"0.1.0; rm -rf /\"'", "'{}'", "'no json'", "'\"../../x\"'", "x'ff'"])
def test_a_version_that_is_none_is_told_as_unknown_and_comes_into_no_name(
    instance: Instance, later: Later, value: str
) -> None:
    path = instance.place.instance / DATABASE
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"UPDATE setting SET value = {value} WHERE key = 'migrated_by'")
        connection.commit()
    assert schema.program_of(path) == ""
    later(_9001_later=ADDS)
    open_instance(instance.place.instance)
    (copy,) = copies_before(instance.place)
    assert copy.name.startswith("before-9001-2")


def test_a_later_program_may_keep_its_settings_elsewhere(instance: Instance, later: Later) -> None:
    path = instance.place.instance / DATABASE
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE setting")
        connection.execute("INSERT INTO schema_migration (name, applied) VALUES ('9001_from_the_future', '2030-01-01')")
        connection.commit()
    failure = refused(instance)
    assert failure.code == "instance_newer" and "written by a newer version, with 9001" in failure.detail
