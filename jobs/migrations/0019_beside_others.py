"""Websites that are given over, in whose care a foreign certificate is, and certificates that were taken over: one of
these may be that of several websites."""

from __future__ import annotations

from typing import Any

STATEMENTS = (
    'ALTER TABLE "website" ADD COLUMN "takeover" INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE "service_state" ADD COLUMN "client" TEXT',
    'ALTER TABLE "certificate" ADD COLUMN "taken_from" TEXT',
    'DROP INDEX "certificate_fingerprint"',
    'CREATE UNIQUE INDEX "certificate_fingerprint_website" ON "certificate" ("fingerprint", "website")',
)


def up(migrator: Any, db: Any) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
