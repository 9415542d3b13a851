"""What is due is found by indexes alone, of which none holds a row for every certificate or guessed name there is."""

from __future__ import annotations

from typing import Any

STATEMENTS = (
    'DROP INDEX "certificate_due_at"',
    'CREATE INDEX "certificate_retired_at_due_at_website" ON "certificate" ("retired_at", "due_at", "website")',
    'DROP INDEX "problem_retry_at"',
    'CREATE INDEX "problem_real_retry_at" ON "problem" ("retry_at", "website", "code") WHERE code <> \'guess_unused\'',
)


def up(migrator: Any, db: Any) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
