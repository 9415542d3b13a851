"""The one file: `autossl.pyz`, a PEX with the program and all that it needs but Python itself."""

from __future__ import annotations

from pathlib import Path

from tests.build import licences, locked
from tests.build.programs import python
from tests.build.source import Source

NAME = "autossl.pyz"
LICENCES = "THIRD-PARTY-LICENCES"


def build(source: Source, work: Path, target: Path) -> Path:
    """Build it into the folder `target`, with `work` for what lies in between. Raises RuntimeError."""
    also = {"SOURCE_DATE_EPOCH": str(source.epoch), "PYTHONHASHSEED": "0"}
    work.mkdir(exist_ok=True)
    python("hatchling", "build", "-t", "wheel", "-d", str(work / "own"), folder=source.folder, also=also)
    (own,) = (work / "own").glob("*.whl")
    wheels = locked.wheels(work)
    (work / "beside").mkdir()
    text = licences.text(wheels, source.folder / "static/vendor")
    (work / "beside" / LICENCES).write_text(text, encoding="utf-8")
    target.mkdir(parents=True, exist_ok=True)
    fresh = target / f".{NAME}.new"
    words = [
        f"autossl-panel[{','.join(locked.EXTRAS)}]=={source.version}",
        "--pre-resolved-dist", str(own), "--pre-resolved-dists", str(wheels), *locked.platforms(work),
        "--console-script", "autossl", "--sources-directory", str(work / "beside"), "--output-file", str(fresh),
        "--venv", "prepend", "--include-tools", "--no-compile", "--python-shebang", "/usr/bin/env python3",
    ]
    try:
        python("pex", *words, also=also)
    except RuntimeError as error:
        if "no version was resolved" in str(error):
            raise RuntimeError(f"{error}\n{locked.LOCK.name} does not fit pyproject.toml; renew it: "
                               "bash tests/run build --lock") from error
        raise
    return fresh.rename(target / NAME)
