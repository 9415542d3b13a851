"""The directory of challenge answers: whole answers, safe names, and nothing left behind by the dead."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jobs.challenges import HttpSolver, sweep
from jobs.policy.failure import Failure

ROOT = Path(__file__).resolve().parents[2]


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


def test_what_the_dead_have_left_is_swept_and_what_somebody_waits_for_is_not(tmp_path: Path) -> None:
    here, code = HttpSolver(tmp_path), "import sys; sys.path[0:0] = [{root!r}]\n{use}\nos._exit(9)"
    here.present("a.test", "token-that-is-alive", "x")
    use = (
        "import os; from pathlib import Path; from jobs.challenges import HttpSolver\n"
        f"HttpSolver(Path({str(tmp_path)!r})).present('b.test', 'token-of-the-dead', 'x')"
    )
    subprocess.run([sys.executable, "-c", code.format(root=str(ROOT), use=use)], check=False, timeout=30)
    (tmp_path / ".token-of-the-dead.0a1b").write_text("half")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".token-of-the-dead.0a1b", "token-of-the-dead", "token-that-is-alive"
    ]
    assert sweep(tmp_path) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["token-that-is-alive"]
    here.clean("a.test", "token-that-is-alive")
    assert list(tmp_path.iterdir()) == [] and sweep(tmp_path) == 0


def test_an_answer_that_is_presented_anew_is_alive_until_it_is_taken_away(tmp_path: Path) -> None:
    solver = HttpSolver(tmp_path)
    for text in ("one", "two"):
        solver.present("a.test", "token-of-the-ca", text)
    assert sweep(tmp_path) == 0 and (tmp_path / "token-of-the-ca").read_text() == "two"
    solver.clean("a.test", "token-of-the-ca")


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    solver = HttpSolver(tmp_path)
    for number in range(20):
        solver.present("a.test", f"token-number-{number}", "x")
        solver.present("a.test", f"token-number-{number}", "y")
        solver.clean("a.test", f"token-number-{number}")
    with pytest.raises(Failure):
        HttpSolver(tmp_path / "gone").present("a.test", "token-of-the-ca", "x")
    assert sweep(tmp_path) == 0 and sweep(tmp_path / "gone") == 0
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_what_is_no_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "elsewhere").symlink_to("/etc/hostname")
    assert sweep(tmp_path) == 0
    assert len(list(tmp_path.iterdir())) == 2
