"""An account's figures are counted anew after each check, and written only where they have changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest

import models
from jobs import records, summaries
from jobs.wiring.instance import Instance
from tests.fakes import NOW

ENDS = NOW + timedelta(days=90)
ACCOUNTS = ("anna", "bert", "carl")


def accounts_with_a_website_each() -> None:
    for name in ACCOUNTS:
        names = json.dumps([f"{name}.test"])
        models.Account.create(name=name, source="manifest", found_at=NOW)
        models.Website.create(account=name, main=f"{name}.test", names=names, source="manifest", found_at=NOW)
        models.Certificate.create(
            website=f"{name}.test", serial="1", fingerprint=name, names=names, issuer="CA", provider="pebble",
            not_before=NOW, not_after=ENDS, stored_at=NOW, due_at=ENDS,
        )


@contextmanager
def written() -> Iterator[list[Any]]:
    """The values of each UPDATE of the block."""
    found: list[Any] = []
    real = models.database.obj.execute_sql

    def told(sql: str, params: Any = None) -> Any:
        if sql.startswith("UPDATE"):
            found.append(params)
        return real(sql, params)

    with mock.patch.object(models.database.obj, "execute_sql", told):
        yield found


def figures(name: str) -> tuple[Any, ...]:
    row = models.Account.get(models.Account.name == name)
    return row.covered, row.problems, row.expires_at


def test_what_has_not_changed_is_not_written_again(instance: Instance) -> None:
    accounts_with_a_website_each()
    with written() as first:
        summaries.refresh(ACCOUNTS, ())
    with written() as second:
        summaries.refresh(ACCOUNTS, ())
        summaries.refresh(None, ())
    assert (len(first), second) == (len(ACCOUNTS), [])
    assert {figures(name) for name in ACCOUNTS} == {(1, 0, ENDS)}


def test_what_has_changed_is_written_and_nothing_else(instance: Instance) -> None:
    accounts_with_a_website_each()
    summaries.refresh(None, ())
    models.Certificate.update(retired_at=NOW).where(models.Certificate.website == "bert.test").execute()
    with written() as rows:
        summaries.refresh(None, ())
    assert len(rows) == 1
    assert figures("bert") == (0, 0, None)
    assert figures("anna") == (1, 0, ENDS)


def test_a_time_alone_that_has_changed_is_written(instance: Instance) -> None:
    accounts_with_a_website_each()
    summaries.refresh(None, ())
    later = ENDS + timedelta(microseconds=1)
    models.Certificate.update(not_after=later).where(models.Certificate.website == "carl.test").execute()
    summaries.refresh(["carl"], ())
    assert figures("carl") == (1, 0, later)


def test_more_accounts_than_are_read_at_a_time_are_all_counted(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts_with_a_website_each()
    monkeypatch.setattr(records, "AT_ONCE", len(ACCOUNTS) - 1)
    summaries.refresh(None, ())
    assert {figures(name) for name in ACCOUNTS} == {(1, 0, ENDS)}


def test_a_name_that_a_website_of_another_account_has_is_missing_nowhere_else(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts_with_a_website_each()
    models.Website.update(names=json.dumps(["mail.anna.test"])).where(models.Website.account == "carl").execute()
    monkeypatch.setattr(records, "AT_ONCE", 1)
    summaries.refresh(None, ())
    anna, bert = (models.Account.get(models.Account.name == name).wanted for name in ("anna", "bert"))
    assert anna == bert - 1, "mail.anna.test is not guessed for anna, as mail.bert.test is for bert"
