"""The first tables. A frozen copy: later changes of `models.py` get migrations of their own."""

from __future__ import annotations

from typing import Any

STATEMENTS = (
    """CREATE TABLE "account" (
        "name" TEXT NOT NULL PRIMARY KEY,
        "contact" TEXT,
        "package" TEXT NOT NULL,
        "reseller" TEXT,
        "state" TEXT NOT NULL,
        "source" TEXT NOT NULL,
        "override" TEXT,
        "found_at" TEXT NOT NULL,
        "gone_at" TEXT
    )""",
    """CREATE TABLE "certificate" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "website" TEXT NOT NULL,
        "serial" TEXT NOT NULL,
        "fingerprint" TEXT NOT NULL,
        "names" TEXT NOT NULL,
        "issuer" TEXT NOT NULL,
        "provider" TEXT NOT NULL,
        "not_before" TEXT NOT NULL,
        "not_after" TEXT NOT NULL,
        "due_at" TEXT NOT NULL,
        "stored_at" TEXT NOT NULL,
        "retired_at" TEXT
    )""",
    'CREATE INDEX "certificate_website" ON "certificate" ("website")',
    'CREATE UNIQUE INDEX "certificate_fingerprint" ON "certificate" ("fingerprint")',
    'CREATE INDEX "certificate_due_at" ON "certificate" ("due_at")',
    'CREATE INDEX "certificate_retired_at" ON "certificate" ("retired_at")',
    """CREATE TABLE "exclusion" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "account_id" TEXT NOT NULL,
        "name" TEXT NOT NULL, FOREIGN KEY ("account_id") REFERENCES "account" ("name") ON DELETE CASCADE
    )""",
    'CREATE INDEX "exclusion_account_id" ON "exclusion" ("account_id")',
    'CREATE UNIQUE INDEX "exclusion_account_id_name" ON "exclusion" ("account_id", "name")',
    """CREATE TABLE "problem" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "website" TEXT NOT NULL,
        "name" TEXT NOT NULL,
        "code" TEXT NOT NULL,
        "text" TEXT NOT NULL,
        "since" TEXT NOT NULL,
        "seen_at" TEXT NOT NULL,
        "attempts" INTEGER NOT NULL,
        "retry_at" TEXT
    )""",
    'CREATE UNIQUE INDEX "problem_website_name" ON "problem" ("website", "name")',
    """CREATE TABLE "provider" (
        "name" TEXT NOT NULL PRIMARY KEY,
        "plugin" TEXT NOT NULL,
        "options" TEXT NOT NULL,
        "account_url" TEXT,
        "terms_accepted" TEXT,
        "eab_kid" TEXT,
        "current" INTEGER NOT NULL,
        "added_at" TEXT NOT NULL,
        "blocked_until" TEXT
    )""",
    """CREATE TABLE "queue_entry" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "kind" TEXT NOT NULL,
        "key" TEXT NOT NULL,
        "state" TEXT NOT NULL,
        "payload" TEXT NOT NULL,
        "account" TEXT,
        "website" TEXT,
        "provider" TEXT,
        "order_url" TEXT,
        "answer" TEXT NOT NULL,
        "requested_at" TEXT NOT NULL,
        "run_after" TEXT NOT NULL,
        "polled_at" TEXT,
        "heartbeat_at" TEXT,
        "owner" TEXT,
        "attempts" INTEGER NOT NULL,
        "finished_at" TEXT
    )""",
    'CREATE INDEX "queue_entry_key" ON "queue_entry" ("key")',
    """CREATE TABLE "run" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "start" TEXT NOT NULL,
        "provider" TEXT NOT NULL,
        "scope" TEXT NOT NULL,
        "started_at" TEXT NOT NULL,
        "finished_at" TEXT,
        "result" TEXT NOT NULL,
        "totals" TEXT NOT NULL
    )""",
    'CREATE UNIQUE INDEX "run_start" ON "run" ("start")',
    """CREATE TABLE "service_state" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "website" TEXT NOT NULL,
        "service" TEXT NOT NULL,
        "state" TEXT NOT NULL,
        "text" TEXT NOT NULL,
        "fingerprint" TEXT,
        "checked_at" TEXT NOT NULL,
        "attempts" INTEGER NOT NULL,
        "retry_at" TEXT
    )""",
    'CREATE UNIQUE INDEX "service_state_website_service" ON "service_state" ("website", "service")',
    """CREATE TABLE "setting" (
        "key" TEXT NOT NULL PRIMARY KEY,
        "value" TEXT NOT NULL
    )""",
    """CREATE TABLE "setup_file" (
        "path" TEXT NOT NULL PRIMARY KEY,
        "service" TEXT NOT NULL,
        "existed" INTEGER NOT NULL,
        "link" TEXT,
        "backup" TEXT,
        "mode" INTEGER NOT NULL,
        "uid" INTEGER NOT NULL,
        "gid" INTEGER NOT NULL,
        "written_sha256" TEXT NOT NULL,
        "changed_at" TEXT NOT NULL
    )""",
    """CREATE TABLE "user" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "name" TEXT NOT NULL,
        "password" TEXT,
        "role" TEXT NOT NULL,
        "account" TEXT,
        "session_key" TEXT NOT NULL
    )""",
    'CREATE UNIQUE INDEX "user_name" ON "user" ("name")',
    """CREATE TABLE "website" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "account_id" TEXT NOT NULL,
        "main" TEXT NOT NULL,
        "names" TEXT NOT NULL,
        "rejected" TEXT NOT NULL,
        "docroot" TEXT,
        "source" TEXT NOT NULL,
        "file" TEXT,
        "line" INTEGER,
        "found_at" TEXT NOT NULL,
        "gone_at" TEXT, FOREIGN KEY ("account_id") REFERENCES "account" ("name") ON DELETE CASCADE
    )""",
    'CREATE INDEX "website_account_id" ON "website" ("account_id")',
    'CREATE UNIQUE INDEX "website_main" ON "website" ("main")',
    'CREATE UNIQUE INDEX "queue_entry_active_key" ON "queue_entry" ("key") '
    "WHERE state IN ('queued', 'running', 'waiting')",
)


def up(migrator: Any, db: Any) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
