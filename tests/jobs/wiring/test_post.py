"""The thread of a server that sends messages: at once after a check, at the next try's time, and never in the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import models
from jobs import outbox
from jobs.letter import Rendered
from jobs.notifiers.smtp import Security
from jobs.wiring import checks, plugin_options, post
from jobs.wiring.background import Background
from jobs.wiring.instance import Instance, now
from jobs.wiring.plugins import found
from tests.jobs.notifiers.mail_server import Server, dripping, running


def render(content: Any) -> Rendered:
    return Rendered("text", "<p>html</p>", "brief")


def until(told: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not told():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as made:
        yield made


def use_smtp(instance: Instance, port: int, timeout: int = 5) -> None:
    plugin = found("smtp")
    given = {"host": "localhost", "port": port, "security": Security.NONE, "timeout": timeout}
    plugin_options.save(instance, plugin, plugin.options(**given))


@pytest.fixture
def background(instance: Instance) -> Iterator[Background]:
    made = Background(instance, render)
    made.clock.start = made.clock.stop = lambda: None  # type: ignore[method-assign]
    yield made
    made.stop(10)
    models.database.connect(reuse_if_open=True)


def put(key: str) -> None:
    assert outbox.put(key, "mail", f"{key}@a.example", f"{key}@x", "Subject", {}, now())


def test_what_waits_at_the_start_and_what_comes_is_sent(
    instance: Instance, server: Server, background: Background
) -> None:
    use_smtp(instance, server.port)
    put("before")
    background.start()
    until(lambda: len(server.taken) == 1)
    put("later")
    background.wake()
    until(lambda: len(server.taken) == 2)


def test_the_next_try_comes_by_itself(
    instance: Instance, server: Server, background: Background, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post, "SHORTEST_REST", 0.05)
    use_smtp(instance, server.port)
    server.says["rcpt"] = ["451 later"]
    put("a")
    background.start()
    until(lambda: models.Message.get().attempts == 1 and models.Message.get().code)
    models.Message.update(run_after=now()).execute()
    background.wake()
    until(lambda: len(server.taken) == 1)


def test_no_check_waits_for_a_mail_server_that_never_answers(
    instance: Instance, background: Background, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []

    def run(*_: object) -> dict[str, Any]:
        done.append(1)
        return {"run": "x", "ok": True, "totals": {}}

    monkeypatch.setattr(checks, "_run", run)
    monkeypatch.setattr(checks, "_chosen", lambda instance: (None, None))
    with dripping() as port:
        use_smtp(instance, port, timeout=3)
        put("a")
        background.start()
        until(lambda: models.Message.get().attempts == 1)
        checks.request(instance, None, forced=False)
        background.wake()
        until(lambda: done)
        assert models.Message.get().code == "", "the mail server still keeps its thread busy"


def test_a_server_without_a_renderer_sends_nothing(instance: Instance, server: Server) -> None:
    use_smtp(instance, server.port)
    put("a")
    made = Background(instance)
    made._tick()
    made.wake()
    models.database.connect(reuse_if_open=True)
    assert server.taken == [] and models.Message.get().attempts == 0
