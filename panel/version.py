"""What this program calls itself: its version, and the commit that it was built from."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

_BUILT_FROM = Path(__file__).with_name("commit.txt")
"""Written by `bash tests/run build` into what it builds, and nowhere else."""

_CLONE = Path(__file__).resolve().parents[1]
_COMMIT = re.compile(r"\A[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_SHOWN = 7


def told() -> str:
    """For instance `0.1.0 (3749d74)`; the version alone where nothing tells the commit."""
    commit = built_from(_BUILT_FROM) or commit_of(_CLONE)
    return f"{version('autossl-panel')} ({commit})" if commit else version("autossl-panel")


def built_from(file: Path) -> str:
    """What the build wrote; empty where there was none."""
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def commit_of(clone: Path) -> str:
    """The commit that is checked out at `clone`, by git's own files (gitrepository-layout(5)); empty if it has none."""
    try:
        git = clone / ".git"
        if git.is_file():  # a second working tree
            git = clone / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        commit = _resolved(git, head.removeprefix("ref:").strip()) if head.startswith("ref:") else head
    except (OSError, UnicodeDecodeError):
        return ""
    return commit[:_SHOWN] if _COMMIT.match(commit) else ""


def _resolved(git: Path, reference: str) -> str:
    shared = git / "commondir"
    common = git / shared.read_text(encoding="utf-8").strip() if shared.exists() else git
    if (common / reference).is_file():
        return (common / reference).read_text(encoding="utf-8").strip()
    lines = (common / "packed-refs").read_text(encoding="utf-8").splitlines()
    return next((line.split()[0] for line in lines if line.endswith(f" {reference}")), "")
