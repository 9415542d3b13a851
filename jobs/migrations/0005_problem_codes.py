"""Problems by code: the panel's header asks on every page whether one stops the whole host."""

from __future__ import annotations

from typing import Any


def up(migrator: Any, db: Any) -> None:
    db.execute_sql('CREATE INDEX "problem_code" ON "problem" ("code")')
