from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask

import models
from jobs.ports import Place
from jobs.wiring import people
from panel import create_app
from panel.server import Panel
from tests.panel.browser import Browser
from tests.panel.command_line import Line
from tests.panel.https_client import Answers


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Every test leaves the database closed, as a command that ends its process does."""
    yield
    if models.database.obj is not None and not models.database.is_closed():
        models.database.close()


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords of tests are hashed with less work; test_people.py looks at the real cost."""
    monkeypatch.setattr(people, "METHOD", "scrypt:1024:8:1")


@pytest.fixture
def fresh(tmp_path: Path) -> Line:
    """No instance yet."""
    return Line(tmp_path / "instance")


@pytest.fixture
def line(fresh: Line) -> Line:
    """An instance with an administrator."""
    answer = fresh.run("init", "--admin", "root", "--password-file", "-", stdin="correct horse\n")
    assert answer.code == 0, answer.err
    return fresh


@pytest.fixture
def app(line: Line) -> Flask:
    """The panel of an instance whose administrator is `root`."""
    return create_app(line.instance)


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app)


@pytest.fixture
def other(app: Flask) -> Browser:
    """Another browser, elsewhere."""
    return Browser(app, "Another", "198.51.100.7")


@pytest.fixture
def place(line: Line) -> Place:
    return Place(line.instance)


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def start(place: Place, answers: Answers) -> Iterator[Callable[..., int]]:
    """Starts a server; returns its port."""
    with ExitStack() as running:

        def begin(*binds: str, hostname: str = "") -> int:
            panel = Panel(answers, binds or ("127.0.0.1:0",), place, hostname)
            running.callback(panel.stop)
            panel.start()
            return panel.listeners[0].address[1]

        yield begin
        answers.go_on.set()
