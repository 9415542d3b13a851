"""The databases of former versions, as they were made by these, mean the same after every migration of this one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

import models
from jobs import queue
from jobs.policy.failure import Failure
from jobs.wiring import schema
from jobs.wiring.database_copies import copies_before
from jobs.wiring.instance import DATABASE, Instance, open_instance
from jobs.wiring.integrity import soundness
from tests.bare_instance import bare_instance
from tests.jobs.test_migrations import shape
from tests.upgrades.meaning import meaning

KEPT = sorted(path.stem for path in Path(__file__).parent.glob("*.sql"))


@pytest.fixture(params=KEPT)
def former(request: pytest.FixtureRequest) -> str:
    """The number of the newest migration that a kept database has."""
    return str(request.param)


@pytest.fixture
def directory(former: str, tmp_path: Path) -> Path:
    """An instance with that database, closed."""
    with bare_instance(tmp_path / "instance") as made:
        directory = made.place.instance
    (directory / DATABASE).unlink()
    with closing(sqlite3.connect(directory / DATABASE)) as connection:
        connection.executescript(Path(__file__).with_name(f"{former}.sql").read_text(encoding="utf-8"))
    return directory


@pytest.fixture
def upgraded(directory: Path) -> Iterator[Instance]:
    opened = open_instance(directory)
    yield opened
    opened.close()


def test_one_is_kept() -> None:
    assert "0018" in KEPT


def test_every_row_means_what_it_meant(former: str, upgraded: Instance) -> None:
    expected = json.loads(Path(__file__).with_name(f"{former}.json").read_text(encoding="utf-8"))
    found = meaning()
    for what, values in expected.items():
        assert found[what] == values, what


def test_the_schema_is_that_of_a_new_database(upgraded: Instance, tmp_path: Path) -> None:
    path = upgraded.place.instance / DATABASE
    upgraded.close()
    fresh = tmp_path / "fresh.sqlite3"
    real = models.open_database(fresh)
    schema.migrate(real)
    real.close()
    assert shape(path) == shape(fresh)
    assert soundness(path).damage == "" and soundness(path).whole


def test_the_copy_of_before_is_of_that_version(former: str, upgraded: Instance) -> None:
    kept = copies_before(upgraded.place)
    newest = max(one.partition("_")[0] for one in schema.applied(upgraded.database))
    assert len(kept) == (newest != former)
    assert all(max(schema.migrations_of(copy)).startswith(former) for copy in kept)


def test_work_goes_on_where_it_was(upgraded: Instance) -> None:
    """The order that its CA has not finished is taken over from the process that died, with its address."""
    (order,) = queue.active_orders().values()
    assert order.order_url.startswith("https://") and order.state == "running"
    queue.take_over(order.heartbeat_at + timedelta(days=1))
    (again,) = queue.active_orders().values()
    assert (again.id, again.order_url, again.state, again.owner) == (order.id, order.order_url, "waiting", None)


def test_a_version_that_lacks_the_newest_migration_of_a_kept_one_refuses_it(
    former: str, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = tmp_path / "older"
    older.mkdir()
    for path in sorted(models.MIGRATIONS.glob("[0-9]*.py")):
        if path.name < former:
            (older / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(models, "MIGRATIONS", older)
    with pytest.raises(Failure) as caught:
        open_instance(directory)
    assert caught.value.code == "instance_newer"
