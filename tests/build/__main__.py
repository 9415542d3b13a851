"""`bash tests/run build`: the one file and the Debian package, in `dist/`, and what there is to say about them.

Exit 1 when something is not as it must be: a check has a complaint, or a dependency a hole that is known.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from tests.build import checks, deb, locked, pyz, source
from tests.build.source import ROOT

DIST = ROOT / "dist"


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="bash tests/run build", description="Build autossl.pyz and autossl_*.deb.")
    parser.add_argument("--only", choices=("pyz", "deb"), help="only this one is put into dist/")
    parser.add_argument("--lock", action="store_true", help="first renew requirements.lock with the newest versions")
    asked = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="autossl-build-") as name:
        try:
            return _build(Path(name), asked.only, asked.lock)
        except RuntimeError as error:
            click.echo(f"build: {error}", err=True)
            return 1


def _build(work: Path, only: str | None, lock: bool) -> int:
    if lock:
        locked.make(work)
    taken = source.copy(work / "source")
    made = [pyz.build(taken, work, work / "made")]
    if only != "pyz":
        made.append(deb.build(taken, made[0], work, work / "made"))
    if only == "deb":
        del made[0]
    DIST.mkdir(exist_ok=True)
    for path in made:
        shutil.copy(path, DIST / path.name)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        facts = f"{path.stat().st_size:,} bytes, sha256 {digest}"
        click.echo(f"dist/{path.name}: {taken.version} ({taken.commit}), {facts}")
    complaints = [] if only == "pyz" else _package(made[-1], work)
    complaints += _audits(work)
    for text in complaints:
        click.echo(text)
    return 1 if complaints else 0


def _package(package: Path, work: Path) -> list[str]:
    complaints = [text for text in (checks.lintian(package), checks.verified(work / "tree")) if text]
    click.echo(f"lintian and systemd-analyze verify: {'see below' if complaints else 'nothing to complain about'}")
    for unit, level in checks.exposure(work / "tree").items():
        click.echo(f"systemd-analyze security: {unit}: {level}")
    return complaints


def _audits(work: Path) -> list[str]:
    audit = checks.audit(work)
    looked_up = f"{audit.asked - len(audit.unknown)} of {audit.asked} locked projects looked up"
    click.echo(f"pip-audit: {looked_up}, {len(audit.holes)} known holes")
    if audit.unknown:
        words = "pip-audit: NOT AUDITED, because PyPI's answers about vulnerabilities can't be had from here: "
        click.echo(words + ", ".join(audit.unknown))
    bandit = checks.bandit()
    click.echo(f"bandit: {'see below' if bandit else 'nothing found'}")
    return [*audit.holes, *([bandit] if bandit else [])]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
