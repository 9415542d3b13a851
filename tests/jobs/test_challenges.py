"""The directory of challenge answers: whole answers, safe names, and nothing left behind by the dead."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.challenges import HttpSolver, sweep
from jobs.policy.failure import Failure

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def test_an_answer_is_readable_by_the_web_server_and_gone_after(tmp_path: Path) -> None:
    solver = HttpSolver(tmp_path)
    solver.present("a.test", "token-of-the-ca", "token-of-the-ca.thumb")
    solver.present("a.test", "token-of-the-ca", "token-of-the-ca.thumb")
    (path,) = tmp_path.iterdir()
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("token-of-the-ca.thumb", 0o644)
    solver.clean("a.test", "token-of-the-ca")
    solver.clean("a.test", "token-of-the-ca")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("token", ["../../etc/passwd", "short", "with space", "a" * 257, "dot.dot.dot", ""])
def test_a_token_that_is_no_token_never_becomes_a_path(tmp_path: Path, token: str) -> None:
    with pytest.raises(Failure) as caught:
        HttpSolver(tmp_path / "challenges").present("a.test", token, "x")
    assert caught.value.code == "ca_bad_token"
    assert list(tmp_path.rglob("*")) == []


def test_a_directory_that_can_not_be_written_is_told_with_the_name(tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        HttpSolver(tmp_path / "gone").present("a.test", "token-of-the-ca", "x")
    assert caught.value.code == "challenge_not_written"
    assert caught.value.detail.startswith("a.test: writing the challenge's answer")


def test_only_what_lies_there_for_long_is_swept(tmp_path: Path) -> None:
    for name, hours in (("old", 2), ("young", 0)):
        path = tmp_path / name
        path.write_text("x")
        moment = (NOW - timedelta(hours=hours)).timestamp()
        os.utime(path, (moment, moment))
    assert sweep(tmp_path, NOW - timedelta(hours=1)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["young"]


def test_an_answer_that_a_check_takes_away_meanwhile_is_no_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("x")

    def gone(path: Path) -> os.stat_result:
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "lstat", gone)
    assert sweep(tmp_path, NOW) == 0
