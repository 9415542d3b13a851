"""What is built: a copy of this working tree's own files, so that nothing that changes meanwhile, or that is written
for the build, is in anybody's way."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILT = ("panel", "jobs", "templates", "static", "models.py", "wsgi.py", "pyproject.toml", "README.md", "LICENSE",
         "CHANGELOG.md", "tests/build")
"""What the result depends on, and nothing else."""

_SHOWN = 7


@dataclass(frozen=True)
class Source:
    """A copy at `folder`. `commit` as `autossl --version` tells it; `epoch`: its time, in seconds since 1970 UTC, which
    is that of every file in what is built."""

    folder: Path
    version: str
    commit: str
    epoch: int


def copy(folder: Path) -> Source:
    """Copy what git knows or would add, and what the build has fetched before, to `folder`, which must not exist.

    Raises RuntimeError where this tree is no clone.
    """
    names = _git("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *BUILT).split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():  # one that was removed, and not yet for git, is not
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    if (ROOT / "static/vendor").is_dir():
        shutil.copytree(ROOT / "static/vendor", folder / "static/vendor")
    head, epoch = _git("log", "-1", "--format=%H %ct").split()
    changed = _git("status", "--porcelain", "--", *BUILT)
    commit = head[:_SHOWN] + (" and changes" if changed else "")
    (folder / "panel/commit.txt").write_text(f"{commit}\n", encoding="ascii")
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return Source(folder, project["version"], commit, int(epoch))


def _git(*words: str) -> str:
    ended = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise RuntimeError(f"{ROOT}: building: expected a clone with its history; git says: {ended.stderr.strip()}")
    return ended.stdout
