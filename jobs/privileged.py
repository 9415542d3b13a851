"""The verbs that need root: publish files, ask and reload a service, look at what it serves.

Today they run in this process; they are the seam at which a small root helper will take over. Each takes
plain validated values. Nothing else in the product starts a program, opens a file below /etc or sends a signal.
"""

from __future__ import annotations

import os
import socket
import ssl
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs.policy.failure import Failure
from jobs.ports import Endpoint, FileChange, Served

PROBE_TIMEOUT = 10.0
_FIRST_LINES = 12


@dataclass(frozen=True)
class Former:
    """What stood at a path before a change: enough to put it back exactly."""

    path: Path
    existed: bool
    content: bytes | None = None
    link: str | None = None
    mode: int = 0o644
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True)
class Output:
    """What a program said. `code` is its exit status."""

    code: int
    text: str


def publish(changes: Sequence[FileChange]) -> tuple[Former, ...]:
    """Make every file as told, or none: temp file, fsync, rename, fsync of the directory.

    Returns what stood there, for `restore`. Refuses paths that are not absolute, and directories that somebody
    other than root (or us) owns or may write to. Raises Failure("publish_failed"); then all is as it was.
    """
    done: list[Former] = []
    try:
        for change in changes:
            _refuse_unsafe(change.path)
            done.append(former(change.path))
            _put(change, done[-1])
    except (OSError, Failure) as error:
        restore(done)
        if isinstance(error, Failure):
            raise
        where = changes[len(done) - 1].path if done else changes[0].path
        raise Failure("publish_failed", f"{where}: writing: {error.strerror or error}") from error
    return tuple(done)


def restore(formers: Sequence[Former]) -> None:
    """Put back what `publish` found, last change first. Raises Failure("restore_failed") after trying all."""
    failed = []
    for was in reversed(formers):
        try:
            if not was.existed:
                was.path.unlink(missing_ok=True)
            elif was.link is not None:
                _symlink(was.path, was.link)
            elif was.content is not None:
                _replace(was.path, was.content, was.mode, was.uid, was.gid)
        except OSError as error:
            failed.append(f"{was.path}: {error.strerror}")
    if failed:
        raise Failure("restore_failed", "putting back the former files: " + "; ".join(failed), permanent=True)


def former(path: Path) -> Former:
    """What stands at `path` now."""
    try:
        facts = path.lstat()
    except FileNotFoundError:
        return Former(path, existed=False)
    if stat.S_ISLNK(facts.st_mode):
        return Former(path, existed=True, link=str(path.readlink()))
    if not stat.S_ISREG(facts.st_mode):
        raise Failure("publish_failed", f"{path}: expected a file, found something else", permanent=True)
    mode = stat.S_IMODE(facts.st_mode)
    return Former(path, True, path.read_bytes(), None, mode, facts.st_uid, facts.st_gid)


def read(path: Path, limit: int = 4 * 1024 * 1024) -> bytes | None:
    """The content of a configuration or certificate file, or None when it does not exist.

    Raises Failure("unreadable") when it can't be read, is no regular file or is larger than `limit` bytes.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Failure("unreadable", f"{path}: reading: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise Failure("unreadable", f"{path}: expected a regular file")
        content = file.read(limit + 1)
    if len(content) > limit:
        raise Failure("unreadable", f"{path}: larger than {limit} bytes")
    return content


def introspect(argv: Sequence[str], timeout: float = 60.0, env: dict[str, str] | None = None) -> Output:
    """Run a question (a config dump, a config test) without a shell; its answer is stdout and stderr together.

    Raises Failure("program_missing") or Failure("program_timeout").
    """
    _refuse_program(argv[0])
    with tempfile.TemporaryFile() as sink:  # a pipe would be kept open by a daemon that goes to the background
        try:
            code = subprocess.run(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                timeout=timeout,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", **(env or {})},
                check=False,
            ).returncode
        except FileNotFoundError as error:
            raise Failure("program_missing", f"{argv[0]}: not found", permanent=True) from error
        except subprocess.TimeoutExpired as error:
            raise Failure("program_timeout", f"{' '.join(argv)}: no end after {timeout:g} s") from error
        sink.seek(0)
        return Output(code, sink.read().decode("utf-8", "replace"))


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


def probe(endpoint: Endpoint, timeout: float = PROBE_TIMEOUT) -> Served:
    """Make one TLS handshake and take the leaf. Trust is not judged here: the caller compares the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        with socket.create_connection((endpoint.host, endpoint.port), timeout) as raw:
            if endpoint.starttls:
                _start_tls(raw, endpoint.starttls)
            with context.wrap_socket(raw, server_hostname=endpoint.sni) as tls:
                return Served(endpoint, tls.getpeercert(binary_form=True))
    except (OSError, ValueError) as error:
        return Served(endpoint, None, f"{endpoint}: {getattr(error, 'strerror', None) or error}")


_STARTTLS = {"smtp": (b"220", b"EHLO autossl.invalid\r\n", b"250 ", b"STARTTLS\r\n", b"220"),
             "imap": (b"* OK", b"", b"", b"a1 STARTTLS\r\n", b"a1 OK")}


def _start_tls(raw: socket.socket, protocol: str) -> None:
    """Say the words before TLS (RFC 3207 for SMTP, RFC 9051 section 6.2.1 for IMAP). Raises ValueError."""
    greeting, hello, answer, command, ready = _STARTTLS[protocol]
    _expect(raw, greeting)
    if hello:
        raw.sendall(hello)
        _expect(raw, answer)
    raw.sendall(command)
    _expect(raw, ready)


def _expect(raw: socket.socket, wanted: bytes) -> None:
    """Read lines, byte by byte (nothing of the handshake may be swallowed), until one begins with `wanted`."""
    line = b""
    for _ in range(16384):
        byte = raw.recv(1)
        if not byte:
            break
        line += byte
        if line.endswith(b"\n"):
            if line.startswith(wanted):
                return
            if line[:1] in b"45" and wanted[:1] == b"2":
                break
            line = b""
    raise ValueError(f"expected {wanted.decode()!r}, got {line[:80]!r}")


def _put(change: FileChange, was: Former) -> None:
    change.path.parent.mkdir(parents=True, exist_ok=True)
    if change.link is not None:
        _symlink(change.path, change.link)
    elif change.content is None:
        change.path.unlink(missing_ok=True)
    else:
        keep = was.existed and was.link is None
        mode = change.mode if change.mode is not None else (was.mode if keep else 0o644)
        uid, gid = (was.uid, was.gid) if keep else (os.geteuid(), os.getegid())
        _replace(change.path, change.content, mode, uid, gid)


def _replace(path: Path, content: bytes, mode: int, uid: int, gid: int) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".autossl", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchown(file.fileno(), uid, gid)
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def _symlink(path: Path, target: str) -> None:
    temporary = path.parent / f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.autossl"
    temporary.symlink_to(target)
    try:
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_unsafe(path: Path) -> None:
    """Root never writes into a tree that somebody else owns: a user could swap a directory for a symlink."""
    if not path.is_absolute() or ".." in path.parts:
        raise Failure("publish_failed", f"{path}: expected an absolute path without '..'", permanent=True)
    for directory in path.parents:
        try:
            facts = directory.stat()
        except FileNotFoundError:
            continue
        others = facts.st_mode & 0o022 and not facts.st_mode & stat.S_ISVTX
        if facts.st_uid not in (0, os.geteuid()) or others:
            raise Failure(
                "publish_failed",
                f"{path}: not written, because {directory} belongs to uid {facts.st_uid} or others may write to it",
                permanent=True,
            )


def _refuse_program(program: str) -> None:
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
