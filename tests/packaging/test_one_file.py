"""The one file `autossl.pyz`: what it is made of, that it is made the same each time, and that it runs by itself."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from tests.build import deb, locked, pyz, targets
from tests.build.source import ROOT
from tests.packaging.conftest import Built

PYTHON = "/usr/bin/python3"


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """Where the file unpacks itself to; short-lived, for it is some 80 MB."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def run(built: Built, place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """By Debian's own Python, in an environment that holds nothing else, in an empty directory."""
    environment = {"PATH": "/usr/bin:/bin", "PEX_ROOT": str(place / "unpacked")}
    return subprocess.run(
        [PYTHON, str(built.pyz), *words], env=environment, cwd=place, capture_output=True, text=True, check=False
    )


def locked_projects() -> set[tuple[str, str]]:
    resolves = json.loads(locked.LOCK.read_text(encoding="utf-8"))["locked_resolves"]
    return {(one["project_name"], one["version"]) for resolve in resolves for one in resolve["locked_requirements"]}


def carried(built: Built) -> set[tuple[str, str]]:
    """Project and version of every wheel inside."""
    with zipfile.ZipFile(built.pyz) as inside:
        wheels = {name.split("/")[1] for name in inside.namelist() if name.startswith(".deps/") and name != ".deps/"}
    return {(str(name), str(version)) for name, version, _, _ in map(parse_wheel_filename, wheels)}


def test_it_runs_with_debians_own_python_and_nothing_else_and_says_version_and_commit(
    built: Built, place: Path
) -> None:
    ended = run(built, place, "--version")
    assert (ended.stdout, ended.stderr, ended.returncode) == (f"{built.said}\n", "", 0)


def test_it_starts_within_a_second_once_it_was_unpacked(built: Built, place: Path) -> None:
    run(built, place, "--version")
    took = []
    for _ in range(3):
        began = time.monotonic()
        assert run(built, place, "--help").returncode == 0
        took.append(time.monotonic() - began)
    assert min(took) < 1.0


def test_the_same_input_gives_the_same_bytes(built: Built, tmp_path: Path) -> None:
    shutil.copytree(built.source.folder, tmp_path / "elsewhere")
    taken = replace(built.source, folder=tmp_path / "elsewhere")
    again = pyz.build(taken, tmp_path / "work", tmp_path / "dist")
    assert again.read_bytes() == built.pyz.read_bytes()
    package = deb.build(taken, again, tmp_path / "work", tmp_path / "dist")
    assert package.read_bytes() == built.package.read_bytes()


def test_it_carries_what_is_locked_and_nothing_else(built: Built) -> None:
    assert carried(built) == {*locked_projects(), ("autossl-panel", built.source.version)}


def test_the_licence_of_everything_that_it_carries_is_inside(built: Built) -> None:
    with zipfile.ZipFile(built.pyz) as inside:
        text = inside.read(pyz.LICENCES).decode("utf-8")
    titles = re.findall(r"^=+\n(\S+) (\S+)\nLicence: \S", text, re.MULTILINE)
    told = {(canonicalize_name(name), version) for name, version in titles}
    assert told - {("pex", dict(told)["pex"])} == locked_projects()
    assert {"htmx", "pico"} <= set(re.findall(r"^=+\n(\S+)\nLicence: \S", text, re.MULTILINE))
    for words in ("Permission is hereby granted", "Apache License", "Mozilla Public License", "Redistribution and use"):
        assert words in text


def test_there_are_wheels_for_each_python_and_one_file_holds_them(built: Built) -> None:
    with zipfile.ZipFile(built.pyz) as inside:
        names = [name.split("/")[1] for name in inside.namelist() if name.startswith(".deps/cffi-")]
    assert {re.sub(r".*-(cp3\d+)-.*", r"\1", name) for name in names} == {f"cp3{minor}" for minor in targets.MINORS}


@pytest.mark.parametrize("number", range(len(targets.MINORS)))
def test_the_lock_fits_what_pyproject_asks_for(number: int) -> None:
    resolve = json.loads(locked.LOCK.read_text(encoding="utf-8"))["locked_resolves"][number]
    there = {one["project_name"]: one["version"] for one in resolve["locked_requirements"]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [text for extra in locked.EXTRAS for text in project["optional-dependencies"][extra]]
    for wanted in map(Requirement, [*project["dependencies"], *extras]):
        found = there.get(canonicalize_name(wanted.name), "none")
        assert found != "none" and wanted.specifier.contains(found), f"{wanted}: {found}: tests/run build --lock"


def test_a_wheel_that_is_not_the_locked_one_stops_the_build(tmp_path: Path) -> None:
    lock = json.loads(locked.LOCK.read_text(encoding="utf-8"))
    for resolve in lock["locked_resolves"]:
        for one in resolve["locked_requirements"]:
            if one["project_name"] == "blinker":
                one["artifacts"][0]["hash"] = "0" * 64
    (tmp_path / "forged.lock").write_text(json.dumps(lock), encoding="utf-8")
    with pytest.raises(RuntimeError, match="sha256"):
        locked.wheels(tmp_path, tmp_path / "forged.lock")


def test_every_locked_project_has_a_hash_for_the_audit() -> None:
    for text in locked.requirements():
        lines = text.splitlines()
        assert len(lines) > 30
        assert all(re.fullmatch(r"[a-z0-9-]+==\S+ --hash=sha256:[0-9a-f]{64}", line) for line in lines)
