from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.demo import packages
from jobs.policy.failure import Failure

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The place of policy-rc.d, elsewhere."""
    path = tmp_path / "policy-rc.d"
    monkeypatch.setattr(packages, "_POLICY", path)
    monkeypatch.setattr(packages, "_KEPT", tmp_path / "policy-rc.d.kept")
    monkeypatch.setattr(packages, "_LOCK", tmp_path.parent / f"{tmp_path.name}.lock")
    yield path
    assert list(tmp_path.glob("*.new-*")) == []


def answer(path: Path) -> int:
    return subprocess.run([path, "apache2", "start"], check=False).returncode


def write(path: Path, code: int) -> str:
    path.write_text(f"#!/bin/sh\n[ $# = 2 ] && exit {code}\n")
    path.chmod(0o750)
    return path.read_text()


def test_nothing_may_start_meanwhile_and_no_policy_is_left(policy: Path) -> None:
    with packages._nothing_starts():
        assert answer(policy) == 101
    assert list(policy.parent.iterdir()) == []


def test_a_policy_of_the_host_is_put_back_exactly(policy: Path) -> None:
    text = write(policy, 0)
    with packages._nothing_starts():
        assert answer(policy) == 101
    assert policy.read_text() == text
    assert policy.stat().st_mode & 0o777 == 0o750
    assert list(policy.parent.iterdir()) == [policy]


def test_it_is_put_back_when_the_installation_fails(policy: Path) -> None:
    text = write(policy, 0)
    with pytest.raises(KeyboardInterrupt), packages._nothing_starts():
        raise KeyboardInterrupt
    assert policy.read_text() == text


def test_sigterm_puts_it_back_too(policy: Path) -> None:
    text = write(policy, 0)
    code = (
        "import os, sys, signal; from pathlib import Path; from jobs.demo import packages\n"
        "packages._POLICY, packages._KEPT = Path(sys.argv[1]), Path(sys.argv[1] + '.kept')\n"
        "with packages._nothing_starts(): os.kill(os.getpid(), signal.SIGTERM); signal.pause()"
    )
    ended = subprocess.run([sys.executable, "-c", code, policy], cwd=ROOT, check=False)
    assert ended.returncode == 128 + 15
    assert policy.read_text() == text


@pytest.mark.parametrize("former", [None, 0, 101, 104])
def test_what_a_killed_installation_leaves_decides_nothing(policy: Path, former: int | None) -> None:
    text = None if former is None else write(policy, former)
    code = (
        "import os, sys; from pathlib import Path; from jobs.demo import packages\n"
        "packages._POLICY, packages._KEPT = Path(sys.argv[1]), Path(sys.argv[1] + '.kept')\n"
        "with packages._nothing_starts(): os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code, policy], cwd=ROOT, check=False).returncode == -9
    assert answer(policy) == (former or 0)
    with packages._nothing_starts():
        assert answer(policy) == 101
    assert (policy.read_text() if text else policy.exists()) == (text or False)


def test_only_what_is_not_installed_is_missing() -> None:
    assert packages.missing(["dpkg", "no-such-package-at-all", "apt"]) == ["no-such-package-at-all"]
    assert packages.provide(["dpkg", "apt"], pytest.fail) == []


def test_a_package_that_does_not_exist_is_told_in_apts_words(policy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "_apt", _fresh_lists(packages._apt))
    said: list[str] = []
    with pytest.raises(Failure, match="Unable to locate package no-such-package-at-all"):
        packages.provide(["no-such-package-at-all"], said.append)
    assert said == ["installing no-such-package-at-all"]
    assert not policy.exists()


def _fresh_lists(real):  # type: ignore[no-untyped-def]
    """The real apt-get, but the lists count as just fetched: a test needs no network."""
    return lambda verb, *names: "" if verb == "update" else real(verb, *names)


def test_without_debian_it_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Failure, match="it needs Debian"):
        packages.missing(["dpkg"])
