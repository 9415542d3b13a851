"""Every command of the command line: help, JSON, exit codes, and one sentence for what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from jobs.wiring import people
from panel.cli import main
from panel.cli.output import WIDTH, facts, plain, table
from tests.panel.command_line import Line, leaves

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("words", [path for path, _ in leaves(main)], ids=" ".join)
def test_every_command_has_help_and_json(words: list[str], line: Line) -> None:
    answer = line.run(*words, "--help")
    assert answer.code == 0
    assert "--json" in answer.out
    assert answer.out.startswith("Usage: autossl " + " ".join(words))


def test_the_help_of_all_commands_comes_quickly_and_without_the_web_or_acme_libraries() -> None:
    code = (
        "import sys, atexit\n"
        "heavy = {'flask', 'acme', 'cryptography', 'peewee', 'idna', 'secrets'}\n"
        "atexit.register(lambda: print('LOADED', sorted(heavy & set(sys.modules))))\n"
        "from panel.cli import main\n"
        "main(['--help'], prog_name='autossl')\n"
    )
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "LOADED []" in done.stdout
    assert time.monotonic() - started < 10  # far above the aim: other work may share this machine


def test_the_module_can_be_run(tmp_path: Path) -> None:
    environment = {**os.environ, "AUTOSSL_INSTANCE": str(tmp_path / "none")}
    words = [sys.executable, "-m", "panel.cli", "account", "list"]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert "there is no instance here" in done.stderr
    assert "init --admin NAME" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_command_is_wrong_usage(line: Line) -> None:
    answer = line.run("frobnicate")
    assert answer.code == 2
    assert answer.err.startswith("autossl: No such command 'frobnicate'")


def test_an_error_is_json_as_well_when_json_is_asked_for(line: Line) -> None:
    answer = line.run("log", "show", "yesterday", "--json")
    assert answer.code == 2
    assert json.loads(answer.out)["error"]["code"] == "run_unknown"
    assert "yesterday: there is no log" in answer.err


def test_a_usage_error_is_json_as_well(line: Line) -> None:
    answer = line.run("check", "--json")
    assert answer.code == 2
    assert json.loads(answer.out) == {"error": {"code": "usage", "text": "expected either --all or --user NAME"}}


@pytest.mark.parametrize(
    "words", [["check", "--all"], ["account", "list"], ["provider", "list"], ["serve", "--single"], ["status"]],
    ids=" ".join,
)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[check]\nconcurrency = 'many'\n", "check.concurrency: expected int, got 'many'"),
        ("[check]\nconcurency = 3\n", "check.concurency: expected one of"),
        ("nonsense\n", "expected TOML"),
        ("[dns]\nresolvers = '127.0.0.1'\n", "dns.resolvers: expected a list, got '127.0.0.1'"),
    ],
)
def test_a_wrong_configuration_names_key_expected_and_got(line: Line, words: list[str], text: str, said: str) -> None:
    (line.instance / "config.toml").write_text(text)
    answer = line.run(*words)
    assert answer.code == 2
    assert said in answer.err
    assert "config.toml" in answer.err


def test_a_database_that_is_none_is_told_in_one_sentence(line: Line) -> None:
    (line.instance / "panel.sqlite3").write_bytes(b"this is not a database at all, whatever its name says" * 100)
    answer = line.run("account", "list")
    assert answer.code == 2
    assert "the database is damaged (file is not a database)" in answer.err
    assert answer.err.count("\n") == 1


class TestInit:
    def test_makes_an_instance_and_shows_a_password_once(self, fresh: Line) -> None:
        answer = fresh.run("init", "--admin", "root", "--json")
        assert answer.code == 0
        made = json.loads(answer.out)
        assert made["created"] is True and made["admin"] == "root"
        assert people.password_right(people.find("root"), made["password"])

    def test_twice_changes_nothing_and_says_so(self, fresh: Line) -> None:
        fresh.run("init", "--admin", "root", "--password-file", "-", stdin="first password\n")
        before = snapshot(fresh.instance)
        again = fresh.run("init", "--admin", "other", "--password-file", "-", stdin="second password\n")
        assert again.code == 0
        assert "Nothing was changed" in again.out
        assert snapshot(fresh.instance) == before
        assert people.administrators() == ["root"]

    def test_reads_the_password_from_a_file(self, fresh: Line, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("a password from a file\nand more\n")
        answer = fresh.run("init", "--admin", "root", "--password-file", str(tmp_path / "secret"))
        assert answer.code == 0
        assert "a password from" not in answer.out
        assert people.password_right(people.find("root"), "a password from a file")

    @pytest.mark.parametrize(
        ("words", "stdin", "said"),
        [
            (["--admin", "root", "--password-file", "-"], "short\n", "expected 10 to 1000"),
            (["--admin", "ro ot", "--password-file", "-"], "long enough, this\n", "expected a user name"),
            (["--admin", "root", "--password-file", "/nowhere/at/all"], "", "reading the password"),
            ([], "", "Missing option '--admin'"),
        ],
    )
    def test_refuses_bad_input_and_makes_nothing(self, fresh: Line, words: list[str], stdin: str, said: str) -> None:
        answer = fresh.run("init", *words, stdin=stdin)
        assert answer.code == 2
        assert said in answer.err
        assert not fresh.instance.exists()

    def test_closes_what_is_secret(self, line: Line) -> None:
        modes = {name: (line.instance / name).stat().st_mode & 0o777 for name in ("keys", "logs", "panel.sqlite3")}
        assert modes == {"keys": 0o700, "logs": 0o700, "panel.sqlite3": 0o600}


class TestTables:
    def test_fit_the_width_and_lose_nothing(self) -> None:
        long = "a" * 70 + ".example.com"
        reason = "the web server answered 404 where the token was expected " * 4
        shown = table(("website", "name", "why"), [(long, "www." + long, reason), ("b", None, "fine")])
        assert max(map(len, shown.splitlines())) <= WIDTH
        letters = "".join(shown.split())
        assert letters.count("a" * 8) > 0 and letters.count("404") == 4
        assert shown.splitlines()[0].split() == ["website", "name", "why"]

    def test_are_as_narrow_as_their_cells(self) -> None:
        assert table(("a", "b"), [("1", "22"), ("333", "4")]) == "a    b\n---  --\n1    22\n333  4"

    def test_nothing_from_outside_steers_the_terminal(self) -> None:
        assert plain("red \x1b[31m\ntext\x07\u202e") == "red ?[31m text??"
        assert "\x1b" not in table(("a",), [("\x1b]0;title\x07",)]) + facts([("a", "\x1b[2J")])


def snapshot(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_no_command_is_hidden_from_the_help(line: Line) -> None:
    shown = line.run("--help").out
    for name in main.list_commands(click.Context(main)):
        assert f"\n  {name} " in shown


@pytest.mark.parametrize("words", [["account", "list"], ["provider", "list", "--json"]])
def test_a_full_disk_where_the_answer_goes_is_one_sentence_and_no_traceback(line: Line, words: list[str]) -> None:
    command = [sys.executable, "-m", "panel.cli", "--instance", str(line.instance), *words]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "autossl: writing: No space left on device; make room, then run it again\n"
