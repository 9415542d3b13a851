from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fault_proxy import FaultProxy, fault_proxy
from tests.jobs.acme.pebble import Pebble, start_pebble
from tests.quick_time import QuickTime, make_quick


@pytest.fixture(scope="module")
def pebble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    running = start_pebble(tmp_path_factory.mktemp("pebble"))
    yield running
    running.stop()


@pytest.fixture
def another_pebble(tmp_path: Path) -> Iterator[Callable[..., Pebble]]:
    started: list[Pebble] = []

    def start(**options: object) -> Pebble:
        place = tmp_path / f"pebble{len(started)}"
        place.mkdir()
        started.append(start_pebble(place, **options))  # type: ignore[arg-type]
        return started[-1]

    yield start
    for running in started:
        running.stop()


@pytest.fixture
def proxy(pebble: Pebble) -> Iterator[FaultProxy]:
    with fault_proxy(pebble) as running:
        yield running


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> QuickTime:
    return make_quick(monkeypatch)
