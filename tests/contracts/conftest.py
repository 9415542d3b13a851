from __future__ import annotations

import socket
from pathlib import Path
from typing import NoReturn

import pytest

from jobs.ports import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An installation with its folders, and nothing in them."""
    made = Place(tmp_path / "instance")
    for directory in (made.live, made.challenges, made.keys, made.logs, made.conf, made.backups):
        directory.mkdir(parents=True)
    return made


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any attempt to reach another machine, or to look its name up, fails the test."""

    def refuse(*_: object, **__: object) -> NoReturn:
        pytest.fail("it went to the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
