"""A run's log: text and JSON lines stay in step, whatever is written."""

from __future__ import annotations

import json
import logging
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.policy.journal import Kind, Subject
from jobs.runlog import JSON_LINES, TEXT, RunLog, prune

NOW = datetime(2026, 11, 24, 1, 2, 3, 456000, tzinfo=UTC)


def opened(logs: Path) -> RunLog:
    return RunLog(logs, NOW, lambda: NOW, None)


def test_each_event_is_one_line_in_both_files(tmp_path: Path) -> None:
    log = opened(tmp_path)
    where = {"account": "alice", "website": "a.test", "name": "www.a.test"}
    log.say("warn", "said\nin two lines", code="http_status", indent=1, **where)
    log.say("info", "Grüße \udcff")
    text = (tmp_path / log.start / TEXT).read_text(encoding="utf-8").splitlines()
    lines = [json.loads(line) for line in (tmp_path / log.start / JSON_LINES).read_text(encoding="utf-8").splitlines()]
    assert len(text) == len(lines) == 2
    assert text[0] == "2026-11-24T01:02:03.456Z WARN      a.test www.a.test: said in two lines [http_status]"
    assert lines[0]["text"] == "said\nin two lines"
    assert lines[0]["time"] == "2026-11-24T01:02:03.456Z"


def test_two_runs_in_the_same_millisecond_get_two_logs(tmp_path: Path) -> None:
    assert opened(tmp_path).start != opened(tmp_path).start


def test_threads_do_not_tear_each_others_lines(tmp_path: Path) -> None:
    log = opened(tmp_path)

    def write(number: int) -> None:
        for step in range(50):
            log.say("info", f"{number} {step} " + "x" * 500)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    text = (tmp_path / log.start / TEXT).read_text().splitlines()
    lines = [json.loads(line) for line in (tmp_path / log.start / JSON_LINES).read_text().splitlines()]
    assert len(text) == 400
    assert all(line.endswith(entry["text"]) for line, entry in zip(text, lines, strict=True))


def test_old_logs_are_removed_and_young_ones_stay(tmp_path: Path) -> None:
    old = RunLog(tmp_path, NOW - timedelta(days=31), lambda: NOW, None)
    young = RunLog(tmp_path, NOW - timedelta(days=29), lambda: NOW, None)
    assert prune(tmp_path, NOW, 30) == 1
    assert not (tmp_path / old.start).exists()
    assert (tmp_path / young.start).exists()


def test_a_level_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="level: expected one of"):
        opened(tmp_path).say("fatal", "no")


def test_logs_that_somebody_else_removes_meanwhile_are_no_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    RunLog(tmp_path, NOW - timedelta(days=31), lambda: NOW, None)

    def gone(path: Path) -> None:
        raise FileNotFoundError(path)

    monkeypatch.setattr("shutil.rmtree", gone)
    prune(tmp_path, NOW, 30)


def test_a_disk_that_takes_no_more_lines_tears_none_and_the_log_says_later_how_many_it_lacks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []
    log = RunLog(tmp_path, NOW, lambda: NOW, lambda event: heard.append(event.text))
    directory = tmp_path / log.start
    log.say("info", "first")
    with largest_file((directory / TEXT).stat().st_size + 20):
        log.say("info", "second " + "x" * 100)
        log.say("info", "third " + "x" * 100)
    log.say("info", "fourth")
    text = (directory / TEXT).read_text().splitlines()
    events = [json.loads(line) for line in (directory / JSON_LINES).read_text().splitlines()]
    assert [event["text"] for event in events] == ["first", "2 events before this one could not be written here",
                                                   "fourth"]
    assert len(text) == 3 and all(line.startswith("2026-11-24T") for line in text)
    assert len(heard) == 4 and heard[1].startswith("second")
    assert caplog.text.count("the run goes on") == 1


def test_where_nobody_listens_the_lines_go_to_the_journal(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    logs = tmp_path / "logs"
    logs.write_text("no directory")
    log = opened(logs)
    log.say("error", "a.test: not secured", code="dns_nxdomain")
    log.keep("report.json", "{}")
    assert "the run goes on without it" in caplog.text and "a.test: not secured [dns_nxdomain]" in caplog.text
    logs.unlink()
    logs.mkdir()
    log.say("info", "there is room again")
    log.keep("report.json", "{}")
    log.close()
    said = (logs / log.start / TEXT).read_text()
    assert "2 events before this one could not be written here" in said and "there is room again" in said
    assert (logs / log.start / "report.json").read_text() == "{}"


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process grows beyond that: what does not fit is really not written, and a part may be."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def noted(tmp_path: Path, caplog: pytest.LogCaptureFixture, is_noted: bool = True) -> list[logging.LogRecord]:
    """What the process's own log hears of a run."""
    log = RunLog(tmp_path, NOW, lambda: NOW, None, noted=is_noted)
    with caplog.at_level(logging.DEBUG, "autossl.run"):
        log.say("info", "checking")
        log.say("success", "installed", website="a.test", code="installed")
        log.say("warn", "said\nno", account="alice", website="a.test", name="www.a.test", code="http_status")
        log.say("error", "broke")
        log.sum_up(True, "finished: 3 kept")
        log.sum_up(False, "finished: 1 failed")
    return [record for record in caplog.records if record.name == "autossl.run"]


def test_the_journal_hears_of_warnings_errors_and_the_end_of_a_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    records = noted(tmp_path, caplog)
    assert [(record.levelname, record.getMessage()) for record in records] == [
        ("WARNING", "a.test www.a.test: said no [http_status]"), ("ERROR", "broke"), ("INFO", "finished: 3 kept"),
        ("WARNING", "finished: 1 failed"),
    ]
    first, end = records[0].subject, records[2].subject  # type: ignore[attr-defined]
    assert first == Subject(Kind.RUN_EVENT, "http_status", "alice", "a.test", "www.a.test", "2026-11-24T01:02:03.456Z")
    assert end == Subject(Kind.RUN_FINISHED, run="2026-11-24T01:02:03.456Z")
    text = next(tmp_path.iterdir()).joinpath(TEXT).read_text().splitlines()
    assert [line.split()[1] for line in text[-2:]] == ["SUCCESS", "WARN"]


def test_the_journal_hears_nothing_of_a_preview(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert noted(tmp_path, caplog, is_noted=False) == []


def test_a_command_without_a_log_of_its_own_says_nothing_twice(tmp_path: Path) -> None:
    told = (
        "from jobs.runlog import RunLog; from datetime import *; from pathlib import Path; import sys;"
        "now = datetime.now(UTC);"
        "RunLog(Path(sys.argv[1]), now, lambda: now, None, noted=True).say('error', 'broke')"
    )
    words = [sys.executable, "-c", told, str(tmp_path)]
    answer = subprocess.run(words, capture_output=True, text=True, check=True, cwd=Path(__file__).resolve().parents[2])
    assert answer.stdout == answer.stderr == ""
