"""What the watch over served certificates remembers, and problems of one service."""

from __future__ import annotations

from typing import Any

STATEMENTS = (
    'ALTER TABLE "service_state" ADD COLUMN "served_at" TEXT',
    'ALTER TABLE "service_state" ADD COLUMN "served_state" TEXT',
    'ALTER TABLE "service_state" ADD COLUMN "served_fingerprint" TEXT',
    'ALTER TABLE "service_state" ADD COLUMN "differs_since" TEXT',
    'ALTER TABLE "service_state" ADD COLUMN "reloaded_at" TEXT',
    'CREATE INDEX "service_state_served_state" ON "service_state" ("served_state")',
    'CREATE INDEX "service_state_state_served_at" ON "service_state" ("state", "served_at")',
    'ALTER TABLE "problem" ADD COLUMN "service" TEXT NOT NULL DEFAULT \'\'',
    'DROP INDEX "problem_website_name"',
    'CREATE UNIQUE INDEX "problem_website_name_service" ON "problem" ("website", "name", "service")',
)


def up(migrator: Any, db: Any) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
