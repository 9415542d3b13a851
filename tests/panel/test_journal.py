"""Where the process's own log goes, and that nothing in a record makes a second line or a field of its own."""

from __future__ import annotations

import logging
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from jobs.policy.journal import MESSAGE_IDS, Kind, about
from panel import journal
from panel.journal import LEGIBLE, JournalHandler, OneLine

FORGED = "no\n2026-11-25 00:00:00,000 ERROR autossl.auth: forged\r\x1b[2J\u2028MESSAGE=forged\nPRIORITY=0"

Entry = dict[str, list[str]]


class Journal:
    """What journald reads: datagrams of its native protocol."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(5)

    def entry(self) -> Entry:
        data, descriptors, _, _ = socket.recv_fds(self.socket, 1 << 20, 1)
        if descriptors:
            with open(descriptors[0], "rb") as file:
                file.seek(0)
                data = file.read()
        found: Entry = {}
        while data:
            line, _, data = data.partition(b"\n")
            key, plain, value = line.partition(b"=")
            if not plain:
                (size,) = struct.unpack_from("<Q", data)
                value, data = data[8 : 8 + size], data[8 + size + 1 :]
            found.setdefault(key.decode(), []).append(value.decode())
        return found


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "socket")
    yield made
    made.socket.close()


@pytest.fixture
def otherwise() -> logging.StreamHandler[StringIO]:
    handler = logging.StreamHandler(StringIO())
    handler.setFormatter(OneLine(LEGIBLE))
    return handler


@pytest.fixture
def log(there: Journal, otherwise: logging.StreamHandler[StringIO]) -> Iterator[logging.Logger]:
    handler = JournalHandler(there.path, otherwise)
    handler.setFormatter(OneLine("%(message)s"))
    logger = logging.Logger("autossl.test")
    logger.addHandler(handler)
    yield logger
    handler.close()


def test_a_record_is_an_entry_with_the_fields_of_what_it_is_about(there: Journal, log: logging.Logger) -> None:
    log.warning("%s: said no", "a.test", extra=about(Kind.RUN_EVENT, website="a.test", code="http_status", run="R"))
    entry = there.entry()
    assert entry.pop("CODE_FILE") == [__file__] and entry.pop("CODE_LINE") and entry.pop("SYSLOG_PID")
    assert entry == {
        "MESSAGE": ["a.test: said no"], "PRIORITY": ["4"], "SYSLOG_IDENTIFIER": ["autossl"],
        "AUTOSSL_LOGGER": ["autossl.test"], "MESSAGE_ID": [MESSAGE_IDS[Kind.RUN_EVENT]],
        "AUTOSSL_KIND": ["run_event"], "AUTOSSL_WEBSITE": ["a.test"], "AUTOSSL_CODE": ["http_status"],
        "AUTOSSL_RUN": ["R"],
        "CODE_FUNC": ["test_a_record_is_an_entry_with_the_fields_of_what_it_is_about"],
    }


@pytest.mark.parametrize(
    ("level", "priority"),
    [(logging.CRITICAL, "2"), (logging.ERROR, "3"), (35, "4"), (logging.INFO, "6"), (logging.DEBUG, "7"), (3, "7")],
)
def test_every_level_has_a_priority_of_syslog(
    there: Journal, log: logging.Logger, level: int, priority: str
) -> None:
    log.setLevel(1)
    log.log(level, "x")
    assert there.entry()["PRIORITY"] == [priority]


def test_log_injection_makes_no_second_line_and_no_field(there: Journal, log: logging.Logger) -> None:
    log.error("the CA said: %s", FORGED, extra=about(Kind.RUN_EVENT, website=FORGED, name=FORGED, account=FORGED))
    entry = there.entry()
    assert all(len(values) == 1 and len(values[0].splitlines()) == 1 for values in entry.values())
    assert entry["PRIORITY"] == ["3"] and entry["MESSAGE"][0].startswith("the CA said: no\\n2026")
    assert all(value.isprintable() for values in entry.values() for value in values)


def test_log_injection_by_an_exception_stays_below_its_line(there: Journal, log: logging.Logger) -> None:
    try:
        raise ValueError(FORGED)
    except ValueError:
        log.exception("something that nobody foresaw")
    entry = there.entry()
    first, *rest = entry["MESSAGE"][0].split("\n")
    assert first == "something that nobody foresaw" and "Traceback" in rest[0]
    assert all(line.startswith("    ") and line.isprintable() for line in rest)
    assert any("forged" in line for line in rest) and len(entry["PRIORITY"]) == 1


def test_log_injection_on_stderr_makes_no_second_line(otherwise: logging.StreamHandler[StringIO]) -> None:
    logger = logging.Logger("autossl.test")
    logger.addHandler(otherwise)
    logger.warning("refused %s", FORGED)
    try:
        raise ValueError(FORGED)
    except ValueError:
        logger.exception("%s", FORGED)
    lines = otherwise.stream.getvalue().splitlines()
    assert [line.startswith("20") for line in lines].count(True) == 2
    assert all(line.startswith(("20", "    ")) and line.isprintable() for line in lines)


def test_a_traceback_that_another_handler_has_formatted_before_is_indented_all_the_same(
    otherwise: logging.StreamHandler[StringIO]
) -> None:
    try:
        raise ValueError(FORGED)
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "x", 1, "x", (), sys.exc_info())
    logging.Formatter().format(record)
    otherwise.handle(record)
    assert all(line.startswith("    ") for line in otherwise.stream.getvalue().splitlines()[1:])


def test_a_record_that_is_larger_than_a_datagram_goes_through(there: Journal, log: logging.Logger) -> None:
    try:
        raise ValueError("\n".join(["x" * 3000] * 100))
    except ValueError:
        log.exception("large")
    assert len(there.entry()["MESSAGE"][0]) > 300_000


def test_without_a_journal_the_line_goes_to_stderr(
    there: Journal, log: logging.Logger, otherwise: logging.StreamHandler[StringIO]
) -> None:
    there.socket.close()
    log.warning("first")
    there.path.unlink()
    log.warning("second")
    lines = otherwise.stream.getvalue().splitlines()
    assert [line.partition("WARNING ")[2] for line in lines] == ["autossl.test: first", "autossl.test: second"]


def test_a_journal_that_begins_anew_is_found_again(there: Journal, log: logging.Logger, tmp_path: Path) -> None:
    log.warning("first")
    assert there.entry()["MESSAGE"] == ["first"]
    there.socket.close()
    there.path.unlink()
    after = Journal(there.path)
    log.warning("second")
    assert after.entry()["MESSAGE"] == ["second"]
    after.socket.close()


def test_a_journal_that_takes_nothing_holds_nobody_up_and_what_is_lost_is_told(
    there: Journal, log: logging.Logger, monkeypatch: pytest.MonkeyPatch, otherwise: logging.StreamHandler[StringIO]
) -> None:
    (handler,) = log.handlers
    assert isinstance(handler, JournalHandler)
    handler._transport.socket.settimeout(0.01)
    sent = 0
    while not handler._lost:
        log.warning("line %d", sent)
        sent += 1
        assert sent < 10_000
    began = time.monotonic()
    log.warning("lost as well")
    assert time.monotonic() - began < 1
    for number in range(sent - 1):
        assert there.entry()["MESSAGE"] == [f"line {number}"]
    log.warning("after")
    assert there.entry()["MESSAGE"] == ["2 lines before this one are missing: the journal did not take them"]
    assert there.entry()["MESSAGE"] == ["after"]
    assert otherwise.stream.getvalue() == ""


@pytest.mark.parametrize("stream", ["", "1:2", "nonsense", "8:", "a:b"])
def test_stderr_that_is_not_the_journal_is_written_to_be_read(
    there: Journal, monkeypatch: pytest.MonkeyPatch, stream: str
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", stream)
    assert not journal.listening(there.path)


def test_stderr_that_systemd_connected_is_the_journal_if_that_is_there(there: Journal, tmp_path: Path) -> None:
    told = (
        "import os, sys; from pathlib import Path; from panel import journal; facts = os.fstat(2);"
        "os.environ['JOURNAL_STREAM'] = f'{facts.st_dev}:{facts.st_ino}'; print(journal.listening(Path(sys.argv[1])))"
    )
    for path, expected in ((there.path, "True"), (tmp_path / "none", "False")):
        words = [sys.executable, "-c", told, str(path)]
        root = Path(__file__).resolve().parents[2]
        answer = subprocess.run(words, capture_output=True, text=True, cwd=root, check=True)
        assert answer.stdout.strip() == expected
