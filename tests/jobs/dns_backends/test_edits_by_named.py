"""The editor's texts as BIND's own reader takes them: every odd zone file means the same afterwards, and ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings

from jobs import privileged
from jobs.policy import zone_file
from jobs.policy.failure import Failure
from jobs.policy.zone_listing import Listed, difference, listed, serial
from tests.policy.zone_texts import HEAD, ZONE, texts

LINE = f'new.example.test. 300 IN CAA 0 issue "ca.test" {zone_file.MARK}'
ADDED = Listed("new.example.test", 300, "CAA", '0 issue "ca.test"')


def by_named(text: str) -> tuple[Listed, ...]:
    return listed(privileged.zone_listing(ZONE, Path("/zones/example.db"), text.encode("iso-8859-1"), "/", True))


@given(texts)
@settings(max_examples=40, deadline=None)
def test_named_reads_the_same_records_and_ours(text: str) -> None:
    before = by_named(text)
    assert difference(before, by_named(zone_file.with_line(text, LINE)), ZONE) == ([], [ADDED])
    soa = zone_file.soa(zone_file.entries(text, ZONE), ZONE)
    assert serial(by_named(zone_file.with_serial(text, soa, 77)), ZONE) == 77


@pytest.mark.parametrize("text", [
    HEAD + "$GENERATE 1-3 host$ A 192.0.2.$\n TXT \"whose?\"\n",
    HEAD.replace("$TTL 300 ; what is said of all\n", "").replace("@ IN SOA", "@ 300 IN SOA") + "a 60 TXT b\nc TXT d\n",
    (HEAD + "a TXT b\n").replace("\n", "\r\n"),
])
def test_a_line_at_the_end_changes_no_other(text: str) -> None:
    before = by_named(text)
    more = zone_file.with_line(text, LINE)
    assert difference(before, by_named(more), ZONE) == ([], [ADDED])


def test_what_named_says_names_the_file_that_was_meant() -> None:
    with pytest.raises(Failure, match=r"/zones/example\.db:6") as caught:
        by_named(HEAD + "a A 300.1.1.1\n")
    assert caught.value.code == "zone_check_failed" and "/tmp/" not in caught.value.detail
