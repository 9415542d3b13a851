"""The Pythons that the one file runs with, described for the resolver: CPython on x86-64, with the C library of
Debian 12 or a newer one."""

from __future__ import annotations

import json
from pathlib import Path

from packaging.tags import compatible_tags, cpython_tags

MINORS = (11, 12, 13)
_GLIBC_MINOR = 36
_OLDEST_MINOR = 17
"""Of glibc 2: what a wheel may ask for (PEP 600). The older ones have their former names (PEP 599)."""


def write(folder: Path) -> list[Path]:
    """One description a Python, as pex's `--complete-platform` reads it."""
    files = []
    for minor in MINORS:
        files.append(folder / f"cp3{minor}.json")
        files[-1].write_text(json.dumps(_described(minor)), encoding="ascii")
    return files


def _described(minor: int) -> dict[str, object]:
    numbers = range(_GLIBC_MINOR, _OLDEST_MINOR - 1, -1)
    platforms = [f"manylinux_2_{number}_x86_64" for number in numbers] + ["manylinux2014_x86_64", "linux_x86_64"]
    tags = [
        *cpython_tags((3, minor), platforms=platforms),
        *compatible_tags((3, minor), interpreter=f"cp3{minor}", platforms=platforms),
    ]
    return {"marker_environment": _environment(minor), "compatible_tags": [str(tag) for tag in tags]}


def _environment(minor: int) -> dict[str, str]:
    """The environment markers of PEP 508."""
    return {
        "implementation_name": "cpython",
        "implementation_version": f"3.{minor}.0",
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"3.{minor}.0",
        "python_version": f"3.{minor}",
        "sys_platform": "linux",
    }
