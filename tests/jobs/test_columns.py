"""Fields write their columns in one step, and what comes of it is the statement that Peewee would have made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import peewee
import pytest
from peewee import fn

import models
from jobs import columns

TABLES = sorted(models.Row.__subclasses__(), key=lambda table: str(table.__name__))


@pytest.fixture(autouse=True)
def somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models.database, "obj", peewee.SqliteDatabase(":memory:"))


def first(table: Any) -> Any:
    return table._meta.sorted_fields[0]


def joined() -> Any:
    found = models.Session.select(models.Session, models.User).left_outer_join(models.User)
    return found.where((models.Session.hash == "one") & models.Session.user.is_null()).order_by(models.User.name.desc())


def with_itself() -> Any:
    row, other = models.Certificate, models.Certificate.alias()
    later = other.select(other.id).where((other.website == row.website) & (other.id > row.id))
    return row.select(row.website).where(~fn.EXISTS(later))


def counted() -> Any:
    website = models.Website.account
    return models.Website.select(website, fn.COUNT(models.Website.main)).group_by(website).having(website != "x")


def cut() -> Any:
    inner = models.Account.select(models.Account.name).order_by(models.Account.name).limit(3).alias("some")
    return peewee.Select([inner], [fn.COUNT(inner.c.name)])


def changed_or_made() -> Any:
    row = models.Setting
    return row.insert(key="a", value="b").on_conflict(conflict_target=[row.key], update={row.value: row.value + "c"})


STATEMENTS: dict[str, Callable[[], Any]] = {
    **{f"{table.__name__} read": lambda table=table: table.select().order_by(first(table)) for table in TABLES},
    **{f"{table.__name__} removed": lambda table=table: table.delete().where(first(table) == None) for table in TABLES},  # noqa: E711
    **{f"{table.__name__} changed": lambda table=table: table.update({first(table): first(table)}) for table in TABLES},
    "joined": joined, "with itself": with_itself, "counted": counted, "cut": cut, "changed or made": changed_or_made,
}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_is_the_one_that_peewee_makes(statement: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = STATEMENTS[statement]().sql()
    monkeypatch.setattr(columns._Column, "__sql__", peewee.Field.__sql__)
    assert STATEMENTS[statement]().sql() == ours
