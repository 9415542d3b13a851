"""Which providers stand behind the current one, what a CA was told, its terms, and how quickly it delivers."""

from __future__ import annotations

from typing import Any

STATEMENTS = (
    'ALTER TABLE "provider" ADD COLUMN "fallback" INTEGER',
    'ALTER TABLE "provider" ADD COLUMN "contact" TEXT',
    'ALTER TABLE "provider" ADD COLUMN "terms_seen" TEXT',
    'CREATE INDEX "queue_entry_provider_kind_state_finished_at" ON "queue_entry" '
    '("provider", "kind", "state", "finished_at")',
)


def up(migrator: Any, db: Any) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
