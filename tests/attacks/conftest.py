"""The attacks are made on an installation as an administrator has it: `line`, `app`, `browser` of tests/panel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from jobs.ports import Place
from tests.attacks.raw_requests import Target, listening
from tests.panel.conftest import app, browser, closed, fresh, line, other, place, quick_hashes

__all__ = ["app", "browser", "closed", "fresh", "line", "other", "place", "quick_hashes"]


@pytest.fixture
def panel(app: Flask, place: Place) -> Iterator[Target]:
    """The panel at its own sockets."""
    with listening(app, place) as target:
        yield target
