"""Boots a private host: `python -m tests.booted COMMAND...`, inside of one, runs COMMAND beside a systemd of its own.

So packages can be installed (there is a copy of /usr as well) and their units are started, confined and stopped by the
real systemd, which sees nothing of the machine but a control group that is made for it and goes with it. Only what
journald needs is started at the beginning. The exit code is the command's.
"""

from __future__ import annotations

import os
import secrets
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

MARK = "autossl-private-host"
"""What systemd is told of the kind of container it runs in; `only_inside` of the demo's daemons knows it."""

_GROUPS = Path("/sys/fs/cgroup")
_UNITS = Path("/usr/lib/systemd/system")
_POLICY = Path("/usr/sbin/policy-rc.d")
_AT_BOOT = ("sysinit.target.wants", "local-fs.target.wants", "timers.target.wants")
_BOOTED_WITHIN = 20.0
_LEFT_BEHIND = 3600.0
_INIT = f"""
set -e
for group in $GROUPS_OF_ITS_OWN; do echo $$ > $group/cgroup.procs; done
exec unshare --pid --fork --kill-child --mount --mount-proc --cgroup sh -c '
set -e
umount --recursive /sys/fs/cgroup
if [ "$UNIFIED" ]; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
else
    mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
    mkdir /sys/fs/cgroup/systemd /sys/fs/cgroup/unified
    mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
    mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
fi
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -m 1777 /run/lock
exec env container={MARK} /lib/systemd/systemd --unit=basic.target --show-status=0'
"""


def main(command: Sequence[str]) -> int:
    _lay_out()
    with _groups() as groups, _systemd(groups) as init:
        enter = ["nsenter", "--target", str(init), "--mount", "--pid", "--cgroup", "--ipc"]
        return subprocess.run([*enter, f"--wd={Path.cwd()}", *command], close_fds=False, check=False).returncode


def _lay_out() -> None:
    """A copy over /usr, and of what stands there only what journald needs begins with systemd. A machine that is a
    container itself may forbid packages to start anything; this one boots, as a server does."""
    layers = Path("/run/usr")
    for layer in ("upper", "work"):
        (layers / layer).mkdir(parents=True)
    options = f"lowerdir=/usr,upperdir={layers}/upper,workdir={layers}/work"
    subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", "/usr"], check=True)
    for name in _AT_BOOT:
        for units in (_UNITS, Path("/etc/systemd/system")):
            shutil.rmtree(units / name, ignore_errors=True)
    Path("/etc/fstab").write_text("", encoding="ascii")
    _POLICY.unlink(missing_ok=True)


@contextmanager
def _groups() -> Iterator[list[Path]]:
    """Control groups below our own: one in each hierarchy that systemd works with (cgroups(7))."""
    unified = (_GROUPS / "cgroup.controllers").exists()
    mounts = {"0": _GROUPS} if unified else {"0": _GROUPS / "unified", "name=systemd": _GROUPS / "systemd"}
    name, made = f"{MARK}-{secrets.token_hex(8)}", []
    for line in Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines():
        number, controllers, ours = line.split(":", 2)
        mount = mounts.get("0" if number == "0" else controllers)
        if mount is not None:
            made.append(mount / ours.lstrip("/") / name)
    for group in made:
        for left in group.parent.glob(f"{MARK}-*"):
            if time.time() - left.stat().st_ctime > _LEFT_BEHIND:
                _remove(left)  # of a run that was killed; one that is in use stays
        group.mkdir()
    try:
        yield made
    finally:
        for group in made:
            _remove(group)


@contextmanager
def _systemd(groups: Sequence[Path]) -> Iterator[int]:
    """The number of its process, once it is up."""
    unified = "yes" if (_GROUPS / "cgroup.controllers").exists() else ""
    also = {"GROUPS_OF_ITS_OWN": " ".join(map(str, groups)), "UNIFIED": unified}
    with subprocess.Popen(["sh", "-c", _INIT], env={**os.environ, **also}, stdin=subprocess.DEVNULL) as maker:
        try:
            init = _up(maker)
            life = os.pidfd_open(init)
        except BaseException:
            maker.kill()
            raise
        try:
            yield init
        finally:
            maker.kill()  # and with it, by --kill-child, systemd and all of its namespace
            select.select([life], [], [], _BOOTED_WITHIN)
            os.close(life)


def _up(maker: subprocess.Popen[bytes]) -> int:
    end = time.monotonic() + _BOOTED_WITHIN
    children = Path(f"/proc/{maker.pid}/task/{maker.pid}/children")
    said = ""
    while time.monotonic() < end and maker.poll() is None:
        for init in children.read_text(encoding="ascii").split():
            if Path(f"/proc/{init}/root/run/systemd/private").exists():
                words = ["nsenter", "--target", init, "--all", "systemctl", "is-system-running"]
                said = subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()
                if said in ("running", "degraded"):
                    return int(init)
        time.sleep(0.02)
    raise RuntimeError(f"systemd is not up after {_BOOTED_WITHIN:g} s: {said or 'it says nothing'}")


def _remove(group: Path) -> None:
    for path in sorted([group, *group.rglob("*/")], reverse=True):
        with suppress(OSError):
            path.rmdir()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
