"""From when the end of an account's soonest certificate is near: a matter of that one's lifetime."""

from __future__ import annotations

from typing import Any


def up(migrator: Any, db: Any) -> None:
    db.execute_sql('ALTER TABLE "account" ADD COLUMN "near_at" TEXT')
