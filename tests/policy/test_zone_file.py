"""One line more or less in a zone file, and every other byte as it was."""

from __future__ import annotations

import dns.name
import dns.rdata
import dns.zone
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jobs.policy import zone_file
from jobs.policy.zone_file import Entry, entries
from jobs.policy.zone_text import absolute, lines
from tests.policy.zone_texts import HEAD, ZONE, texts

OWNER = "_acme-challenge.www.example.test"
LINE = f'{OWNER}. 300 IN TXT "our; value" {zone_file.MARK}'


def records(text: str) -> set[tuple[str, int, str]]:
    """What dnspython reads in a text."""
    zone = dns.zone.from_text(text, origin=ZONE, relativize=False)
    return {(str(name).lower(), ttl, value.to_text()) for name, ttl, value in zone.iterate_rdatas()}


def ours(text: str, value: str = '"our; value"') -> Entry:
    return next(entry for entry in entries(text, ZONE) if entry.owner == OWNER and entry.value == value)


def values(text: str) -> list[tuple[str, str, str]]:
    return [(entry.owner, entry.kind, entry.value) for entry in entries(text, ZONE)]


@given(texts)
@settings(max_examples=200, deadline=None)
def test_a_line_added_and_removed_leaves_the_text_as_it_was(text: str) -> None:
    more = zone_file.with_line(text, LINE)
    assert zone_file.without(more, ZONE, ours(more)) == text
    dos, dos_line = text.replace("\n", "\r\n"), zone_file.with_line(text.replace("\n", "\r\n"), LINE)
    assert dos_line.startswith(dos) and dos_line.replace("\r\n", "\n") == more
    assert zone_file.without(dos_line, ZONE, ours(dos_line)) == dos


@given(texts)
@settings(max_examples=200, deadline=None)
def test_dnspython_reads_the_same_records_and_ours(text: str) -> None:
    more = zone_file.with_line(text, LINE)
    assert records(more) == records(text) | {(f"{OWNER}.", 300, '"our; value"')}


@given(texts, st.data())
@settings(max_examples=200, deadline=None)
def test_any_entry_can_be_taken_out_without_another_one_changing(text: str, data: st.DataObject) -> None:
    found = entries(text, ZONE)
    victim = data.draw(st.sampled_from(found[2:] or found[1:]))
    left = zone_file.without(text, ZONE, victim)
    expected = values(text)
    expected.remove((victim.owner, victim.kind, victim.value))
    assert sorted(values(left)) == sorted(expected)
    if len(found) > 2:
        assert records(left) >= records(text) - {one for one in records(text) if same_value(one, victim)}
        assert records(left) <= records(text)


def same_value(one: tuple[str, int, str], victim: Entry) -> bool:
    value = dns.rdata.from_text("IN", victim.kind, victim.value, origin=dns.name.from_text(ZONE)).to_text()
    return one[2] == value or victim.kind in ("MX", "SRV")  # their relative names depend on $ORIGIN


@given(texts)
@settings(max_examples=200, deadline=None)
def test_every_record_that_dnspython_reads_is_among_the_entries(text: str) -> None:
    owners = {str(dns.name.from_text(entry.owner)).lower() for entry in entries(text, ZONE)}
    assert owners == {owner for owner, _, _ in records(text)}


@given(texts, st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_the_serial_number_is_the_only_thing_that_changes_with_it(text: str, number: int) -> None:
    soa = zone_file.soa(entries(text, ZONE), ZONE)
    assert zone_file.with_serial(text, soa, number) == text.replace("2026010100", str(number), 1)


@given(st.text("; ()\"\\\n\r\tab@.$019IN", max_size=60))
@example('"')
@example("(\\")
@example("a\\")
def test_no_text_is_too_odd_to_be_refused_in_order(text: str) -> None:
    try:
        found = entries(text, ZONE)
    except ValueError:
        return
    for entry in found:
        assert text[entry.start : entry.end].strip()
        assert all(text[token.start : token.end] == token.raw for token in entry.rdata)


# --- examples


def test_an_owner_is_inherited_and_given_in_writing_where_the_line_that_named_it_goes() -> None:
    text = HEAD + 'a TXT "1"\nb TXT "2" ; b\n\t300 IN TXT "3"\nc TXT "4"\n'
    victim = next(entry for entry in entries(text, ZONE) if entry.value == '"2"')
    assert zone_file.without(text, ZONE, victim) == (
        HEAD + 'a TXT "1"\nb.example.test.\t300 IN TXT "3"\nc TXT "4"\n'
    )


def test_an_owner_that_stays_the_same_is_not_written() -> None:
    text = HEAD + 'a TXT "1"\na TXT "2"\n  TXT "3"\n'
    victim = next(entry for entry in entries(text, ZONE) if entry.value == '"2"')
    assert zone_file.without(text, ZONE, victim) == HEAD + 'a TXT "1"\n  TXT "3"\n'


def test_included_and_generated_records_are_no_entries() -> None:
    text = HEAD + "$INCLUDE other.db sub.example.test.\n$GENERATE 1-3 host$ A 192.0.2.$\n A 192.0.2.9\n"
    assert [entry.owner for entry in entries(text, ZONE)] == [ZONE, ZONE, ZONE]


def test_the_generic_types_are_known_by_their_names() -> None:
    text = "$ORIGIN example.test.\na TYPE257 \\# 0\na type16 \\# 0\na TYPE6 \\# 0\na TYPE1 \\# 0\n"
    assert [entry.kind for entry in entries(text, ZONE)] == ["CAA", "TXT", "SOA", "TYPE1"]


@pytest.mark.parametrize("text", [
    "", "a TXT b\n", HEAD + HEAD, HEAD.replace("2026010100", "1d"), HEAD.replace("2026010100", '"9"'),
    HEAD[: HEAD.index("\t2026")] + ")\n",
])
def test_a_zone_without_one_plain_serial_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        zone_file.with_serial(text, zone_file.soa(entries(text, ZONE), ZONE), 1)


@pytest.mark.parametrize(("text", "line"), [
    ('a TXT "open\n', 1), ("a TXT a\n\nb TXT ( a\nc\n", 3), ("a TXT )\n", 1), ("a\nb\\", 2),
])
def test_what_is_open_at_its_end_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(ValueError, match=f"line {line}:"):
        list(lines(text))


@pytest.mark.parametrize(("raw", "name"), [
    ("@", "example.test"), ("www", "www.example.test"), ("WWW.Other.", "www.other"), (".", ""), ("*", "*.example.test"),
    (r"a\.", r"a\046.example.test"), (r"a\\.", r"a\092"), (r"\097\066", "ab.example.test"),
    (r"\*", "*.example.test"), ("é", r"\233.example.test"),
])
def test_names_are_taken_as_the_file_means_them(raw: str, name: str) -> None:
    assert absolute(raw, ZONE) == name


def test_every_byte_comes_back() -> None:
    text = (HEAD.encode() + bytes(range(128, 256)) + b" TXT \"" + bytes(range(161, 256)) + b"\"\n").decode("iso-8859-1")
    more = zone_file.with_line(text, LINE)
    assert zone_file.without(more, ZONE, ours(more)).encode("iso-8859-1") == text.encode("iso-8859-1")
