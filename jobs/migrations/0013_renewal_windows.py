"""When CAs ask for renewals, which account ordered a certificate, and which ones were revoked."""

from __future__ import annotations

from typing import Any

STATEMENTS = (
    'ALTER TABLE "certificate" ADD COLUMN "account_url" TEXT',
    'ALTER TABLE "certificate" ADD COLUMN "ari_id" TEXT',
    'ALTER TABLE "certificate" ADD COLUMN "ari_start" TEXT',
    'ALTER TABLE "certificate" ADD COLUMN "ari_end" TEXT',
    'ALTER TABLE "certificate" ADD COLUMN "ari_point" TEXT',
    'ALTER TABLE "certificate" ADD COLUMN "ari_asked_at" TEXT',
    'ALTER TABLE "certificate" ADD COLUMN "ari_next" TEXT',
    'ALTER TABLE "certificate" ADD COLUMN "ari_failures" INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE "certificate" ADD COLUMN "ari_url" TEXT',
    'ALTER TABLE "certificate" ADD COLUMN "ari_early" INTEGER NOT NULL DEFAULT 0',
    'CREATE INDEX "certificate_retired_at_ari_next" ON "certificate" ("retired_at", "ari_next")',
    'CREATE INDEX "certificate_retired_at_ari_early_ari_url" ON "certificate" ("retired_at", "ari_early", "ari_url")',
    # what was stored before is asked for at the next tick, when its id is read from its file
    'UPDATE "certificate" SET "ari_next" = "stored_at" WHERE "retired_at" IS NULL',
    """CREATE TABLE "revocable" (
        "fingerprint" TEXT NOT NULL PRIMARY KEY,
        "serial" TEXT NOT NULL,
        "url" TEXT NOT NULL,
        "issuer" TEXT NOT NULL,
        "provider" TEXT,
        "not_after" TEXT NOT NULL,
        "next_at" TEXT NOT NULL,
        "failures" INTEGER NOT NULL,
        "revoked_at" TEXT
    )""",
    'CREATE INDEX "revocable_url" ON "revocable" ("url")',
    'CREATE INDEX "revocable_not_after" ON "revocable" ("not_after")',
    'CREATE INDEX "revocable_next_at" ON "revocable" ("next_at")',
    'CREATE INDEX "revocable_revoked_at" ON "revocable" ("revoked_at")',
)


def up(migrator: Any, db: Any) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
