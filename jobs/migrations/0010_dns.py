"""Records that were put into zones, what the preflight saw of a failing name, and parts of websites over the cap."""

from __future__ import annotations

from typing import Any

STATEMENTS = (
    'ALTER TABLE "website" ADD COLUMN "part_of" TEXT',
    'CREATE INDEX "website_part_of" ON "website" ("part_of")',
    'ALTER TABLE "provider" ADD COLUMN "former_accounts" TEXT',
    'ALTER TABLE "provider" ADD COLUMN "persist" TEXT',
    'ALTER TABLE "problem" ADD COLUMN "report" TEXT',
    """CREATE TABLE "dns_record" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "backend" TEXT NOT NULL,
        "zone" TEXT NOT NULL,
        "name" TEXT NOT NULL,
        "kind" TEXT NOT NULL,
        "value" TEXT NOT NULL,
        "purpose" TEXT NOT NULL,
        "provider" TEXT,
        "put_at" TEXT NOT NULL
    )""",
    'CREATE UNIQUE INDEX "dns_record_name_kind_value" ON "dns_record" ("name", "kind", "value")',
    'CREATE INDEX "dns_record_purpose_put_at" ON "dns_record" ("purpose", "put_at")',
)


def up(migrator: Any, db: Any) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
