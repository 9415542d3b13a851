"""A stranger opens 1,000 connections and finishes nothing on them, again and again: the panel answers everybody else,
at his own address as well, and needs no more of the system for it than was measured out."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from panel.https.serving import MOST_CONNECTIONS, THREADS
from tests.attacks.half_open import ATTACKER, KINDS, NEIGHBOUR, Crowd, asked, served
from tests.panel.command_line import Line

SIZE = 1000
SOON = 5.0
"""Seconds for a whole page of a newcomer, on a machine that has to make the attack as well."""
BESIDES = 60
"""Descriptors that the server has for other things."""
MOST_MEMORY = 120
"""MiB on top."""


@pytest.fixture(autouse=True)
def many_descriptors() -> Iterator[None]:
    """Of this process, which has the other end of every connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * SIZE), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("kind", KINDS)
def test_1000_half_open_connections_keep_nobody_from_the_panel(line: Line, kind: str) -> None:
    with served(line.instance) as server:
        asked(server, NEIGHBOUR)
        memory, threads = server.memory(), server.threads()
        with Crowd(server, kind, SIZE) as crowd:
            assert crowd.full.wait(30)
            for source in (NEIGHBOUR, ATTACKER) * 3:
                assert asked(server, source) < SOON, source
                assert server.descriptors() <= MOST_CONNECTIONS + BESIDES
            assert server.descriptors() > MOST_CONNECTIONS / 2, "the attack is none"
            assert server.memory() - memory < MOST_MEMORY
            assert server.threads() <= threads
        assert asked(server, NEIGHBOUR) < SOON


def test_1000_from_as_many_addresses_keep_nobody_from_the_panel_either(line: Line) -> None:
    sources = tuple(f"127.0.{block}.{at}" for block in range(1, 5) for at in range(1, 251))
    with served(line.instance) as server, Crowd(server, "dripping head", SIZE, sources) as crowd:
        assert crowd.full.wait(30)
        for source in (NEIGHBOUR, sources[0]) * 3:
            assert asked(server, source) < SOON, source


def test_they_leave_descriptors_to_the_work_on_certificates(line: Line, capfd: pytest.CaptureFixture[str]) -> None:
    with served(line.instance, descriptors=128) as server, Crowd(server, "silent", SIZE) as crowd:
        assert crowd.full.wait(30)
        for _ in range(3):
            assert asked(server, NEIGHBOUR) < SOON
            assert server.descriptors() <= 100
    assert "Too many open files" not in capfd.readouterr().err


def test_threads_are_as_many_as_were_measured_out() -> None:
    assert THREADS * 2 < MOST_CONNECTIONS < 1024 // 2
