"""A log is read in pieces from any byte on or back, whole lines only, and told according to who reads it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from jobs.policy.failure import Failure
from jobs.runlog import JSON_LINES, TEXT, RunLog
from jobs.wiring import log_pages
from jobs.wiring.instance import Instance
from jobs.wiring.log_pages import BUDGET, Wanted, as_json_lines, as_text, from_byte, to_byte

NOW = datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC)
ALL = Wanted()
ALICE = Wanted(accounts=frozenset({"alice"}))


@pytest.fixture
def log(instance: Instance) -> RunLog:
    return RunLog(instance.place.logs, NOW, lambda: NOW, None)


def written(log: RunLog, count: int, length: int = 20) -> None:
    for number in range(count):
        account = ("alice", "bob")[number % 2]
        log.say(("info", "warn")[number % 2], f"{number} " + "x" * length, account=account, website=f"{account}.test",
                name=f"www{number}.{account}.test")


def numbers(piece: log_pages.Piece) -> list[int]:
    return [int(event.text.split()[0]) for event in piece.events]


def test_a_log_is_walked_to_its_end_and_back_without_a_gap_or_a_double(instance: Instance, log: RunLog) -> None:
    written(log, 1000, length=150)  # several blocks of the file
    forth, piece = [], from_byte(instance, log.start, 0, ALL, 70)
    assert piece.at_start and not piece.at_end
    forth += numbers(piece)
    while not piece.at_end:
        piece = from_byte(instance, log.start, piece.after, ALL, 70)
        assert not piece.at_start
        forth += numbers(piece)
    assert forth == list(range(1000))
    back, piece = [], to_byte(instance, log.start, None, ALL, 70)
    assert piece.at_end and numbers(piece) == list(range(930, 1000))
    back = numbers(piece)
    while not piece.at_start:
        piece = to_byte(instance, log.start, piece.first, ALL, 70)
        assert not piece.at_end
        back = numbers(piece) + back
    assert back == forth


def test_what_is_appended_is_found_from_where_the_last_piece_ended(instance: Instance, log: RunLog) -> None:
    written(log, 3)
    end = from_byte(instance, log.start, 0, ALL, 100).after
    same = from_byte(instance, log.start, end, ALL, 100)
    assert (same.events, same.after, same.at_end) == ((), end, True)
    log.say("error", "99 new")
    assert numbers(from_byte(instance, log.start, end, ALL, 100)) == [99]


def test_a_line_that_is_being_written_waits_until_it_is_whole(instance: Instance, log: RunLog) -> None:
    written(log, 2)
    path = instance.place.logs / log.start / JSON_LINES
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:30])
    piece = from_byte(instance, log.start, 0, ALL, 100)
    assert numbers(piece) == [0, 1] and (piece.after, piece.at_end) == (len(whole), True)
    piece = to_byte(instance, log.start, None, ALL, 100)
    assert numbers(piece) == [0, 1] and (piece.after, piece.at_end) == (len(whole), True)
    assert b"".join(as_json_lines(instance, log.start, None)) == whole


@pytest.mark.parametrize("offset", [1, 50, 10**14])
def test_an_offset_that_is_no_beginning_of_a_line_counts_as_the_next_one(
    instance: Instance, log: RunLog, offset: int
) -> None:
    written(log, 3)
    size = (instance.place.logs / log.start / JSON_LINES).stat().st_size
    piece = from_byte(instance, log.start, offset, ALL, 100)
    assert numbers(piece) == ([1, 2] if offset < size else [])
    assert numbers(to_byte(instance, log.start, offset, ALL, 100)) == ([0] if offset < size else [0, 1, 2])


def test_an_empty_log_is_a_piece_of_nothing(instance: Instance, log: RunLog) -> None:
    for piece in (from_byte(instance, log.start, 0, ALL, 9), to_byte(instance, log.start, None, ALL, 9)):
        assert (piece.events, piece.first, piece.after, piece.at_start, piece.at_end) == ((), 0, 0, True, True)


def test_only_what_is_wanted_is_given(instance: Instance, log: RunLog) -> None:
    written(log, 10)
    log.say("error", 'quoted: "level": "warn" and "account": "alice"', account="carol")
    assert numbers(from_byte(instance, log.start, 0, Wanted(frozenset({"warn"})), 100)) == [1, 3, 5, 7, 9]
    assert numbers(from_byte(instance, log.start, 0, Wanted(text="WWW4.alice"), 100)) == [4]
    assert numbers(from_byte(instance, log.start, 0, Wanted(text="bob"), 2)) == [1, 3]
    assert numbers(to_byte(instance, log.start, None, Wanted(text="bob"), 2)) == [7, 9]
    assert numbers(from_byte(instance, log.start, 0, ALICE, 100)) == [0, 2, 4, 6, 8]
    assert from_byte(instance, log.start, 0, Wanted(text="quoted"), 100).events == ()


def test_nobody_reads_events_of_the_host_or_of_others_with_his_own(instance: Instance, log: RunLog) -> None:
    log.say("info", "of the host")
    log.say("info", "of alice", account="alice")
    log.say("info", "of malice", account="malice", website="alice.test", name="alice")
    assert [event.text for event in from_byte(instance, log.start, 0, ALICE, 9).events] == ["of alice"]
    assert "".join(as_text(instance, log.start, ALICE.accounts)).count("\n") == 1
    assert [json.loads(line)["text"] for line in as_json_lines(instance, log.start, ALICE.accounts)] == ["of alice"]
    assert from_byte(instance, log.start, 0, Wanted(accounts=frozenset()), 9).events == ()


def test_an_owner_is_told_of_a_failure_without_the_insides_of_the_host(instance: Instance, log: RunLog) -> None:
    secret = "/etc/apache2/sites-enabled/bob.conf:3: Syntax error"
    log.say("error", secret, account="alice", code="config_broken_before")
    log.say("error", "www.alice.test: HTTP 404", account="alice", code="http_status")
    log.say("success", "apache: 2 handshakes", account="alice")
    told = [event.text for event in from_byte(instance, log.start, 0, ALICE, 9).events]
    assert told[1:] == ["www.alice.test: HTTP 404", "apache: 2 handshakes"] and "bob" not in told[0] and told[0]
    for whole in ("".join(as_text(instance, log.start, ALICE.accounts)),
                  b"".join(as_json_lines(instance, log.start, ALICE.accounts)).decode()):
        assert "bob" not in whole and "HTTP 404" in whole
    assert from_byte(instance, log.start, 0, ALL, 1).events[0].text == secret


def test_a_search_gives_up_after_so_many_bytes_and_can_be_gone_on_with(instance: Instance, log: RunLog) -> None:
    written(log, 12, length=BUDGET // 8)
    log.say("error", "99 found", name="needle.test")
    piece = from_byte(instance, log.start, 0, Wanted(text="needle"), 5)
    assert piece.events == () and not piece.at_end
    while not piece.at_end:
        piece = from_byte(instance, log.start, piece.after, Wanted(text="needle"), 5)
    assert numbers(piece) == [99]
    piece = to_byte(instance, log.start, None, Wanted(text="www0."), 5)
    assert piece.events == () and not piece.at_start
    while not piece.at_start:
        piece = to_byte(instance, log.start, piece.first, Wanted(text="www0."), 5)
    assert numbers(piece) == [0]


@pytest.mark.parametrize("line", [b"nonsense", b"[]", b"{}", b'{"time": "x"}', b"\xff\xfe", b'{"time": 3}', b""])
def test_a_line_that_is_no_event_is_shown_and_ends_nothing(instance: Instance, log: RunLog, line: bytes) -> None:
    written(log, 1)
    path = instance.place.logs / log.start / JSON_LINES
    path.write_bytes(path.read_bytes() + line + b"\n")
    log.say("info", "2 after")
    events = from_byte(instance, log.start, 0, ALL, 9).events
    assert [event.level for event in events] == ["info", "error", "info"]
    assert "this line of the log can't be read" in events[1].text
    assert [event.text.split()[0] for event in to_byte(instance, log.start, None, ALL, 9).events] == ["0", "this", "2"]


def test_the_whole_text_is_what_was_written(instance: Instance, log: RunLog) -> None:
    written(log, 5)
    log.say("error", "two\nlines\x1b[31m")
    assert "".join(as_text(instance, log.start, None)) == (instance.place.logs / log.start / TEXT).read_text("utf-8")


def test_a_log_that_is_gone_is_a_failure_at_once(instance: Instance) -> None:
    start = "2020-01-01T00:00:00.000Z"
    for read in (lambda: from_byte(instance, start, 0, ALL, 9), lambda: to_byte(instance, start, None, ALL, 9),
                 lambda: as_text(instance, start, None), lambda: as_json_lines(instance, start, ALICE.accounts)):
        with pytest.raises(Failure) as caught:
            read()
        assert caught.value.code == "run_unknown"


@pytest.mark.parametrize("start", ["..", "../", ".", "", "x/../.."])
def test_no_name_of_a_run_leads_out_of_the_logs(instance: Instance, log: RunLog, start: str) -> None:
    (instance.place.logs / JSON_LINES).write_text("{}\n")
    (instance.place.instance / JSON_LINES).write_text("{}\n")
    with pytest.raises(Failure, match="there is no log of that start"):
        from_byte(instance, start, 0, ALL, 9)


def test_a_large_log_is_not_read_whole(instance: Instance, log: RunLog) -> None:
    path, hole = instance.place.logs / log.start / JSON_LINES, 200 * 2**30
    written(log, 100)
    lines = path.read_bytes()
    with path.open("r+b") as file:  # of 200 GiB, nearly all of which is a hole
        file.truncate(hole)
        file.seek(hole)
        file.write(b"\n" + lines)
    assert numbers(to_byte(instance, log.start, None, ALL, 50)) == list(range(50, 100))
    piece = from_byte(instance, log.start, hole + 1, ALL, 50)
    assert numbers(piece) == list(range(50)) and not piece.at_start
    assert numbers(to_byte(instance, log.start, piece.after, ALL, 10)) == list(range(40, 50))
