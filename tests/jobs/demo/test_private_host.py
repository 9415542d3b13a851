from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.demo.private_host import PrivateHost
from jobs.policy.failure import Failure

ROOT = Path(__file__).resolve().parents[3]
DEADLINE = 20.0


def bash(script: str, timeout: float = 20.0, **options: str) -> tuple[int, str]:
    ended = PrivateHost().run(["bash", "-c", script], timeout=timeout, **options)
    return ended.code, ended.stdout


def processes(mark: str) -> list[str]:
    """Processes of the whole machine whose command line holds `mark` as a word of its own."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().split(b"\0")
            if mark.encode() in words:
                found.append(b" ".join(words).decode())
    return found


def eventually(what: Callable[[], bool]) -> None:
    limit = time.monotonic() + DEADLINE
    while not what():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def mark() -> str:
    """A number of seconds that no other process of this machine sleeps for."""
    return f"{time.time_ns() % 10**9 + 10**6}"


@contextlib.contextmanager
def maker(script: str, **options: object) -> Iterator[subprocess.Popen[str]]:
    """A process of its own that keeps a private host, as `autossl demo` does. Below `nohup` it would inherit that a
    hangup is ignored."""
    code = (
        "import signal, sys; from jobs.demo.private_host import PrivateHost\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
        "sys.exit(PrivateHost().attach(['bash', '-c', sys.argv[1]]))"
    )
    with subprocess.Popen([sys.executable, "-c", code, script], cwd=ROOT, text=True, **options) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


def test_what_is_written_inside_is_never_seen_outside() -> None:
    places = ["/etc", "/home", "/root", "/tmp", "/var", "/var/lib"]
    name = f"autossl-private-{os.getpid()}"
    code, text = bash(" && ".join([*(f"echo x > {place}/{name}" for place in places), f"cat /etc/{name} /tmp/{name}"]))
    assert (code, text) == (0, "x\nx\n")
    assert [place for place in places if Path(place, name).exists()] == []


def test_files_of_the_machine_are_seen_inside_with_their_modes(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("outside")
    facts = [f"{Path(path).stat().st_mode & 0o7777:o} {Path(path).stat().st_uid}" for path in ("/tmp", "/root", "/var")]
    _, text = bash(f"stat -c '%a %u' /tmp /root /var; cat {mine}; echo inside > {mine}; cat {mine}")
    assert text.split() == [*" ".join(facts).split(), "outsideinside"]
    assert mine.read_text() == "outside"


def test_it_begins_in_the_directory_of_its_maker_and_not_below_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert bash("pwd; echo x > here")[1].strip() == str(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_its_network_is_its_own() -> None:
    code = (
        "import socket; s = socket.create_server(('127.0.0.1', 80)); socket.create_connection(('127.0.0.1', 80));"
        "print(socket.gethostname(), socket.gethostbyname('panel.bench.test'), socket.if_nameindex()[0][1])"
    )
    ended = PrivateHost().run([sys.executable, "-c", code], timeout=20)
    assert ended.stdout.split() == ["panel.bench.test", PUBLIC_ADDRESS, "lo"], ended.said()


def test_it_knows_neither_processes_nor_sockets_of_the_machine() -> None:
    assert bash("ls /run; cat /etc/resolv.conf")[1].split() == ["lock", "nameserver", "127.0.0.1"]
    assert bash(f"kill -0 {os.getpid() + 1000} 2>&1; ls -d /proc/[0-9]* | wc -l")[1].split()[-1] < "9"


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143)])
def test_the_exit_code_passes_through(script: str, code: int) -> None:
    assert bash(script)[0] == code


def test_stdin_stdout_and_stderr_pass_through() -> None:
    ended = PrivateHost(environment={"WORD": "set"}).run(
        ["bash", "-c", "cat; echo $WORD; echo err >&2"], timeout=20, stdin="in\n"
    )
    assert (ended.stdout, ended.stderr) == ("in\nset\n", "err\n")


def test_a_program_that_does_not_exist_is_told_as_a_shell_does() -> None:
    ended = PrivateHost().run(["/no/such/program"], timeout=20)
    assert (ended.code, ended.stderr) == (127, "/no/such/program: No such file or directory\n")


def test_a_socket_that_listens_outside_takes_connections_inside() -> None:
    import socket

    code = (
        "import socket, sys; s = socket.socket(fileno=int(sys.argv[1])); c, _ = s.accept();"
        "c.sendall(c.recv(9).upper()); c.close()"
    )
    with socket.create_server(("127.0.0.1", 0)) as outside, socket.create_connection(outside.getsockname()) as client:
        client.sendall(b"hello")
        fd = outside.fileno()
        ended = PrivateHost().run([sys.executable, "-c", code, str(fd)], timeout=20, pass_fds=[fd])
        assert ended.code == 0, ended.said()
        assert client.recv(9) == b"HELLO"


def test_several_run_side_by_side_without_seeing_each_other() -> None:
    answers: list[tuple[int, str]] = []
    script = "echo $0 > /var/who; sleep 0.3; cat /var/who"
    threads = [threading.Thread(target=lambda: answers.append(bash(script))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [(0, "bash\n")] * 3


def test_daemons_end_with_the_command(mark: str) -> None:
    assert bash(f"setsid sleep {mark} < /dev/null > /dev/null 2>&1 & sleep 0.1")[0] == 0
    assert processes(mark) == []


def test_a_command_that_does_not_end_is_ended_with_everything_it_started(mark: str) -> None:
    with pytest.raises(TimeoutError, match=r"no end after 1 s(?s:.)*begun"):
        bash(f"echo begun; setsid sleep {mark} & wait", timeout=1)
    assert processes(mark) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_it_does_not_outlive_its_maker(number: signal.Signals, mark: str) -> None:
    mounts = Path("/proc/self/mounts").read_text()
    with maker(f"trap '' TERM HUP; setsid sleep {mark} & sleep {mark}") as process:
        eventually(lambda: len(processes(mark)) == 2)
        process.send_signal(number)
        assert process.wait(DEADLINE) == -number
        eventually(lambda: processes(mark) == [])
    assert Path("/proc/self/mounts").read_text() == mounts


@pytest.mark.parametrize(("script", "code"), [
    ("trap 'echo bye; exit 3' INT; sleep {mark}", 3),
    ("sleep {mark}", 130),
])
def test_control_c_is_the_commands_to_answer(script: str, code: int, mark: str) -> None:
    ours, theirs = pty.openpty()
    words = {"stdin": theirs, "stdout": theirs, "stderr": theirs, "start_new_session": True}
    with maker(script.format(mark=mark), preexec_fn=lambda: _take_terminal(theirs), **words) as process:
        os.close(theirs)
        eventually(lambda: processes(mark) != [])
        eventually(lambda: Path(f"/proc/{process.pid}/wchan").read_text() == "do_wait")  # until then, it is still begun
        os.write(ours, b"\x03")
        assert process.wait(DEADLINE) == code
    assert processes(mark) == []
    os.close(ours)


def _take_terminal(descriptor: int) -> None:
    import fcntl
    import termios

    fcntl.ioctl(descriptor, termios.TIOCSCTTY, 0)


def test_what_is_mounted_below_is_seen_and_covered_too(tmp_path: Path) -> None:
    place = tmp_path / "a mounted place"
    place.mkdir()
    code = (
        "import sys; from jobs.demo.private_host import PrivateHost\n"
        "script = 'cd \"$0\" && cat mine && echo inside > mine && cat mine'\n"
        "print(PrivateHost().run(['bash', '-c', script, sys.argv[1]], timeout=20))"
    )
    script = 'mount -t tmpfs tmpfs "$2" && echo outside > "$2/mine" && "$0" -c "$1" "$2" && cat "$2/mine"'
    unshare = ["unshare", "--mount", "bash", "-c", script, sys.executable, code, str(place)]
    ended = subprocess.run(unshare, cwd=ROOT, capture_output=True, text=True)
    assert ended.stdout == "Ended(code=0, stdout='outside\\ninside\\n', stderr='')\noutside\n", ended.stderr


def test_a_home_that_is_a_link_is_covered_where_it_leads(tmp_path: Path) -> None:
    """A machine whose /home is a link to /srv/homes, made by a bind mount over the root in a mount namespace."""
    code = (
        "from jobs.demo.private_host import PrivateHost\n"
        "print(PrivateHost().run(['bash', '-c', 'cat /home/mine; echo inside > /home/mine'], timeout=20).stdout)"
    )
    inner = 'cd "$3" && "$0" -c "$1" && cat /srv/homes/mine'
    script = (
        'mount -t tmpfs tmpfs "$2" && cd "$2" && mkdir root u w && '
        "mount -t overlay -o lowerdir=/,upperdir=u,workdir=w overlay root && "
        "mkdir -p root/srv/homes && echo outside > root/srv/homes/mine && "
        "rm -rf root/home && ln -s srv/homes root/home && "
        "for d in proc dev sys; do mount --rbind /$d root/$d; done; "
        f"chroot root bash -c '{inner}' \"$0\" \"$1\" . \"$3\""
    )
    unshare = ["unshare", "--mount", "bash", "-c", script, sys.executable, code, str(tmp_path), str(ROOT)]
    ended = subprocess.run(unshare, capture_output=True, text=True)
    assert ended.stdout.split() == ["outside", "outside"], ended.stderr


def test_one_can_be_made_inside_another() -> None:
    code = (
        "import sys; from jobs.demo.private_host import PrivateHost\n"
        "ended = PrivateHost().run(['bash', '-c', 'echo x > /etc/inner; hostname'], timeout=20)\n"
        "print(ended.code, ended.stdout, __import__('os').path.exists('/etc/inner'))"
    )
    ended = PrivateHost(directory=ROOT).run([sys.executable, "-c", code], timeout=30)
    assert ended.stdout.split() == ["0", "panel.bench.test", "False"], ended.said()


def test_without_root_it_is_refused_in_one_sentence() -> None:
    code = (
        "import os, sys; from jobs.demo.private_host import PrivateHost; from jobs.policy.failure import Failure\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: PrivateHost().run(['true'], timeout=5)\n"
        "except Failure as failure: print(failure.code, failure.detail)"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.startswith("demo_impossible a private host can't be made here: only root may make one")


def test_where_namespaces_are_refused_the_systems_own_words_are_told() -> None:
    code = (
        "from jobs.demo.private_host import PrivateHost; from jobs.policy.failure import Failure\n"
        "try: PrivateHost().run(['true'], timeout=5)\n"
        "except Failure as failure: print(failure.code, failure.detail)"
    )
    without = ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin", sys.executable, "-c", code]
    ended = subprocess.run(without, cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.startswith("demo_impossible a private host can't be made here: unshare: ")
    assert "Operation not permitted" in ended.stdout


def test_daemons_of_the_bench_refuse_to_touch_the_machine_itself() -> None:
    from jobs.demo.daemons import apache, bind, dovecot, exim, pebble

    for begin in (apache.start_apache, dovecot.start_dovecot, pebble.start_pebble, lambda: bind.start_bind([]),
                  lambda: exim.start_exim([])):
        with pytest.raises(Failure, match="inside a private host only"):
            begin()
