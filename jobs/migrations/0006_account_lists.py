"""Accounts in every order that their list can be sorted by, each with the name as the tie-breaker."""

from __future__ import annotations

from typing import Any

STATEMENTS = (
    'DROP INDEX "account_problems"',
    'DROP INDEX "account_expires_at"',
    'DROP INDEX "account_package"',
    'CREATE INDEX "account_gone_at_name" ON "account" ("gone_at", "name")',
    'CREATE INDEX "account_gone_at_state_name" ON "account" ("gone_at", "state", "name")',
    'CREATE INDEX "account_gone_at_package_name" ON "account" ("gone_at", "package", "name")',
    'CREATE INDEX "account_gone_at_override_name" ON "account" ("gone_at", "override", "name")',
    'CREATE INDEX "account_gone_at_problems_name" ON "account" ("gone_at", "problems", "name")',
    'CREATE INDEX "account_gone_at_expires_at_name" ON "account" ("gone_at", "expires_at", "name")',
    'CREATE INDEX "account_gone_at_coverage_name" ON "account" '
    '("gone_at", CAST("covered" AS REAL) / "wanted", "name")',
)


def up(migrator: Any, db: Any) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
