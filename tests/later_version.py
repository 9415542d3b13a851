"""The program as a later version of it: with more migrations, and another version number.

    python -m tests.later_version --instance DIR check --all

AUTOSSL_TEST_MIGRATIONS is the directory with all of its migrations, AUTOSSL_TEST_VERSION its number.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import models
from jobs.demo.product import CODE
from jobs.wiring import schema
from panel.cli import main

MIGRATIONS, VERSION = "AUTOSSL_TEST_MIGRATIONS", "AUTOSSL_TEST_VERSION"
LATER = "9.9.1"

ADDS = """
def up(migrator, db):
    db.execute_sql('CREATE TABLE "later" ("id" INTEGER NOT NULL PRIMARY KEY, "text" TEXT NOT NULL)')
    db.execute_sql('ALTER TABLE "queue_entry" ADD COLUMN "later" TEXT NOT NULL DEFAULT "later"')
"""
"""What a usual migration does."""


def migrations(directory: Path, **more: str) -> Path:
    """A directory with the migrations of today, and these: name -> source."""
    shutil.copytree(models.MIGRATIONS, directory, ignore=shutil.ignore_patterns("__pycache__"))
    for name, source in more.items():
        (directory / f"{name.removeprefix('_')}.py").write_text(source, encoding="utf-8")
    return directory


def environment(directory: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(CODE), MIGRATIONS: str(directory), VERSION: LATER}


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "tests.later_version", *words]


if __name__ == "__main__":
    models.MIGRATIONS = Path(os.environ[MIGRATIONS])
    schema.program = lambda: os.environ[VERSION]
    main(prog_name="autossl")
