"""Process 1 of a private host: lays copies over the host's directories, runs one command, and dies with its maker.

Run by its path, isolated and without site-packages, so that it starts quickly and needs nothing but Python:
`python -I -S inside.py LIFELINE HOSTNAME COMMAND...`. LIFELINE is the descriptor of a socket whose other end the maker
holds. One line is sent on it: `ready`, or why the private host can't be made. When the maker's end closes, for
whatever reason, this process ends, and the kernel ends every other process of its pid namespace with it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import NoReturn

COVERED = ("/etc", "/home", "/root", "/tmp", "/var")  # what is written there is gone afterwards
PUBLIC_ADDRESS = "192.31.196.10"
"""The host's own address, public by its looks. It is one of a network that is a sink for useless questions
(RFC 7535), so that nobody's server is meant even if it leaked; and only this private host's loopback has it."""

_SIOCSIFFLAGS, _SIOCSIFADDR, _SIOCSIFNETMASK, _IFF_UP = 0x8914, 0x8916, 0x891C, 0x1
_STAGE = Path("/run")
_SPECIAL = frozenset({"autofs", "binfmt_misc", "cgroup", "cgroup2", "devpts", "mqueue", "nsfs", "proc", "sysfs"})


def main(lifeline: socket.socket, hostname: str, command: list[str]) -> NoReturn:
    try:
        _cover()
        _network(hostname)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        lifeline.sendall(f"{' '.join(said.split())}\n".encode())
        sys.exit(1)
    with contextlib.suppress(OSError):
        os.chdir(Path.cwd())  # else the working directory is still the one below the copy
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the command decides what it means
    default = [signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ]
    try:
        child = os.posix_spawnp(command[0], command, dict(os.environ), setsigdef=default)
    except OSError as error:
        lifeline.sendall(b"ready\n")
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(127)
    lifeline.sendall(b"ready\n")
    threading.Thread(target=_die_with, args=(lifeline,), daemon=True).start()
    _leave(_reap_until(child))


def _cover() -> None:
    """Lay a throw-away copy over each of COVERED and over every file system mounted below one of them.

    Nothing of the host's is used for it: the layers lie on a tmpfs at /run, which is then covered by /run's own.
    """
    tops = _tops()
    covered = [*tops, *_mounted_below(tops)]
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(_STAGE))
    for number, path in enumerate(covered):
        for layer in ("lower", "upper", "work"):
            (_STAGE / f"{number}" / layer).mkdir(parents=True)
        _mount("--bind", path, f"{_STAGE}/{number}/lower")
    for number, path in enumerate(covered):
        facts = Path(path).stat()
        layers = _STAGE / f"{number}"
        os.chown(layers / "upper", facts.st_uid, facts.st_gid)
        (layers / "upper").chmod(facts.st_mode & 0o7777)
        options = f"lowerdir={layers}/lower,upperdir={layers}/upper,workdir={layers}/work"
        try:
            _mount("-t", "overlay", "-o", options, "overlay", path)
        except subprocess.CalledProcessError:
            if path in tops:
                raise
            _mount("--bind", f"{layers}/lower", path)  # a file system that can't be a layer: readable, and closed
            _mount("-o", "remount,bind,ro", path)
    if Path("/dev/shm").is_dir():
        _mount("-t", "tmpfs", "-o", "mode=1777,nosuid,nodev", "tmpfs", "/dev/shm")
    if Path("/dev/log").is_socket():
        _mount("--bind", "/dev/null", "/dev/log")  # the daemons' words are not for the host's own log
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    Path("/run/lock").mkdir()
    Path("/run/lock").chmod(0o1777)


def _tops() -> list[str]:
    """COVERED, where links lead to (/home is one on some machines), without what lies below another."""
    real = {os.path.realpath(path) for path in COVERED}
    outer = {path for path in real if not any(path.startswith(f"{other}/") for other in real)}
    return sorted(path for path in outer if Path(path).is_dir())


def _mounted_below(tops: list[str]) -> list[str]:
    """Directories where a file system is mounted below `tops` (proc(5): mountinfo has the place in its field 5, with
    octal escapes, and the type after ` - `). Outer ones come first."""
    found = set()
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        facts, _, source = line.partition(" - ")
        place = facts.split()[4].encode().decode("unicode_escape").encode("latin-1").decode("utf-8", "surrogateescape")
        if any(place.startswith(f"{top}/") for top in tops) and source.split()[0] not in _SPECIAL:
            found.add(place)
    return sorted(path for path in found if Path(path).is_dir())


def _network(hostname: str) -> None:
    """A name, the loopback interface with a second address, and a name server that is asked at 127.0.0.1."""
    socket.sethostname(hostname)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
        for request, value in ((_SIOCSIFADDR, PUBLIC_ADDRESS), (_SIOCSIFNETMASK, "255.255.255.255")):
            address = struct.pack("16sH2x4s8x", b"lo:1", socket.AF_INET, socket.inet_aton(value))
            fcntl.ioctl(any_socket, request, address)
    short = hostname.partition(".")[0]
    files = {
        "resolv.conf": "nameserver 127.0.0.1\n",
        "hosts": f"127.0.0.1 localhost\n{PUBLIC_ADDRESS} {hostname} {short}\n::1 localhost ip6-localhost\n",
        "hostname": f"{hostname}\n",
        "mailname": f"{hostname}\n",
    }
    for name, text in files.items():
        path = Path("/etc") / name
        path.unlink(missing_ok=True)  # resolv.conf is often a link to elsewhere
        path.write_text(text, encoding="utf-8")


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True)


def _die_with(lifeline: socket.socket) -> None:
    with contextlib.suppress(OSError):
        lifeline.recv(1)
    os._exit(128 + signal.SIGKILL)


def _reap_until(child: int) -> int:
    """Reap whatever ends, as process 1 must, until the command ends; its wait status."""
    while True:
        pid, status = os.wait()
        if pid == child:
            return status


def _leave(status: int) -> NoReturn:
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    held = socket.socket(fileno=int(sys.argv[1]))
    held.set_inheritable(False)
    main(held, sys.argv[2], sys.argv[3:])
