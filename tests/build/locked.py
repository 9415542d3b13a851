"""The lock: every wheel that goes into the one file, with its SHA-256, in `requirements.lock` beside this module.

`bash tests/run build --lock` writes it anew, with the newest versions that pyproject.toml allows; a build takes what is
in it and refuses anything else.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from tests.build import targets
from tests.build.programs import python
from tests.build.source import ROOT

LOCK = Path(__file__).with_name("requirements.lock")
EXTRAS = ("lexicon", "apprise")


def make(work: Path) -> None:
    """Write the lock anew. Takes half a minute, and what it downloads is kept for the builds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in EXTRAS:
        wanted += project["optional-dependencies"][extra]
    (work / "wanted.txt").write_text("\n".join(wanted) + "\n", encoding="utf-8")
    how = ["--style", "strict", "--no-build", "--elide-unused-requires-dist", "--indent", "1"]
    files = ["-r", str(work / "wanted.txt"), "-o", str(work / LOCK.name)]
    python("pex.cli", "lock", "create", *how, *files, *platforms(work))
    LOCK.write_bytes((work / LOCK.name).read_bytes() + b"\n")


def wheels(work: Path, lock: Path = LOCK) -> Path:
    """The folder of all wheels of the lock. Raises RuntimeError when one can't be had, or is not the lock's."""
    folder = work / "wheels"
    python("pex.cli", "wheel", "--lock", str(lock), "-d", str(folder), *platforms(work))
    return folder


def requirements(lock: Path = LOCK) -> list[str]:
    """The lock as pip's requirements with hashes. As one file may hold a project only once, there is one text for each
    Python whose wheels have other versions than those before."""
    texts: dict[str, None] = {}
    for resolve in json.loads(lock.read_text(encoding="utf-8"))["locked_resolves"]:
        lines = []
        for locked in sorted(resolve["locked_requirements"], key=lambda one: str(one["project_name"])):
            hashes = [f"--hash={one['algorithm']}:{one['hash']}" for one in locked["artifacts"]]
            lines.append(" ".join([f"{locked['project_name']}=={locked['version']}", *hashes]))
        texts["\n".join(lines) + "\n"] = None
    return list(texts)


def platforms(work: Path) -> list[str]:
    """The words that tell pex for which Pythons."""
    return [word for file in targets.write(work) for word in ("--complete-platform", str(file))]
