"""Which commit a clone says it is at, by git's own files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from panel import version

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def clone(folder: Path, head: str, **files: str) -> Path:
    (folder / ".git").mkdir(parents=True)
    (folder / ".git/HEAD").write_text(head)
    for name, text in files.items():
        path = folder / ".git" / name.replace("__", "/").replace("_", "-")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_branch_tells_its_commit(tmp_path: Path) -> None:
    assert version.commit_of(clone(tmp_path, "ref: refs/heads/main\n", refs__heads__main=COMMIT + "\n")) == "0123456"


def test_a_packed_branch_tells_its_commit(tmp_path: Path) -> None:
    packed = f"# pack-refs with: peeled\n{'f' * 40} refs/heads/other\n{COMMIT} refs/heads/main\n"
    assert version.commit_of(clone(tmp_path, "ref: refs/heads/main\n", packed_refs=packed)) == "0123456"


def test_a_detached_head_tells_its_commit(tmp_path: Path) -> None:
    assert version.commit_of(clone(tmp_path, COMMIT + "\n")) == "0123456"


def test_a_second_working_tree_tells_its_commit(tmp_path: Path) -> None:
    run = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", str(tmp_path / "first")]
    subprocess.run(["git", "init", "-q", str(tmp_path / "first")], check=True)
    subprocess.run([*run, "commit", "-q", "--allow-empty", "-m", "one"], check=True)
    subprocess.run([*run, "worktree", "add", "-q", "-b", "more", str(tmp_path / "second")], check=True)
    subprocess.run([*run, "commit", "-q", "--allow-empty", "-m", "two"], check=True)
    asked = ["git", "-C", str(tmp_path / "second"), "rev-parse", "HEAD"]
    expected = subprocess.run(asked, capture_output=True, text=True, check=True).stdout[:7]
    assert version.commit_of(tmp_path / "second") == expected
    assert version.commit_of(tmp_path / "first") not in ("", expected)


@pytest.mark.parametrize("head", ["", "ref: refs/heads/none\n", "nonsense\n", "ref: ../../etc/passwd\n", COMMIT[:-1]])
def test_a_clone_that_tells_nothing_has_no_commit(tmp_path: Path, head: str) -> None:
    assert version.commit_of(clone(tmp_path, head)) == ""


def test_where_there_is_no_clone_there_is_no_commit(tmp_path: Path) -> None:
    assert version.commit_of(tmp_path) == ""


def test_what_the_build_wrote_is_told(tmp_path: Path) -> None:
    (tmp_path / "commit.txt").write_text("3749d74 and changes\n")
    assert version.built_from(tmp_path / "commit.txt") == "3749d74 and changes"
    assert version.built_from(tmp_path / "none.txt") == ""
