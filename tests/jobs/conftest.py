from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import models
from jobs.wiring.instance import Instance, create, open_instance


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    """A fresh installation without any web server: only its own folder says what exists."""
    directory = tmp_path / "instance"
    create(directory)
    models.database.close()
    nowhere = "/nowhere/at/all"
    (directory / "config.toml").write_text(
        f"[accounts.apache]\nbinary = '{nowhere}'\n[accounts.nginx]\nbinary = '{nowhere}'\n"
    )
    opened = open_instance(directory)
    yield opened
    opened.close()
