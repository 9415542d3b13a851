"""What is sent to PowerDNS to change one set: what was read, but for one value."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.dns_backends.system import powerdns_zone as shape
from jobs.dns_backends.system import rdata_of
from jobs.ports import Record

VALUE = rdata_of(Record("a.test", "TXT", "ab"))
SOA = {"content": "ns.a.test. admin.a.test. 7 3600 600 86400 60", "disabled": False}


def record(content: str, **more: Any) -> dict[str, Any]:
    return {"content": content, "disabled": False, **more}


def read(*records: dict[str, Any], kind: str = "TXT", ttl: int = 3600) -> shape.Zone:
    found = {"name": "A.test.", "type": kind, "ttl": ttl, "records": list(records), "comments": [{"content": "c"}]}
    return shape.zone({"id": "a.test.", "name": "a.test.", "kind": "Native", "serial": 7, "rrsets": [found]})


def test_what_a_later_version_keeps_of_a_record_is_handed_back() -> None:
    found = read(record('"x"', modified_at=5, disabled=True)).record_set("a.test", "TXT")
    sent = shape.with_value(found, "a.test", "TXT", '"ab"', 60)
    assert sent == {
        "name": "a.test.", "type": "TXT", "ttl": 3600, "changetype": "REPLACE",
        "records": [{"content": '"x"', "disabled": True, "modified_at": 5}, {"content": '"ab"', "disabled": False}],
    }


def test_a_set_without_records_has_no_ttl_of_its_own() -> None:
    found = read(ttl=0).record_set("a.test", "TXT")
    assert shape.with_value(found, "a.test", "TXT", '"ab"', 60)["ttl"] == 60


def test_every_cut_of_a_text_goes_and_a_disabled_one_stays() -> None:
    zone = read(record('"a" "b"'), record('"ab"'), record('"ab"', disabled=True), record('"other"'))
    standing = zone.standing("a.test", "TXT", VALUE)
    assert standing == ['"a" "b"', '"ab"']
    sent = shape.without(zone.record_set("a.test", "TXT"), "a.test", "TXT", standing)
    assert sent["records"] == [{"content": '"ab"', "disabled": True}, {"content": '"other"', "disabled": False}]


def test_with_the_last_value_the_set_goes() -> None:
    zone = read(record('"ab"'))
    sent = shape.without(zone.record_set("a.test", "TXT"), "a.test", "TXT", ['"ab"'])
    assert sent == {"name": "a.test.", "type": "TXT", "changetype": "DELETE"}


def test_a_foreign_value_that_can_not_be_read_is_another_one() -> None:
    assert read(record("no quotes \\"), record('"unfinished')).standing("a.test", "TXT", VALUE) == []


def test_only_the_serial_number_of_the_soa_record_is_changed() -> None:
    (sent,) = shape.with_serial(read(SOA, kind="SOA"), 8)["records"]
    assert sent == {"content": "ns.a.test. admin.a.test. 8 3600 600 86400 60", "disabled": False}


@pytest.mark.parametrize("records", [[], [SOA, SOA], [{**SOA, "disabled": True}], [record("ns. admin. 7")]])
def test_a_soa_record_that_is_none_is_not_changed(records: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match="expected one SOA record"):
        shape.with_serial(read(*records, kind="SOA"), 8)


def test_names_that_no_zone_of_ours_can_have_are_passed_over() -> None:
    names = ("A.test.", ".", "test.", "b.test\n.", "b.test..internal", "2.0.192.in-addr.arpa.", "ü.test.")
    found = shape.heads([{"id": "x", "name": name, "kind": "Native"} for name in names])
    assert sorted(found) == ["2.0.192.in-addr.arpa", "a.test"]


@pytest.mark.parametrize(("kind", "primary", "notifying"), [
    ("Native", True, False), ("Master", True, True), ("Primary", True, True), ("Slave", False, False),
    ("Secondary", False, False), ("Producer", False, False), ("Consumer", False, False),
])
def test_only_native_and_primary_zones_are_changed(kind: str, primary: bool, notifying: bool) -> None:
    head = shape.Head("a.test.", "a.test", kind)
    assert (head.primary, head.notifying) == (primary, notifying)
