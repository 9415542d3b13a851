"""What services present that was not installed by us, key types, and indexes for lists of finished work."""

from __future__ import annotations

from typing import Any

STATEMENTS = (
    'ALTER TABLE "certificate" ADD COLUMN "key_type" TEXT',
    'ALTER TABLE "service_state" ADD COLUMN "presented" TEXT',
    'CREATE INDEX "queue_entry_account" ON "queue_entry" ("account")',
    'CREATE INDEX "queue_entry_finished_at" ON "queue_entry" ("finished_at")',
)


def up(migrator: Any, db: Any) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
