"""The verbs `run_script` and `run_apart`: what does not belong to a service, with its time and its output limited.

Either runs without a shell, in a session of its own, with an environment that holds nothing of this process. When its
time is over, everything in its process group is stopped.
"""

from __future__ import annotations

import os
import pwd
import selectors
import signal
import stat
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from jobs.policy.failure import Failure
from jobs.privileged.programs import Output

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_KEPT = 8192
"""Bytes of the output, the last ones."""

_CHUNK = 65536
_MOST_CHUNKS = 16
"""What is still read once the program has ended: more than a pipe holds by default."""

_GRACE = 2.0
"""Seconds between the request to stop and the end by force."""

_MOST_LINKS = 40


def run_script(argv: Sequence[str], seconds: float, user: str = "") -> Output:
    """Run an administrator's script, as `user` (empty: as we are), with stdin closed; the end of what it wrote.

    Raises Failure("dns_backend_script_unsafe") unless the script and every directory above it can be changed by root
    (or us) alone, Failure("program_missing") when it can't be started, Failure("program_timeout").
    """
    _refuse_unsafe(Path(argv[0]))
    account = _account(user)
    environment = {"HOME": account.pw_dir, "USER": account.pw_name, "LOGNAME": account.pw_name}
    with Path(os.devnull).open("rb") as nothing:
        return _run(argv, seconds, nothing.fileno(), environment, account if user else None)


def run_apart(argv: Sequence[str], seconds: float, stdin: bytes, env: Mapping[str, str]) -> Output:
    """Run a program of ours that reads `stdin`, which may hold secrets: no file and no command line ever does.

    Raises Failure("program_missing"), Failure("program_timeout").
    """
    descriptor = os.memfd_create("autossl-stdin", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "w+b") as file:
        file.write(stdin)
        file.seek(0)
        return _run(argv, seconds, descriptor, env, None)


def _run(
    argv: Sequence[str], seconds: float, stdin: int, env: Mapping[str, str], account: pwd.struct_passwd | None
) -> Output:
    try:
        process = subprocess.Popen(
            list(argv), stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", start_new_session=True,
            env={"PATH": _PATH, "LC_ALL": "C.UTF-8", **env}, umask=0o022,
            user=account.pw_uid if account else None, group=account.pw_gid if account else None,
            extra_groups=os.getgrouplist(account.pw_name, account.pw_gid) if account else None,
        )
    except OSError as error:
        raise Failure("program_missing", f"{argv[0]}: starting it: {error.strerror}", permanent=True) from error
    with process:  # closes the pipe and waits for the end in every outcome
        said, ended = bytearray(), False
        try:
            ended = _follow(process, seconds, said)
        finally:
            if not ended:
                _stop(process)
    text = said.decode("utf-8", "replace")
    if not ended:
        words = f"{argv[0]}: no end after {seconds:g} s; it was stopped, with all that it had started"
        last = text.strip().splitlines()[-1:]
        raise Failure("program_timeout", f"{words}; the last that it said: {last[0]}" if last else words)
    return Output(process.returncode, text)


def _follow(process: subprocess.Popen[bytes], seconds: float, said: bytearray) -> bool:
    """Read until the program ends, and no longer: what it left in the background may keep the pipe open. False when
    its time is over."""
    assert process.stdout is not None
    pipe, end = process.stdout.fileno(), time.monotonic() + seconds
    os.set_blocking(pipe, False)
    life = os.pidfd_open(process.pid)
    try:
        with selectors.DefaultSelector() as waiting:
            waiting.register(pipe, selectors.EVENT_READ)
            waiting.register(life, selectors.EVENT_READ)
            while (left := end - time.monotonic()) > 0:
                ready = {key.fd for key, _ in waiting.select(left)}
                if life in ready:
                    for _ in range(_MOST_CHUNKS):
                        if not _take(pipe, said):
                            break
                    process.wait()
                    return True
                if pipe in ready and not _take(pipe, said):
                    waiting.unregister(pipe)
            return False
    finally:
        os.close(life)


def _take(pipe: int, said: bytearray) -> bool:
    """Read a piece, and keep the end of all. False when there is no more, for now or for ever."""
    try:
        piece = os.read(pipe, _CHUNK)
    except BlockingIOError:
        return False
    said += piece
    del said[:-_KEPT]
    return bool(piece)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """The leader is not waited for before the last signal, so that its number is that of its group until then."""
    os.killpg(process.pid, signal.SIGTERM)
    life = os.pidfd_open(process.pid)
    try:
        with selectors.DefaultSelector() as waiting:
            waiting.register(life, selectors.EVENT_READ)
            waiting.select(_GRACE)
    finally:
        os.close(life)
        os.killpg(process.pid, signal.SIGKILL)


def _account(user: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(user) if user else pwd.getpwuid(os.geteuid())
    except KeyError as error:
        raise Failure("option_invalid", f"there is no account {user[:40]!r} on this host", permanent=True) from error


def _refuse_unsafe(path: Path) -> None:
    """Walk to the script as the kernel does, through every link, and look at each step."""
    if not path.is_absolute() or ".." in path.parts:
        raise _unsafe(path, "expected an absolute path without '..'")
    at, rest, links = Path("/"), list(path.parts[1:]), 0
    facts = _facts(path, at)
    while rest:
        part = rest.pop(0)
        if part == "..":
            at = at.parent
            continue
        facts = _facts(path, at / part)
        if not stat.S_ISLNK(facts.st_mode):
            at = at / part
            continue
        links += 1
        if links > _MOST_LINKS:
            raise _unsafe(path, "its links never end")
        target = (at / part).readlink()
        at = Path("/") if target.is_absolute() else at
        rest = [one for one in target.parts if one != "/"] + rest
    if not stat.S_ISREG(facts.st_mode):
        raise _unsafe(path, "expected a file")


def _facts(path: Path, step: Path) -> os.stat_result:
    """Of a directory, a link or a file on the way. In a directory with the sticky bit, others can't replace root's."""
    try:
        facts = step.lstat()
    except OSError as error:
        raise Failure("program_missing", f"{path}: {error.strerror}", permanent=True) from error
    sticky = stat.S_ISDIR(facts.st_mode) and facts.st_mode & stat.S_ISVTX
    others = facts.st_mode & 0o022 and not sticky and not stat.S_ISLNK(facts.st_mode)
    if facts.st_uid not in (0, os.geteuid()) or others:
        mode = stat.S_IMODE(facts.st_mode)
        words = f"others may change what would run: {step} belongs to uid {facts.st_uid} and has the mode {mode:o}"
        raise _unsafe(path, words)
    return facts


def _unsafe(path: Path, why: str) -> Failure:
    return Failure("dns_backend_script_unsafe", f"{str(path)[:200]}: not run: {why}", permanent=True)
