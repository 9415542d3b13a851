"""People: sessions in the database, a second factor, tokens, counted attempts, and who changed what."""

from __future__ import annotations

from typing import Any

STATEMENTS = (
    'ALTER TABLE "user" ADD COLUMN "totp_secret" TEXT',
    'ALTER TABLE "user" ADD COLUMN "totp_step" INTEGER',
    'ALTER TABLE "user" DROP COLUMN "session_key"',
    'CREATE INDEX "user_account" ON "user" ("account")',
    'CREATE INDEX "account_reseller" ON "account" ("reseller")',
    """CREATE TABLE "session" (
        "hash" TEXT NOT NULL PRIMARY KEY,
        "user_id" INTEGER,
        "data" TEXT NOT NULL,
        "address" TEXT NOT NULL,
        "agent" TEXT NOT NULL,
        "created_at" TEXT NOT NULL,
        "seen_at" TEXT NOT NULL,
        FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE CASCADE
    )""",
    'CREATE INDEX "session_user_id" ON "session" ("user_id")',
    'CREATE INDEX "session_seen_at" ON "session" ("seen_at")',
    """CREATE TABLE "backup_code" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "user_id" INTEGER NOT NULL,
        "hash" TEXT NOT NULL,
        FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE CASCADE
    )""",
    'CREATE INDEX "backup_code_user_id" ON "backup_code" ("user_id")',
    'CREATE UNIQUE INDEX "backup_code_user_id_hash" ON "backup_code" ("user_id", "hash")',
    """CREATE TABLE "setup_link" (
        "hash" TEXT NOT NULL PRIMARY KEY,
        "user_id" INTEGER NOT NULL,
        "expires_at" TEXT NOT NULL,
        FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE CASCADE
    )""",
    'CREATE INDEX "setup_link_user_id" ON "setup_link" ("user_id")',
    """CREATE TABLE "token" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "user_id" INTEGER NOT NULL,
        "label" TEXT NOT NULL,
        "prefix" TEXT NOT NULL,
        "hash" TEXT NOT NULL,
        "scope" TEXT NOT NULL,
        "account" TEXT,
        "created_at" TEXT NOT NULL,
        "expires_at" TEXT NOT NULL,
        "used_at" TEXT,
        FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE CASCADE
    )""",
    'CREATE INDEX "token_user_id" ON "token" ("user_id")',
    'CREATE UNIQUE INDEX "token_prefix" ON "token" ("prefix")',
    """CREATE TABLE "attempt" (
        "key" TEXT NOT NULL PRIMARY KEY,
        "kind" TEXT NOT NULL,
        "user_id" INTEGER,
        "failures" INTEGER NOT NULL,
        "changed_at" TEXT NOT NULL,
        "succeeded_at" TEXT,
        FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE CASCADE
    )""",
    'CREATE INDEX "attempt_user_id" ON "attempt" ("user_id")',
    'CREATE INDEX "attempt_changed_at" ON "attempt" ("changed_at")',
    """CREATE TABLE "audit_entry" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "at" TEXT NOT NULL,
        "who" TEXT NOT NULL,
        "role" TEXT NOT NULL,
        "action" TEXT NOT NULL,
        "object" TEXT NOT NULL,
        "origin" TEXT NOT NULL,
        "result" TEXT NOT NULL
    )""",
    'CREATE INDEX "audit_entry_at" ON "audit_entry" ("at")',
)


def up(migrator: Any, db: Any) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
