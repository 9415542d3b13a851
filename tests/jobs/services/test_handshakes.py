"""Handshakes with those who don't answer, or speak slowly: they end in time, and one waits for all of a port."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from jobs import privileged
from jobs.ports import Endpoint, Served
from jobs.services.system import handshakes

LIMIT = 0.5


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def dripping() -> Iterator[int]:
    """A port that sends one byte every tenth of a second, and never a whole line."""
    over = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            while not over.wait(0.1):
                try:
                    connection.sendall(b"2")
                except OSError:
                    return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    over.set()
    thread.join(5)
    listening.close()


def endpoint(port: int, name: str = "a.test", starttls: str | None = None) -> Endpoint:
    return Endpoint("127.0.0.1", port, name, starttls)


def test_a_handshake_with_somebody_silent_ends_in_its_time(silent: int) -> None:
    began = time.monotonic()
    answer = privileged.probe(endpoint(silent), LIMIT)
    assert (answer.leaf, answer.late) == (None, True) and "timed out" in answer.detail
    assert time.monotonic() - began < LIMIT * 3


def test_one_who_speaks_slowly_has_no_more_time_than_one_who_is_silent(dripping: int) -> None:
    began = time.monotonic()
    answer = privileged.probe(endpoint(dripping, starttls="smtp"), LIMIT)
    assert answer.late and LIMIT * 0.8 < time.monotonic() - began < LIMIT * 3


def test_a_refused_connection_is_not_late() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        answer = privileged.probe(endpoint(free.getsockname()[1]), LIMIT)
    assert (answer.leaf, answer.late) == (None, False)


def test_a_port_at_which_one_name_timed_out_is_not_asked_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Endpoint] = []

    def probe(one: Endpoint) -> Served:
        asked.append(one)
        return Served(one, None, "timed out", late=True) if one.port == 443 else Served(one, b"leaf")

    monkeypatch.setattr(privileged, "probe", probe)
    endpoints = [endpoint(port, f"{name}.test") for name in "abc" for port in (443, 993)]
    answers = handshakes(endpoints, "other", None)
    assert [one.endpoint for one in answers] == endpoints
    assert [one.port for one in asked] == [443, 993, 993, 993]
    assert all(one.late for one in answers if one.endpoint.port == 443)
