"""What named-checkconf prints, read strictly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.policy.named_conf import Zone, parse, zones

TEXT = r"""
options {
	directory "/var/cache/bind";
	listen-on-v6  {
		"any";
	};
	allow-update {
		"none";
	};
};
key "autossl" {
	algorithm "hmac-sha256";
	secret "????????";
};
zone "Plain.Test." IN {
	type master;
	file "/var/lib/bind/plain.db";
};
zone "relative.test" {
	type primary;
	file "rel.db";
	ixfr-from-differences primary;
	check-integrity no;
};
zone "policy.test" {
	type primary;
	file "/x";
	update-policy {
		grant "autossl" zonesub "TXT" "CAA";
	};
};
zone "acl.test" {
	type primary;
	file "/x \"odd; name\"";
	allow-update {
		key "autossl";
	};
};
zone "raw.test" {
	type primary;
	masterfile-format raw;
	file "/x";
};
zone "copy.test" {
	type secondary;
	primaries {
		192.0.2.1;
	};
};
zone "chaos.test" CH {
	type primary;
	file "/x";
};
"""


def read(text: str) -> dict[str, Zone]:
    return {zone.name: zone for zone in zones(parse(text))}


def test_zones_are_found_with_what_holds_for_them() -> None:
    found = read(TEXT)
    assert list(found) == ["plain.test", "relative.test", "policy.test", "acl.test", "raw.test", "copy.test"]
    plain = found["plain.test"]
    file, directory = "/var/lib/bind/plain.db", "/var/cache/bind"
    assert plain == Zone("plain.test", None, "master", file, False, True, False, True, directory)
    assert plain.primary and not found["copy.test"].primary
    relative = found["relative.test"]
    assert (relative.file, relative.journal, relative.integrity) == ("/var/cache/bind/rel.db", True, False)
    assert found["policy.test"].dynamic and found["acl.test"].dynamic and not plain.dynamic
    assert found["acl.test"].file == '/x "odd; name"'
    assert not found["raw.test"].text and found["copy.test"].file == ""


def test_settings_come_down_from_options_and_views() -> None:
    views = (
        'options { allow-update { key "k"; }; };'
        'view "in" { allow-update { "none"; }; zone "a.test" { type primary; file "/a"; }; };'
        'view "out" { zone "a.test" { in-view "in"; }; zone "b.test" { type primary; file "b"; }; };'
    )
    first, second, third = zones(parse(views))
    assert (first.view, first.kind, first.dynamic) == ("in", "primary", False)
    assert (second.view, second.kind) == ("out", "in-view")
    assert third.dynamic and third.file == "", "relative to a directory that is not said"


@pytest.mark.parametrize("text", ["zone", "a { b; ", "a; }", '"open', "a { b }", "{" * 50 + "}" * 50 + ";"])
def test_what_is_not_made_of_statements_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)


def test_signs_in_strings_are_no_signs() -> None:
    (statement,) = parse(r'a "{" "}" ";" "\"" "" { b; };')
    assert statement.words == ("a", "{", "}", ";", '"', "") and statement.block[0].words == ("b",)


@given(st.text('ab"{};\\ \n', max_size=40))
def test_any_text_is_read_or_refused_in_order(text: str) -> None:
    try:
        zones(parse(text))
    except ValueError:
        pass
