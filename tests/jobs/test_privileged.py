"""The verbs that need root: files change whole or not at all, and never in somebody else's tree."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from jobs import privileged
from jobs.policy.failure import Failure
from jobs.policy.file_change import FileChange
from jobs.ports import Endpoint


def test_a_change_keeps_owner_and_mode_of_a_file_that_exists(tmp_path: Path) -> None:
    path = tmp_path / "a.conf"
    path.write_text("old")
    path.chmod(0o640)
    os.chown(path, 0, 33)
    privileged.publish([FileChange(path, b"new")])
    facts = path.stat()
    assert path.read_text() == "new"
    assert (stat.S_IMODE(facts.st_mode), facts.st_gid) == (0o640, 33)


def test_what_publish_returns_puts_back_exactly_what_stood_there(tmp_path: Path) -> None:
    file, link, new = tmp_path / "a", tmp_path / "l", tmp_path / "n" / "new"
    file.write_bytes(b"\x00\xffold")
    file.chmod(0o604)
    link.symlink_to("nowhere")
    formers = privileged.publish(
        [FileChange(file, b"1"), FileChange(file, b"2"), FileChange(link, link="elsewhere"), FileChange(new, b"x")]
    )
    assert (file.read_bytes(), str(link.readlink()), new.read_bytes()) == (b"2", "elsewhere", b"x")
    privileged.restore(formers)
    assert file.read_bytes() == b"\x00\xffold"
    assert stat.S_IMODE(file.stat().st_mode) == 0o604
    assert str(link.readlink()) == "nowhere"
    assert not new.exists()


def test_one_file_that_cannot_be_written_takes_the_others_back(tmp_path: Path) -> None:
    first = tmp_path / "first"
    first.write_text("old")
    (tmp_path / "taken").mkdir()
    with pytest.raises(Failure, match="expected a file"):
        privileged.publish([FileChange(first, b"new"), FileChange(tmp_path / "taken", b"x")])
    assert first.read_text() == "old"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["first", "taken"]


def test_a_directory_of_another_user_is_never_written_to(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 1001, 1001)
    with pytest.raises(Failure, match="belongs to uid 1001") as caught:
        privileged.publish([FileChange(home / ".htaccess", b"x")])
    assert caught.value.permanent
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("path", ["relative/file", "/etc/../etc/file"])
def test_a_path_that_is_not_plain_is_refused(path: str) -> None:
    with pytest.raises(Failure, match="absolute path"):
        privileged.publish([FileChange(Path(path), b"x")])


def test_a_program_that_others_may_change_is_not_run(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho ran\n")
    program.chmod(0o777)
    with pytest.raises(Failure, match="others may change it"):
        privileged.introspect([str(program)])


def test_a_program_that_never_ends_is_stopped() -> None:
    with pytest.raises(Failure, match="no end after"):
        privileged.introspect(["/bin/sleep", "60"], timeout=0.2)


def test_a_program_that_leaves_a_daemon_behind_does_not_block() -> None:
    answer = privileged.introspect(["/bin/sh", "-c", "sleep 20 & echo done"], timeout=5)
    assert answer.text == "done\n"


def test_a_reload_that_fails_tells_what_the_program_said() -> None:
    with pytest.raises(Failure, match="exit 3, it said: no way"):
        privileged.reload(["/bin/sh", "-c", "echo no way; exit 3"])


def test_a_stale_pid_file_is_not_taken_for_a_running_daemon(tmp_path: Path) -> None:
    pid_file = tmp_path / "daemon.pid"
    pid_file.write_text(f"{os.getpid()}\n")
    assert privileged.running_pid(pid_file, "apache2") is None
    with pytest.raises(Failure, match="not running"):
        privileged.signal_process(pid_file, "apache2", 15)


def test_a_fifo_in_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Failure, match="regular file"):
        privileged.read(tmp_path / "pipe")


def test_a_port_where_nobody_listens_is_an_answer_and_not_an_error() -> None:
    served = privileged.probe(Endpoint("127.0.0.1", 1, "a.test"), timeout=1)
    assert served.leaf is None
    assert "a.test on 127.0.0.1 port 1" in served.detail


def test_putting_back_leaves_alone_what_was_never_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(path: Path, missing_ok: bool = False) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "unlink", read_only)
    privileged.restore([privileged.Former(tmp_path / "never-written", existed=False)])
