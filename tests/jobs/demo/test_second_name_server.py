"""The bench's second name server: as stale as a test wants it."""

from __future__ import annotations

import pytest

from jobs.demo.daemons.bind import SECOND_ADDRESS, Zone, served, start_bind

pytestmark = pytest.mark.e2e(timeout=60)

RECORDS = [("@", "NS", "ns2.bench.test.")]


def test_a_zone_stays_stale_at_the_second_server_until_it_catches_up() -> None:
    bind = start_bind([Zone("two.test", RECORDS), Zone("dyn.test", RECORDS, dynamic=True)])
    second = bind.second_server(["two.test", "dyn.test"])
    number = served("two.test", SECOND_ADDRESS)
    assert number == served("two.test") and served("bench.test", SECOND_ADDRESS) is None
    bind.write(Zone("two.test", [*RECORDS, ("www", "A", "192.0.2.1")]))
    assert served("two.test") != number and served("two.test", SECOND_ADDRESS) == number
    second.catch_up("two.test")
    assert served("two.test", SECOND_ADDRESS) == served("two.test")
