"""What is looked at once the files are there: the package, how far its units are shut in, known holes in what it
carries, and our own code."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.build import locked
from tests.build.deb import UNITS
from tests.build.programs import run
from tests.build.source import ROOT

SCANNED = ("panel", "jobs", "models.py", "wsgi.py")
_BENCH = "jobs/demo"
_LEVEL = re.compile(r"Overall exposure level for (\S+): ([0-9.]+) ")
_NOT_INSTALLED = re.compile(r"(?m)^\S+: Command /usr/bin/autossl is not executable: No such file or directory\n")


@dataclass(frozen=True)
class Audit:
    """`holes`: one line for each that is known. `unknown`: projects about which nobody could be asked."""

    asked: int
    holes: Sequence[str]
    unknown: Sequence[str]


def lintian(package: Path) -> str:
    """What Debian's own checker has to say, down to its lowest level; empty when there is nothing. What is as it shall
    be all the same stands, with its reason, in `debian/lintian-overrides`."""
    words = ["--allow-root", "--display-info", "--display-experimental", "--pedantic"]
    return run(["lintian", *words, str(package)], codes=(0, 1, 2)).strip()


def verified(tree: Path) -> str:
    """systemd's complaints about the units in `tree`, but for the program, which is not installed while it is built."""
    units = [str(tree / "usr/lib/systemd/system" / unit) for unit in UNITS]
    manual = {"MANPATH": str(tree / "usr/share/man")}
    return _NOT_INSTALLED.sub("", run(["systemd-analyze", "verify", *units], also=manual, codes=(0, 1))).strip()


def exposure(tree: Path) -> dict[str, str]:
    """How exposed systemd thinks each service is: from 0.0, shut in, to 10.0."""
    services = [str(tree / "usr/lib/systemd/system" / unit) for unit in UNITS if unit.endswith(".service")]
    said = run(["systemd-analyze", "security", "--offline=true", "--no-pager", *services], codes=(0, 1))
    return {found[1]: found[2] for found in _LEVEL.finditer(said)}


def audit(work: Path) -> Audit:
    """Every project of the lock, looked up by pip-audit at PyPI. Raises RuntimeError when that can't be reached."""
    asked, holes, unknown = set(), [], set()
    for number, text in enumerate(locked.requirements()):
        file, answer = work / f"audited-{number}.txt", work / f"audit-{number}.json"
        file.write_text(text, encoding="ascii")
        said = run([*_python("pip_audit"), "--disable-pip", "--require-hashes", "--progress-spinner", "off",
                    "--format", "json", "--output", str(answer), "--requirement", str(file)], codes=(0, 1))
        if not answer.exists():  # 1 is also said of holes that were found
            raise RuntimeError(f"pip-audit: {said.strip()}")
        for one in json.loads(answer.read_text(encoding="utf-8"))["dependencies"]:
            asked.add(one["name"])
            if "skip_reason" in one:
                unknown.add(one["name"])
            for hole in one.get("vulns", []):
                fixed = ", ".join(hole["fix_versions"]) or "no version yet"
                holes.append(f"{one['name']} {one['version']}: {hole['id']}, mended in {fixed}")
    return Audit(len(asked), sorted(set(holes)), sorted(unknown))


def bandit() -> str:
    """What it finds in the code that is shipped, but for the bench; empty when there is nothing. What it leaves out
    stands, with its reasons, in pyproject.toml."""
    words = ["--quiet", "--recursive", "--configfile", "pyproject.toml", "--exclude", _BENCH, "--format", "txt"]
    return run([*_python("bandit"), *words, *SCANNED], folder=ROOT, codes=(0, 1)).strip()


def _python(module: str) -> list[str]:
    return [sys.executable, "-m", module]
