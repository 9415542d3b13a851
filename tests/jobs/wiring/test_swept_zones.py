"""The clock has challenge values taken away that a dead process left in zones, now or as soon as that can be done."""

from __future__ import annotations

import logging

import pytest

from jobs import queue
from jobs.policy.failure import Failure
from jobs.ports import Record
from jobs.wiring import leftovers
from jobs.wiring.background import Background
from jobs.wiring.instance import Instance
from jobs.zones import Zones, kept

OURS = Record("_acme-challenge.a.test", "TXT", "ours")


class Frozen:
    """A backend whose zone can't be changed while it is frozen."""

    name = "frozen"
    frozen = True
    taken: tuple[Record, ...] = ()

    def active(self) -> bool:
        return True

    def zone_for(self, name: str) -> str | None:
        return "a.test"

    def add(self, record: Record) -> None:
        pytest.fail("nothing is put by a sweep")

    def remove(self, record: Record) -> None:
        if self.frozen:
            raise Failure("zone_update_refused", "a.test: it is frozen")
        self.taken += (record,)


@pytest.fixture
def backend(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> Frozen:
    made = Frozen()
    monkeypatch.setattr(leftovers, "zones", lambda _: Zones([made]))
    kept.note("frozen", "a.test", OURS, kept.CHALLENGE, None)
    return made


def test_what_can_not_be_taken_away_is_tried_at_every_tick_and_told_once(
    instance: Instance, backend: Frozen, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Background(instance)
    with caplog.at_level(logging.WARNING, "autossl.background"):
        for _ in range(3):
            clock._tick()
    assert caplog.text.count("a.test: it is frozen [zone_update_refused]") == 1
    backend.frozen = False
    clock._tick()
    assert (len(backend.taken), kept.left(kept.CHALLENGE)) == (1, [])


def test_a_check_under_way_is_not_disturbed(instance: Instance, backend: Frozen) -> None:
    """What stands there then may be a value that the CA is about to look at."""
    backend.frozen = False
    with queue.instance_lock(instance.place.instance / "run.lock", lambda: None, lambda: True) as ours:
        assert ours
        Background(instance)._tick()
    assert backend.taken == () and len(kept.left(kept.CHALLENGE)) == 1


def test_options_of_a_backend_that_can_not_be_read_are_told_and_the_tick_goes_on(
    instance: Instance, backend: Frozen, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: Instance) -> Zones:
        raise Failure("config_invalid", "dns_backends.frozen: expected text")

    monkeypatch.setattr(leftovers, "zones", broken)
    with caplog.at_level(logging.WARNING, "autossl.background"):
        Background(instance)._tick()
    assert "dns_backends.frozen: expected text" in caplog.text


def test_without_anything_left_no_backend_is_even_made(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "zones", lambda _: pytest.fail("nobody is to be asked"))
    Background(instance)._tick()
