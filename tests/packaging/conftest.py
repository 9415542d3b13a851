"""Builds what these tests look at once, for all processes of a session and for the private hosts that it makes."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from tests.build import deb, pyz, source
from tests.build.source import ROOT, Source

FORMER_VERSION = "0.0.9-1"
_TOLD = "AUTOSSL_BUILT"
_KEPT = 900.0
"""Seconds after which what was built of another tree goes."""


@dataclass(frozen=True)
class Built:
    """What a build of this tree made. `former`: the package again, as a version before this one; `tree`: what is in the
    package, laid out."""

    folder: Path
    source: Source

    @property
    def pyz(self) -> Path:
        return self.folder / "dist" / pyz.NAME

    @property
    def package(self) -> Path:
        return self.folder / "dist" / f"autossl_{deb.version_of(self.source)}_{deb.ARCHITECTURE}.deb"

    @property
    def former(self) -> Path:
        return self.folder / "dist" / f"autossl_{FORMER_VERSION}_{deb.ARCHITECTURE}.deb"

    @property
    def tree(self) -> Path:
        return self.folder / "work" / "tree"

    @property
    def said(self) -> str:
        """What `autossl --version` must say."""
        return f"autossl {self.source.version} ({self.source.commit})"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Within a private host there is no network: what its tests need is built before it is made. If that fails, they
    try it themselves, and say why they can't."""
    here = item.path.is_relative_to(Path(__file__).parent)
    if here and item.get_closest_marker("e2e") is not None and _TOLD not in os.environ:
        with suppress(RuntimeError):
            os.environ[_TOLD] = str(_built().folder)
    return (yield)


@pytest.fixture(scope="session")
def built() -> Built:
    told = os.environ.get(_TOLD)
    return _at(Path(told)) if told else _built()


def _built() -> Built:
    """Build, unless the very same input was built before. Raises RuntimeError."""
    cache = ROOT / ".pytest_cache" / "built"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _forget_old(cache)
        with tempfile.TemporaryDirectory(dir=cache) as name:
            work = Path(name)
            taken = source.copy(work / "source")
            final = cache / _digest(taken)
            if not final.exists():
                _build(work, taken)
                work.rename(final)
                work.mkdir()  # for the context manager to remove
            final.touch()
    return _at(final)


def _build(work: Path, taken: Source) -> None:
    (work / "former").mkdir()
    one_file = pyz.build(taken, work / "work", work / "dist")
    deb.build(taken, one_file, work / "work", work / "dist")
    deb.build(taken, one_file, work / "former", work / "dist", FORMER_VERSION)
    for folder in (work / "former", work / "work" / "wheels"):
        shutil.rmtree(folder)
    (work / "source.json").write_text(json.dumps({**asdict(taken), "folder": "source"}), encoding="utf-8")


def _at(folder: Path) -> Built:
    facts = json.loads((folder / "source.json").read_text(encoding="utf-8"))
    return Built(folder, Source(**{**facts, "folder": folder / facts["folder"]}))


def _digest(taken: Source) -> str:
    whole = hashlib.sha256(f"{taken.commit} {taken.epoch}".encode())
    for path in sorted(taken.folder.rglob("*")):
        if path.is_file():
            whole.update(f"\0{path.relative_to(taken.folder)}\0{path.stat().st_mode}\0".encode() + path.read_bytes())
    return whole.hexdigest()[:16]


def _forget_old(cache: Path) -> None:
    for path in cache.iterdir():
        if path.is_dir() and time.time() - path.stat().st_mtime > _KEPT:
            shutil.rmtree(path)
