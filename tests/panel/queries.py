"""What a page asks of the database: the statements, and how SQLite would answer them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import models

Said = list[tuple[str, tuple[object, ...]]]


@contextmanager
def recorded() -> Iterator[Said]:
    """Collects every statement and its values while the block runs."""
    said: Said = []
    database = models.database.obj
    execute = database.execute_sql

    def record(sql: str, values: object = None, *rest: object) -> object:
        said.append((sql, tuple(values or ())))  # type: ignore[arg-type]
        return execute(sql, values, *rest)

    with mock.patch.object(database, "execute_sql", record):
        yield said


def plan(sql: str, values: tuple[object, ...]) -> list[str]:
    """The steps of SQLite, such as `SCAN account` (every row is read) or `USE TEMP B-TREE FOR ORDER BY`."""
    return [str(step[3]) for step in models.database.obj.execute_sql(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()]
