"""How far a run is, and whether somebody asked it to stop."""

from __future__ import annotations

from typing import Any

STATEMENTS = (
    'ALTER TABLE "run" ADD COLUMN "done" INTEGER',
    'ALTER TABLE "run" ADD COLUMN "total" INTEGER',
    'ALTER TABLE "run" ADD COLUMN "current" TEXT',
    'ALTER TABLE "run" ADD COLUMN "stop_asked_at" TEXT',
    'CREATE INDEX "run_finished_at" ON "run" ("finished_at")',
    'CREATE INDEX "queue_entry_state_run_after" ON "queue_entry" ("state", "run_after")',
    'CREATE INDEX "problem_retry_at" ON "problem" ("retry_at")',
    'CREATE INDEX "service_state_retry_at" ON "service_state" ("retry_at")',
)


def up(migrator: Any, db: Any) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
