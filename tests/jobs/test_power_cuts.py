"""What is on the disk if the power fails: a file is whole before it gets its name, and the name is kept before anybody
relies on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobs import privileged
from jobs.policy.file_change import FileChange
from jobs.policy.proof import read_certificate
from jobs.ports import Place
from jobs.store import store, write_secret
from tests.fakes import TestCA


class Disk:
    """Follows what is written: `lost` names what a power cut now would lose or tear."""

    def __init__(self) -> None:
        self.synced: set[tuple[int, int]] = set()
        self.names: dict[Path, str] = {}
        self.torn: list[str] = []

    def sync(self, descriptor: int) -> None:
        facts = os.fstat(descriptor)
        self.synced.add((facts.st_dev, facts.st_ino))
        found = Path(f"/proc/self/fd/{descriptor}").readlink()
        self.names = {path: what for path, what in self.names.items() if path.parent != found}

    def named(self, path: Path, what: str) -> None:
        self.names[path] = what

    def renamed(self, source: Path, target: Path) -> None:
        facts = source.lstat()
        inner = [source, *source.rglob("*")] if source.is_dir() else [source]
        for path in inner:
            facts = path.lstat()
            if not path.is_symlink() and (facts.st_dev, facts.st_ino) not in self.synced:
                self.torn.append(f"{path} got the name {target} before its content was on the disk")
        self.names.pop(source, None)
        self.named(target, "renamed")

    @property
    def lost(self) -> list[str]:
        return self.torn + [f"{path}: {what}" for path, what in self.names.items() if what != "a temporary name"]


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    made = Disk()
    fsync, rename, unlink, mkdir = os.fsync, Path.rename, Path.unlink, Path.mkdir

    def on_fsync(descriptor: int) -> None:
        fsync(descriptor)
        made.sync(descriptor)

    def on_rename(self: Path, target: Path) -> Path:
        made.renamed(self, target)
        return rename(self, target)

    def on_unlink(self: Path, missing_ok: bool = False) -> None:
        if self.exists() or self.is_symlink():
            made.named(self, "removed")
        unlink(self, missing_ok)

    def on_mkdir(self: Path, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        new = not self.exists()
        mkdir(self, mode, parents, exist_ok)
        if new:
            made.named(self, "made")

    for name, function in (("rename", on_rename), ("unlink", on_unlink), ("mkdir", on_mkdir)):
        monkeypatch.setattr(Path, name, function)
    monkeypatch.setattr(os, "fsync", on_fsync)
    yield made


def test_a_stored_set_and_its_names_are_on_the_disk(tmp_path: Path, disk: Disk) -> None:
    place = Place(tmp_path)
    place.live.mkdir(parents=True)
    disk.names.clear()
    bundle = TestCA().bundle(["a.test"])
    store(place, "a.test", bundle, read_certificate(bundle.leaf), None)
    assert disk.lost == []


def test_a_secret_is_on_the_disk(tmp_path: Path, disk: Disk) -> None:
    write_secret(tmp_path / "key.pem", b"secret")
    assert disk.lost == []


def _new(tmp_path: Path) -> None:
    privileged.publish([FileChange(tmp_path / "conf.d" / "sub" / "a.conf", b"new")])


def _changed(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("old")
    privileged.publish([FileChange(tmp_path / "a.conf", b"new"), FileChange(tmp_path / "link", link="elsewhere")])


def _removed(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("old")
    privileged.publish([FileChange(tmp_path / "a.conf")])


def _put_back(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("old")
    formers = privileged.publish([FileChange(tmp_path / "a.conf", b"new"), FileChange(tmp_path / "b.conf", b"new")])
    privileged.restore(formers)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.conf"]


@pytest.mark.parametrize("act", [_new, _changed, _removed, _put_back])
def test_published_files_and_their_names_are_on_the_disk(
    act: Callable[[Path], None], tmp_path: Path, disk: Disk
) -> None:
    act(tmp_path)
    assert disk.lost == []
