"""Finds the Debian packages that a private host needs and are missing, and installs them without starting anything.

This is the one thing of the demo that stays on the machine, so it is careful with it: nothing is removed or upgraded
for it, and what is new is neither started nor enabled at boot.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType

from jobs.policy.failure import Failure

FOR_DEMO = ("apache2", "bind9", "bind9-utils", "dovecot-imapd", "exim4-daemon-light", "pebble", "util-linux")
FOR_BUILD = ("dpkg", "lintian", "man-db", "systemd")
FOR_TESTS = (
    *FOR_DEMO, *FOR_BUILD, "caddy", "certbot", "chromium", "curl", "fonts-dejavu-core", "nginx-light",
    "pdns-backend-sqlite3", "pdns-server",
)
FOR_BENCH = (*FOR_DEMO, "caddy", "certbot", "dehydrated", "lego", "uacme")

_LOCK = Path("/run/lock/autossl-demo-packages")
_POLICY = Path("/usr/sbin/policy-rc.d")
_KEPT = Path("/usr/sbin/policy-rc.d.kept-by-autossl")
_MARK = "# Written by `autossl demo` for the moment of an installation."
_SCRIPT = """#!/bin/sh
{mark}
# While its process lives no service is started; afterwards this file decides nothing any more and may be removed.
started=$(sed 's/.*) //' /proc/{pid}/stat 2>/dev/null | cut -d ' ' -f 20)
if [ "$started" = {started} ]; then exit 101; fi
if [ -x {kept} ]; then exec {kept} "$@"; fi
exit 0
"""
_SHOWN = 6

Say = Callable[[str], None]


def missing(packages: Sequence[str]) -> list[str]:
    """Those that are not installed. Raises Failure("demo_impossible") where there is no dpkg."""
    if shutil.which("dpkg-query") is None or shutil.which("apt-get") is None:
        raise _impossible("it needs Debian or one of its kin (dpkg-query and apt-get are missing)")
    command = ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n", *packages]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    there = {line.split()[1] for line in answer.stdout.splitlines() if line.startswith("installed ")}
    return [package for package in packages if package not in there]


def provide(packages: Sequence[str], say: Say) -> list[str]:
    """Install what is missing of `packages`; returns what was installed for it. `say` hears what goes on.

    Raises Failure("demo_impossible") with apt's own words; nothing is installed by halves then as far as apt can help
    it, and the policy that kept services from starting is put back in any case.
    """
    if not missing(packages):
        return []
    if os.geteuid() != 0:
        raise _impossible(f"packages are missing: {', '.join(missing(packages))}; run it as root, or with sudo")
    _LOCK.parent.mkdir(exist_ok=True)
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = missing(packages)
        if not wanted:
            return []
        say(f"installing {', '.join(wanted)}")
        before = _installed()
        with _nothing_starts():
            _install(wanted)
        new = sorted(_installed() - before)
        _not_at_boot(new)
        return new


def _install(wanted: Sequence[str]) -> None:
    """One attempt with the lists that are there, one with fresh ones."""
    if list(Path("/var/lib/apt/lists").glob("*_Packages*")) and not _apt("install", *wanted):
        return
    trouble = _apt("update") or _apt("install", *wanted)
    if "need to be removed" in trouble:
        trouble += " (they exclude others that are installed, as two mail servers do, and the demo removes nothing)"
    if trouble:
        raise _impossible(f"the packages {', '.join(wanted)} can't be installed; apt-get says: {trouble}")


def _apt(verb: str, *packages: str) -> str:
    """Run apt-get; its own words when it failed, else nothing. Nothing may be removed or upgraded for us."""
    options = ["-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Options::=--force-confold", "-y", "-q"]
    options += ["--no-install-recommends", "--no-remove", "--no-upgrade"] if verb == "install" else []
    with tempfile.TemporaryFile() as sink:
        code = subprocess.run(
            ["apt-get", *options, verb, "--", *packages] if packages else ["apt-get", *options, verb],
            stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, check=False,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
        ).returncode
        sink.seek(0)
        lines = sink.read().decode("utf-8", "replace").strip().splitlines()
    if code == 0:
        return ""
    errors = [line for line in lines if line.startswith(("E:", "dpkg: error"))] or lines
    return " / ".join(errors[-_SHOWN:]) or f"exit {code}"


@contextlib.contextmanager
def _nothing_starts() -> Iterator[None]:
    """Put a policy in place by which no package starts a service (invoke-rc.d(8): exit 101), and put back what stood
    there. If we are killed before that, the policy sees that its process is gone, and decides nothing any more."""
    _put_back()  # what a killed process may have left
    stat = Path(f"/proc/{os.getpid()}/stat").read_text(encoding="utf-8")
    started = stat.rpartition(") ")[2].split()[19]
    new = _POLICY.with_name("policy-rc.d.new-by-autossl")
    new.write_text(_SCRIPT.format(mark=_MARK, pid=os.getpid(), started=started, kept=_KEPT), encoding="utf-8")
    new.chmod(0o755)
    with _signals_as_exceptions():
        try:
            if os.path.lexists(_POLICY):
                _POLICY.rename(_KEPT)
            new.rename(_POLICY)
            yield
        finally:
            _put_back()


def _put_back() -> None:
    if _POLICY.is_file() and _MARK in _POLICY.read_text(encoding="utf-8", errors="replace"):
        _POLICY.unlink()
    if os.path.lexists(_KEPT) and not os.path.lexists(_POLICY):
        _KEPT.rename(_POLICY)


@contextlib.contextmanager
def _signals_as_exceptions() -> Iterator[None]:
    """SIGTERM and SIGHUP end this process in order, so that everything is put back first."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    former = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _not_at_boot(packages: Sequence[str]) -> None:
    """What these packages brought shall not start at the next boot either."""
    if not packages or shutil.which("systemctl") is None:
        return
    files = subprocess.run(["dpkg", "-L", *packages], capture_output=True, text=True, check=False).stdout.split("\n")
    units = {Path(file).name for file in files if "/systemd/system/" in file and "@" not in file}
    units |= {f"{Path(file).name}.service" for file in files if file.startswith("/etc/init.d/")}
    enabled = [unit for unit in sorted(units) if unit.endswith((".service", ".socket", ".timer")) and _enabled(unit)]
    if enabled:
        subprocess.run(["systemctl", "--no-reload", "--quiet", "disable", *enabled], capture_output=True, check=False)


def _enabled(unit: str) -> bool:
    answer = subprocess.run(["systemctl", "--quiet", "is-enabled", unit], capture_output=True, check=False)
    return answer.returncode == 0


def _installed() -> set[str]:
    command = ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return {line.split()[1] for line in lines if line.startswith("installed ")}


def _impossible(why: str) -> Failure:
    return Failure("demo_impossible", f"the demo is not possible here: {why}", permanent=True)


def main(words: Sequence[str]) -> int:
    """`python -m jobs.demo.packages bench|build|demo|tests`: install what that needs; 2 when it can't be done."""
    sets = {"bench": FOR_BENCH, "build": FOR_BUILD, "demo": FOR_DEMO, "tests": FOR_TESTS}
    if len(words) != 1 or words[0] not in sets:
        print(f"expected one of: {', '.join(sets)}", file=sys.stderr)
        return 2
    try:
        provide(sets[words[0]], lambda text: print(text, file=sys.stderr))
    except Failure as failure:
        print(failure.detail, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
