"""Providers that are not asked before a time, with the reason, and when their account was made anew."""

from __future__ import annotations

from typing import Any

STATEMENTS = (
    'ALTER TABLE "provider" ADD COLUMN "account_renewed_at" TEXT',
    'ALTER TABLE "provider" ADD COLUMN "failures" INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE "provider" ADD COLUMN "blocked_since" TEXT',
    'ALTER TABLE "provider" ADD COLUMN "blocked_code" TEXT',
    'ALTER TABLE "provider" ADD COLUMN "blocked_text" TEXT',
)


def up(migrator: Any, db: Any) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
