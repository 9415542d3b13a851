"""A value is gone when the backend that wrote it says so: another one, which never had it, is not believed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.policy.failure import Failure
from jobs.ports import Record
from jobs.zones import Serving, Zones, kept
from jobs.zones.sweep import sweep_challenges
from jobs.zones.writing import put, take
from tests.jobs.zones.zone_bench import installation, listed

CHILD, ABOVE = "shop.a.test", "a.test"
VALUE = Record(f"_acme-challenge.{CHILD}", "TXT", "v" * 43, 60)


class Memory:
    """Serves what is at or below `zone`, in memory; `silent`: it can't tell its zones now."""

    def __init__(self, name: str, zone: str) -> None:
        self.name, self.zone = name, zone
        self.values: set[str] = set()
        self.silent = False

    def active(self) -> bool:
        return True

    def zone_for(self, name: str) -> str | None:
        if self.silent:
            raise Failure("dns_backend_timeout", f"{self.name}: no answer within 10 s")
        return self.zone if f".{name}".endswith(f".{self.zone}") else None

    def add(self, record: Record) -> None:
        self.values.add(record.value)

    def remove(self, record: Record) -> None:
        self.values.discard(record.value)


@pytest.fixture(autouse=True)
def place(tmp_path: Path) -> Iterator[None]:
    with installation(tmp_path / "instance"):
        yield


@pytest.fixture
def wrote() -> Memory:
    """It has the value, which is on the list."""
    backend = Memory("wrote", CHILD)
    put(Serving(backend, CHILD), VALUE, kept.CHALLENGE, None)
    return backend


def left(zones: Zones) -> str:
    with pytest.raises(Failure) as caught:
        take(zones, VALUE)
    assert caught.value.code == "dns_record_left" and VALUE.value in caught.value.detail
    assert [one.value for one in listed()] == [VALUE.value]
    return caught.value.detail


def test_a_value_is_not_forgotten_while_the_backend_that_wrote_it_can_not_tell_its_zones(wrote: Memory) -> None:
    above = Memory("above", ABOVE)
    wrote.silent = True
    assert "wrote, which wrote it, can't tell its zones: wrote: no answer" in left(Zones([above, wrote]))
    assert sweep_challenges(Zones([above, wrote])).taken == () and wrote.values == {VALUE.value}
    wrote.silent = False
    assert len(sweep_challenges(Zones([above, wrote])).taken) == 1, "the next run has it"
    assert (wrote.values, listed()) == (set(), [])


def test_a_value_is_not_forgotten_when_the_backend_that_wrote_it_was_taken_out_of_use(wrote: Memory) -> None:
    above, same = Memory("above", ABOVE), Memory("same", CHILD)
    assert f"wrote, which wrote it, does not serve {CHILD} any more" in left(Zones([above, same]))
    assert wrote.values == {VALUE.value}


def test_a_value_is_not_forgotten_when_the_backend_that_wrote_it_got_other_zones(wrote: Memory) -> None:
    for zone in (ABOVE, f"_acme-challenge.{CHILD}", "b.test"):
        wrote.zone = zone
        assert f"does not serve {CHILD} any more" in left(Zones([wrote]))
    assert wrote.values == {VALUE.value}


def test_it_goes_although_another_backend_is_asked_first_for_the_same_zone(wrote: Memory) -> None:
    take(Zones([Memory("same", CHILD), wrote]), VALUE)
    assert (wrote.values, listed()) == (set(), [])


def test_a_value_that_is_written_anew_elsewhere_is_taken_from_there(wrote: Memory) -> None:
    second = Memory("second", CHILD)
    put(Serving(second, CHILD), VALUE, kept.CHALLENGE, None)
    assert len(listed()) == 1
    take(Zones([second]), VALUE)
    assert (second.values, listed()) == (set(), [])


def test_a_value_that_is_not_on_the_list_is_taken_by_who_serves_its_name() -> None:
    backend = Memory("any", ABOVE)
    backend.values = {VALUE.value}
    take(Zones([backend]), VALUE)
    assert backend.values == set()
