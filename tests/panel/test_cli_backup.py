"""`autossl backup`, `restore` and a damaged database, as somebody meets them who types."""

from __future__ import annotations

import json
from pathlib import Path

from tests.panel.command_line import Line


def test_a_backup_says_that_it_holds_keys_and_is_closed(line: Line, tmp_path: Path) -> None:
    said = line.run("backup", str(tmp_path / "b.tar.gz"))
    assert said.code == 0 and "It holds private keys" in said.out
    assert (tmp_path / "b.tar.gz").stat().st_mode & 0o777 == 0o600
    bare = line.run("backup", "--without-keys", str(tmp_path / "bare.tar.gz"))
    assert "It holds no private key" in bare.out


def test_a_restore_keeps_what_stood_there_and_tells_its_name(line: Line, tmp_path: Path) -> None:
    line.run("account", "add", "alice", "--name", "alice.test")
    line.run("backup", str(tmp_path / "b.tar.gz"))
    line.run("account", "add", "bob", "--name", "bob.test")
    refused = line.run("restore", str(tmp_path / "b.tar.gz"))
    assert refused.code == 2 and "--force puts it aside" in refused.err
    done = json.loads(line.run("restore", "--force", "--json", str(tmp_path / "b.tar.gz")).out)
    assert Path(done["former"]).is_dir()
    accounts = json.loads(line.run("account", "list", "--json").out)["accounts"]
    assert [account["account"] for account in accounts] == ["alice"]
    assert "restore" in line.run("audit", "list").out


def test_a_damaged_database_is_told_in_words_with_what_to_do(line: Line, tmp_path: Path) -> None:
    line.run("backup", str(tmp_path / "b.tar.gz"))
    path = line.instance / "panel.sqlite3"
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 400_000)
    for words in (["status"], ["serve", "--single"], ["check", "--all"], ["backup", str(tmp_path / "c.tar.gz")]):
        said = line.run(*words, "--json")
        assert said.code == 2 and "the database is damaged" in said.err and "restore --force" in said.err, words
        assert json.loads(said.out)["error"]["code"] == "database_damaged"
    assert not (tmp_path / "c.tar.gz").exists()
    assert line.run("restore", "--force", str(tmp_path / "b.tar.gz")).code == 0
    assert line.run("status").code == 0


def test_what_is_no_backup_is_refused_in_one_sentence(line: Line, tmp_path: Path) -> None:
    (tmp_path / "b.tar.gz").write_text("no backup")
    for file in (tmp_path / "b.tar.gz", tmp_path / "nothing", tmp_path):
        said = line.run("restore", "--force", str(file))
        assert said.code == 2 and str(file) in said.err and said.err.count("\n") == 1
