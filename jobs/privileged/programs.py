"""The verbs `introspect` and `reload`: a service's own programs, run without a shell, and its signals."""

from __future__ import annotations

import os
import select
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs.policy.failure import Failure

_FIRST_LINES = 12


@dataclass(frozen=True)
class Output:
    """What a program said. `code` is its exit status."""

    code: int
    text: str


def introspect(argv: Sequence[str], timeout: float = 60.0, env: dict[str, str] | None = None) -> Output:
    """Run a question (a config dump, a config test) without a shell; its answer is stdout and stderr together.

    Raises Failure("program_missing") or Failure("program_timeout").
    """
    refuse_program(argv[0])
    with tempfile.TemporaryFile() as sink:  # a pipe would be kept open by a daemon that goes to the background
        try:
            process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", **(env or {})},
            )
        except FileNotFoundError as error:
            raise Failure("program_missing", f"{argv[0]}: not found", permanent=True) from error
        if not ended_within(process, timeout):
            raise Failure("program_timeout", f"{' '.join(argv)}: no end after {timeout:g} s")
        code = process.wait()
        sink.seek(0)
        return Output(code, sink.read().decode("utf-8", "replace"))


def ended_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait for its end; it is killed when its time is over, or when this is broken off. The kernel says when it has
    ended: subprocess itself would look again and again, with pauses of up to 50 ms."""
    ended, life = False, os.pidfd_open(process.pid)
    try:
        waiting = select.poll()
        waiting.register(life, select.POLLIN)
        ended = bool(waiting.poll(seconds * 1000))
        return ended
    finally:
        os.close(life)
        if not ended:
            process.kill()
        process.wait()


def reload(argv: Sequence[str], timeout: float = 60.0, env: dict[str, str] | None = None) -> None:
    """Run a service's graceful reload. Raises Failure("reload_failed") with the program's first lines."""
    answer = introspect(argv, timeout, env)
    if answer.code != 0:
        said = " / ".join(answer.text.strip().splitlines()[:_FIRST_LINES]) or "nothing"
        raise Failure("reload_failed", f"{' '.join(argv)}: exit {answer.code}, it said: {said}")


def signal_process(pid_file: Path, expected: str, number: int) -> None:
    """Send a signal to the daemon of `pid_file`, if that process runs the program `expected` (its base name).

    Raises Failure("service_not_running").
    """
    pid = running_pid(pid_file, expected)
    if pid is None:
        raise Failure("service_not_running", f"{expected}: not running ({pid_file})")
    os.kill(pid, number)


def running_pid(pid_file: Path, expected: str) -> int | None:
    """The process id in `pid_file` when it is alive and its program's base name is `expected`."""
    try:
        pid = int(pid_file.read_text(encoding="ascii").strip())
        program = Path(f"/proc/{pid}/exe").readlink().name
    except (OSError, ValueError):
        return None
    return pid if program.removesuffix(" (deleted)") == expected else None


def refuse_program(program: str) -> None:
    """Only programs that root (or we) own run on our behalf."""
    path = Path(program)
    if not path.is_absolute():
        raise Failure("program_missing", f"{program}: expected an absolute path", permanent=True)
    try:
        facts = path.stat()
    except OSError as error:
        raise Failure("program_missing", f"{program}: {error.strerror}", permanent=True) from error
    if facts.st_uid not in (0, os.geteuid()) or facts.st_mode & 0o022:
        raise Failure("program_missing", f"{program}: not run, because others may change it", permanent=True)
