"""Programs of a private host that was booted: apt, systemctl, and the installed `autossl`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path


def run(*words: str, codes: Sequence[int] = (0,)) -> str:
    """Run a program as an administrator's shell would; everything that it wrote. Its exit code is one of `codes`."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8", "TERM": "dumb",
                   "DEBIAN_FRONTEND": "noninteractive"}
    ended = subprocess.run(
        words, env=environment, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=False,
    )
    assert ended.returncode in codes, f"{' '.join(words)}: exit {ended.returncode}\n{ended.stdout}\n{journal()}"
    return ended.stdout


def install(package: Path) -> str:
    """`apt install ./autossl_*.deb`."""
    return run("apt-get", "install", "--yes", "--quiet=2", str(package))


def state(unit: str) -> str:
    """active, inactive, failed, ..."""
    return run("systemctl", "is-active", unit, codes=(0, 3)).strip()


def main_process(unit: str) -> int:
    """0: it doesn't run."""
    return int(run("systemctl", "show", "--property", "MainPID", "--value", unit))


def journal() -> str:
    """The last words of the panel's own units."""
    words = ["journalctl", "--no-pager", "--quiet", "--lines=40", "--output=cat"]
    units = [f"--unit={unit}" for unit in ("autossl.service", "autossl-root.service")]
    return subprocess.run([*words, *units], capture_output=True, text=True, check=False, env={**os.environ}).stdout
