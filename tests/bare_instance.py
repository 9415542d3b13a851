"""A fresh installation without any web server: only its own folder says what exists."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import models
from jobs.wiring.instance import Instance, create, open_instance

NOWHERE = "/nowhere/at/all"
CONFIG = f"[accounts.apache]\nbinary = '{NOWHERE}'\n[accounts.nginx]\nbinary = '{NOWHERE}'\n"


@contextmanager
def bare_instance(directory: Path, more: str = "") -> Iterator[Instance]:
    """`more`: further lines of its config.toml."""
    create(directory)
    models.database.close()
    (directory / "config.toml").write_text(CONFIG + more, encoding="utf-8")
    opened = open_instance(directory)
    try:
        yield opened
    finally:
        opened.close()
