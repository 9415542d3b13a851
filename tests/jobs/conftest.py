from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.wiring.instance import Instance
from tests.bare_instance import bare_instance


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    with bare_instance(tmp_path / "instance") as opened:
        yield opened
