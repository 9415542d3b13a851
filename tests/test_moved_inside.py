"""The private host's pytest plug-in: what happens inside is told outside, and nothing is passed over."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

MODULE = """
import os, pytest
pytestmark = pytest.mark.e2e(timeout=20)

@pytest.fixture(scope="module")
def shared():
    return []

def test_good(shared):
    shared.append(1)
    assert os.path.exists("/run/lock") and not os.path.exists("/run/systemd")
    assert os.getpid() < 100

@pytest.mark.parametrize("number", [1, 2])
def test_shares(shared, number):
    assert shared == [1]

def test_bad(capsys):
    print("words of the test")
    value = 3
    assert value == 4

@pytest.mark.skip(reason="for a reason")
def test_skipped():
    pass

@pytest.mark.xfail(reason="known", strict=True)
def test_known():
    assert False

def test_without_its_fixture(nowhere):
    pass
"""


def run(folder: Path, *options: str, module: str = MODULE, before: tuple[str, ...] = ()) -> tuple[int, str]:
    (folder / "conftest.py").write_text('pytest_plugins = ["tests.moved_inside"]\n')
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = e2e\naddopts = -rA\n")
    (folder / "test_it.py").write_text(module)
    ended = subprocess.run(
        [*before, sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, "test_it.py"],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_every_outcome_inside_is_an_outcome_outside(tmp_path: Path) -> None:
    code, text = run(tmp_path)
    assert code == 1
    assert "1 failed, 3 passed, 1 skipped, 1 xfailed, 1 error" in text, text
    assert "assert 3 == 4" in text
    assert "words of the test" in text
    assert "for a reason" in text
    assert "fixture 'nowhere' not found" in text


def test_only_what_was_selected_runs(tmp_path: Path) -> None:
    code, text = run(tmp_path, "-k", "good or shares")
    assert (code, "3 passed, 4 deselected" in text) == (0, True), text


def test_tests_that_are_not_moved_stand_before_and_after(tmp_path: Path) -> None:
    plain = "import os\ndef test_plain(): assert os.getpid() > 1\n"
    for name in ("a/test_a.py", "a/test_z.py", "z/test_other.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(plain)
    (tmp_path / "a/test_m.py").write_text("import pytest\n@pytest.mark.e2e\ndef test_moved(): pass\n")
    (tmp_path / "a/test_zz.py").write_text("import pytest\n@pytest.mark.e2e\ndef test_moved(): pass\n")
    code, text = run(tmp_path, "a", "z", module=plain)
    assert (code, "6 passed" in text) == (0, True), text


def test_a_crash_fails_the_tests_that_gave_no_answer(tmp_path: Path) -> None:
    module = "import os, pytest\npytestmark = pytest.mark.e2e\ndef test_a(): pass\ndef test_b(): os._exit(9)\n"
    code, text = run(tmp_path, module=module + "def test_c(): pass\n")
    assert code == 1
    assert "2 failed, 1 passed" in text, text
    assert "the private host gave no complete answer about this test" in text and "exit 9" in text


def test_the_time_limit_is_the_modules_own(tmp_path: Path) -> None:
    module = "import time, pytest\npytestmark = pytest.mark.e2e(timeout=2)\ndef test_a(): time.sleep(600)\n"
    code, text = run(tmp_path, module=module)
    assert (code, "1 failed" in text, "no end after 2 s" in text) == (1, True, True), text


def test_where_no_private_host_can_be_made_the_tests_fail_and_say_why(tmp_path: Path) -> None:
    without = ("setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin")
    code, text = run(tmp_path, module="import pytest\n@pytest.mark.e2e\ndef test_a(): pass\n", before=without)
    assert code == 1
    assert "1 failed" in text and "a private host can't be made here: unshare: " in text, text
