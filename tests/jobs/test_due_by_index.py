"""What is due costs as much as is due: the question is answered by indexes, whatever else there is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest

import models
from jobs import records
from jobs.policy.coverage import UNUSED
from jobs.wiring.instance import Instance
from tests.fakes import NOW

LATER, BEFORE = NOW + timedelta(days=1), NOW - timedelta(hours=1)


def add(*mains: str, due: bool = False) -> None:
    """A website with a certificate each, of an account of its own, and a guessed name whose date has come."""
    for main in mains:
        models.Account.create(name=main.partition(".")[0], source="manifest", found_at=NOW)
        models.Website.create(
            account=main.partition(".")[0], main=main, names=json.dumps([main]), source="manifest", found_at=NOW
        )
        for fingerprint, retired in (("former", BEFORE), ("live", None)):
            models.Certificate.create(
                website=main, serial="1", fingerprint=f"{fingerprint} {main}", names=json.dumps([main]), issuer="CA",
                provider="pebble", not_before=BEFORE, not_after=LATER, stored_at=NOW, retired_at=retired,
                due_at=BEFORE if due or retired else LATER,
            )
        problem(main, f"webmail.{main}", UNUSED)


def problem(website: str, name: str, code: str, retry_at: Any = BEFORE) -> None:
    models.Problem.create(website=website, name=name, code=code, text="", since=NOW, seen_at=NOW, retry_at=retry_at)


@contextmanager
def asked() -> Iterator[list[tuple[str, Any]]]:
    """The statements of the block, with their values."""
    found: list[tuple[str, Any]] = []
    real = models.database.obj.execute_sql

    def told(sql: str, params: Any = None) -> Any:
        found.append((sql, params))
        return real(sql, params)

    with mock.patch.object(models.database.obj, "execute_sql", told):
        yield found


def steps(sql: str, params: Any) -> list[str]:
    """How SQLite goes about a question."""
    return [step[-1] for step in models.database.execute_sql(f"EXPLAIN QUERY PLAN {sql}", params).fetchall()]


def test_no_table_is_read_through(instance: Instance) -> None:
    with asked() as statements:
        records.accounts_due(NOW)
    plans = [step for sql, params in statements for step in steps(sql, params)]
    assert plans and [step for step in plans if step.startswith("SCAN")] == []


@pytest.mark.parametrize(
    "index",
    [
        "COVERING INDEX certificate_retired_at_due_at_website (retired_at=? AND due_at<?)",
        "COVERING INDEX problem_real_retry_at (retry_at<?)",
        "INDEX service_state_retry_at (retry_at<?)",
        "INDEX queue_entry_state_run_after (state=? AND run_after<?)",
    ],
)
def test_only_rows_whose_date_has_come_are_looked_up(instance: Instance, index: str) -> None:
    with asked() as statements:
        records.accounts_due(NOW)
    assert any(index in step for sql, params in statements for step in steps(sql, params))


def test_a_problem_that_waits_is_looked_up_for_what_is_due_alone(instance: Instance) -> None:
    with asked() as statements:
        records.accounts_due(NOW)
    waits = [step for sql, params in statements for step in steps(sql, params) if "website=? AND name=?" in step]
    assert len(waits) == 3


def test_as_many_questions_are_asked_for_many_websites_as_for_one(instance: Instance) -> None:
    add("one.test", due=True)
    with asked() as few:
        assert records.accounts_due(NOW) == ["one"]
    add(*(f"site{number}.test" for number in range(20)), due=True)
    with asked() as many:
        assert len(records.accounts_due(NOW)) == 21
    assert len(few) == len(many)


def test_neither_a_former_certificate_nor_a_guessed_name_makes_an_account_due(instance: Instance) -> None:
    add("one.test")
    assert records.accounts_due(NOW) == []


def test_what_is_due_waits_for_the_websites_own_problem_and_for_no_other(instance: Instance) -> None:
    add("one.test", "two.test", due=True)
    problem("one.test", "", "rate_limited", LATER)
    problem("two.test", "two.test", "dns_nxdomain", LATER)
    assert records.accounts_due(NOW) == ["two"]
