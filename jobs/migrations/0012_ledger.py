"""What was taken from a provider's limits, and by which orders."""

from __future__ import annotations

from typing import Any

STATEMENTS = (
    """CREATE TABLE "budget" (
        "provider" TEXT NOT NULL,
        "counted" TEXT NOT NULL,
        "key" TEXT NOT NULL,
        "full_at" TEXT NOT NULL,
        PRIMARY KEY ("provider", "counted", "key")
    )""",
    'CREATE INDEX "budget_provider_full_at" ON "budget" ("provider", "full_at")',
    """CREATE TABLE "reservation" (
        "website" TEXT NOT NULL PRIMARY KEY,
        "provider" TEXT NOT NULL,
        "names" TEXT NOT NULL,
        "units" TEXT NOT NULL,
        "taken_at" TEXT NOT NULL,
        "ordered" INTEGER NOT NULL
    )""",
)


def up(migrator: Any, db: Any) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
