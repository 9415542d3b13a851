"""Feature lists, packages that name one, and websites that an administrator gave to an account."""

from __future__ import annotations

from typing import Any

STATEMENTS = (
    """CREATE TABLE "feature_list" (
        "name" TEXT NOT NULL PRIMARY KEY,
        "autossl" INTEGER NOT NULL,
        "service_names" TEXT,
        "wildcard" INTEGER NOT NULL,
        "key_type" TEXT
    )""",
    """CREATE TABLE "package" (
        "name" TEXT NOT NULL PRIMARY KEY,
        "feature_list_id" TEXT NOT NULL,
        FOREIGN KEY ("feature_list_id") REFERENCES "feature_list" ("name") ON DELETE RESTRICT
    )""",
    'CREATE INDEX "package_feature_list_id" ON "package" ("feature_list_id")',
    """CREATE TABLE "assignment" (
        "main" TEXT NOT NULL PRIMARY KEY,
        "account" TEXT NOT NULL,
        "assigned_at" TEXT NOT NULL
    )""",
    'ALTER TABLE "account" ADD COLUMN "wanted" INTEGER',
    'ALTER TABLE "account" ADD COLUMN "covered" INTEGER',
    'ALTER TABLE "account" ADD COLUMN "problems" INTEGER',
    'ALTER TABLE "account" ADD COLUMN "expires_at" TEXT',
    'ALTER TABLE "account" ADD COLUMN "notify" TEXT',
    'CREATE INDEX "account_problems" ON "account" ("problems")',
    'CREATE INDEX "account_expires_at" ON "account" ("expires_at")',
    'CREATE INDEX "account_package" ON "account" ("package")',
    "INSERT INTO feature_list (name, autossl, wildcard) VALUES ('default', 1, 0)",
    "INSERT INTO package (name, feature_list_id) VALUES ('default', 'default')",
)


def up(migrator: Any, db: Any) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
