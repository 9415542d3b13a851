"""A line of the process's own log is one line, and its fields are its own."""

from __future__ import annotations

import re

import pytest

from jobs.policy.journal import LONGEST, MESSAGE_IDS, Kind, Subject, about, fields, one_line


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("plain, with an ä", "plain, with an ä"),
        ("two\nlines\r\nand\x0bmore\x85\u2028", r"two\nlines\r\nand\x0bmore\x85\u2028"),
        ("\x1b[2J\x07\x00", r"\x1b[2J\x07\x00"),
        ("turned \u202etxet", r"turned \u202etxet"),
        ("half a letter \udcff", r"half a letter \udcff"),
    ],
)
def test_whatever_acts_on_a_terminal_or_a_reader_is_written_out(said: str, shown: str) -> None:
    assert one_line(said) == shown
    assert len(shown.encode().splitlines()) == 1


def test_an_endless_answer_is_cut_off() -> None:
    assert one_line("x" * LONGEST) == "x" * LONGEST
    assert len(one_line("x" * 1_000_000)) == LONGEST and one_line("x" * 1_000_000).endswith("x...")


def test_every_kind_has_an_id_of_its_own_as_journald_wants_it() -> None:
    assert set(MESSAGE_IDS) == set(Kind) and len(set(MESSAGE_IDS.values())) == len(Kind)
    assert all(re.fullmatch(r"[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}", one) for one in MESSAGE_IDS.values())


def test_only_what_a_line_is_about_has_a_field() -> None:
    subject = about(Kind.RUN_EVENT, website="a.test\nPRIORITY=0", code="http_status")["subject"]
    assert fields(subject) == [
        ("MESSAGE_ID", MESSAGE_IDS[Kind.RUN_EVENT]),
        ("AUTOSSL_KIND", "run_event"),
        ("AUTOSSL_CODE", "http_status"),
        ("AUTOSSL_WEBSITE", r"a.test\nPRIORITY=0"),
    ]
    assert fields(Subject(Kind.DUTY_WORKS)) == [
        ("MESSAGE_ID", MESSAGE_IDS[Kind.DUTY_WORKS]), ("AUTOSSL_KIND", "duty_works")
    ]
