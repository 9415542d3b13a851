from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.config import Config
from jobs.doctor import Host
from jobs.policy.doctor import Rhythm
from jobs.policy.site import Website
from jobs.ports import Place
from tests.fakes import NOW


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "instance")
    for folder in (made.keys, made.challenges, made.live, made.logs, made.backups):
        folder.mkdir(parents=True, mode=0o700)
    made.instance.chmod(0o711)
    return made


@pytest.fixture
def host(place: Place) -> Callable[..., Host]:
    """A host on which nothing is odd, but for what is given."""

    def make(**facts: Any) -> Host:
        usual: dict[str, Any] = {
            "place": place,
            "config": Config(),
            "now": NOW,
            "services": lambda: [],
            "addresses": ("127.0.0.1",),
            "websites": [Website("alice", ("alice.test", "www.alice.test"))],
            "secured": False,
            "provider": None,
            "rhythm": Rhythm(True, NOW - timedelta(days=9), NOW, NOW, None, False),
            "written": [],
            "watched": 0,
            "differing": [],
            "soundness": lambda: ("", True),
        }
        return Host(**{**usual, **facts})

    return make
