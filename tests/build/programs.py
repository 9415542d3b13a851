"""Runs the programs that a build consists of."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def run(
    words: Sequence[str], folder: Path | None = None, also: Mapping[str, str] | None = None, codes: Sequence[int] = (0,)
) -> str:
    """Run one and return what it wrote. `also`: of the environment. Raises RuntimeError, with its own words, for an
    exit code that is not of `codes`."""
    ended = subprocess.run(
        list(words), cwd=folder, env={**os.environ, "LC_ALL": "C.UTF-8", **(also or {})}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )
    if ended.returncode not in codes:
        raise RuntimeError(f"{' '.join(words[:4])} ...: exit {ended.returncode}; it says:\n{ended.stdout.strip()}")
    return ended.stdout


def python(module: str, *words: str, folder: Path | None = None, also: Mapping[str, str] | None = None) -> str:
    """The same for a module of the Python that builds."""
    return run([sys.executable, "-m", module, *words], folder, also)
