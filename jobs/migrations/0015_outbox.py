"""The outbox, what its recipients know of already, resellers' contacts, and how often a name failed for any reason."""

from __future__ import annotations

from typing import Any

STATEMENTS = (
    'ALTER TABLE "user" ADD COLUMN "contact" TEXT',
    'ALTER TABLE "problem" ADD COLUMN "failures" INTEGER NOT NULL DEFAULT 1',
    """CREATE TABLE "message" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "key" TEXT NOT NULL,
        "channel" TEXT NOT NULL,
        "recipient" TEXT NOT NULL,
        "message_id" TEXT NOT NULL,
        "subject" TEXT NOT NULL,
        "content" TEXT NOT NULL,
        "state" TEXT NOT NULL,
        "code" TEXT NOT NULL,
        "answer" TEXT NOT NULL,
        "created_at" TEXT NOT NULL,
        "run_after" TEXT NOT NULL,
        "attempts" INTEGER NOT NULL,
        "tried_at" TEXT,
        "finished_at" TEXT
    )""",
    'CREATE UNIQUE INDEX "message_key" ON "message" ("key")',
    'CREATE INDEX "message_state_run_after" ON "message" ("state", "run_after")',
    'CREATE INDEX "message_state_finished_at" ON "message" ("state", "finished_at")',
    """CREATE TABLE "told" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "recipient" TEXT NOT NULL,
        "key" TEXT NOT NULL,
        "content" TEXT NOT NULL,
        "told_at" TEXT NOT NULL,
        "gone_at" TEXT
    )""",
    'CREATE INDEX "told_told_at" ON "told" ("told_at")',
    'CREATE UNIQUE INDEX "told_recipient_key_content" ON "told" ("recipient", "key", "content")',
    'CREATE INDEX "told_key_gone_at" ON "told" ("key", "gone_at")',
)


def up(migrator: Any, db: Any) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
