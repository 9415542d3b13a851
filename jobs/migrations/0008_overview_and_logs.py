"""What the overview counts and the list of logs looks up, by indexes; and the accounts of runs not over all."""

from __future__ import annotations

from typing import Any

STATEMENTS = (
    'CREATE INDEX "account_gone_at_wanted_covered_name" ON "account" ("gone_at", "wanted", "covered", "name")',
    'CREATE INDEX "website_gone_at_main" ON "website" ("gone_at", "main")',
    'DROP INDEX "certificate_retired_at"',
    'CREATE INDEX "certificate_retired_at_not_after_website" ON "certificate" ("retired_at", "not_after", "website")',
    'CREATE INDEX "service_state_state_service_website" ON "service_state" ("state", "service", "website")',
    'CREATE INDEX "problem_real" ON "problem" ("code", "since", "website") WHERE code <> \'guess_unused\'',
    """CREATE TABLE "run_account" (
        "account" TEXT NOT NULL,
        "run_id" INTEGER NOT NULL,
        PRIMARY KEY ("account", "run_id"),
        FOREIGN KEY ("run_id") REFERENCES "run" ("id") ON DELETE CASCADE
    )""",
    'CREATE INDEX "run_account_run_id" ON "run_account" ("run_id")',
)


def up(migrator: Any, db: Any) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
    runs = db.execute_sql("SELECT id, scope FROM run WHERE scope <> '*'").fetchall()
    for number, scope in runs:
        for account in set(scope.split(",")):
            db.execute_sql("INSERT INTO run_account (account, run_id) VALUES (?, ?)", (account, number))
