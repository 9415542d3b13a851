"""A process that dies anywhere in an upgrade leaves the database as it was or as it should be; the next one goes on."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from jobs.crash_points import EXIT_CODE, VARIABLE
from jobs.demo.product import CODE
from jobs.ports import Place
from jobs.wiring.database_copies import copies_before
from jobs.wiring.instance import DATABASE
from jobs.wiring.serving import claim
from tests import later_version
from tests.later_version import ADDS, migrations

BUSY = ADDS + """
    import os
    for number in range(3000):
        db.execute_sql('INSERT INTO "later" (text) VALUES (?)', ("x" * 1000,))
"""
KILLED = BUSY + """
    os.kill(os.getpid(), 9)
"""
BYPASSES = """
from pathlib import Path
def up(migrator, db):
    with Path(db.database).open("r+b") as file:
        file.seek(4096)
        file.write(b"\\xff" * 4096 * 40)
    raise ValueError("enough")
"""


@dataclass(frozen=True)
class Two:
    """An instance, and two versions of the program."""

    directory: Path

    @property
    def database(self) -> Path:
        return self.directory / DATABASE

    def former(self, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(CODE)}
        return self._run([sys.executable, "-m", "panel.cli"], words, environment)

    def later(self, source: str, *words: str, crash: str = "") -> subprocess.CompletedProcess[str]:
        return self._run(later_version.command(), words, self.environment(source, crash))

    def start(self, source: str, *words: str) -> subprocess.Popen[str]:
        command = [*later_version.command(), "--instance", str(self.directory), *words]
        return subprocess.Popen(command, env=self.environment(source), cwd="/", text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def environment(self, source: str, crash: str = "") -> dict[str, str]:
        directory = self.directory.parent / f"migrations {abs(hash(source))}"
        if not directory.exists():
            migrations(directory, _9001_later=source)
        return {**later_version.environment(directory), VARIABLE: crash}

    def whole(self) -> list[str]:
        """What the next process finds, but for what the program notes of its own commands."""
        return rows_of(self.database)

    def _run(
        self, program: list[str], words: Sequence[str], environment: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        command = [*program, "--instance", str(self.directory), *words]
        return subprocess.run(
            command, env=environment, cwd="/", capture_output=True, text=True, timeout=60, check=False
        )


def rows_of(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [line for line in connection.iterdump() if '"audit_entry"' not in line]


@pytest.fixture
def two(tmp_path: Path) -> Two:
    made = Two(tmp_path / "instance")
    assert made.former("init", "--admin", "root").returncode == 0
    assert made.former("account", "add", "alice", "--name", "alice.test").returncode == 0
    return made


def accounts(ended: subprocess.CompletedProcess[str]) -> list[str]:
    assert ended.returncode == 0, ended.stderr
    return [one["account"] for one in json.loads(ended.stdout)["accounts"]]


@pytest.mark.parametrize(("point", "source"), [
    ("before copy database", BUSY), ("after copy database", BUSY), ("before commit migrations", BUSY),
    ("", KILLED),
])
def test_before_its_end_everything_is_as_it_was(two: Two, point: str, source: str) -> None:
    before = two.whole()
    died = two.later(source, "account", "list", crash=point)
    assert died.returncode == (EXIT_CODE if point else -signal.SIGKILL)
    assert two.whole() == before
    assert accounts(two.former("account", "list", "--json")) == ["alice"]
    assert accounts(two.later(BUSY, "account", "list", "--json")) == ["alice"]
    assert two.former("account", "list").returncode == 2


def test_after_its_end_everything_is_as_it_should_be(two: Two) -> None:
    died = two.later(BUSY, "account", "list", crash="after commit migrations")
    assert died.returncode == EXIT_CODE
    refused = two.former("account", "list", "--json")
    assert refused.returncode == 2 and json.loads(refused.stdout)["error"]["code"] == "instance_newer"
    done = two.later(BUSY, "account", "list", "--json")
    assert accounts(done) == ["alice"] and "brought up" not in done.stderr


def test_a_copy_that_was_left_half_made_is_made_anew(two: Two) -> None:
    folder = two.directory / "backups" / "db"
    folder.mkdir()
    (folder / ".unfinished-before").write_bytes(b"half")
    before = two.whole()
    assert accounts(two.later(ADDS, "account", "list", "--json")) == ["alice"]
    (copy,) = folder.iterdir()
    assert rows_of(copy) == before


def test_a_death_while_the_copy_is_put_back_leaves_a_way_back(two: Two) -> None:
    """Before: the damage is told, with the copy that mends it. After: it is mended."""
    before = two.whole()
    assert two.later(BYPASSES, "account", "list", crash="before put database back").returncode == EXIT_CODE
    told = two.later(ADDS, "account", "list")
    (copy,) = copies_before(Place(two.directory))
    assert told.returncode == 2 and f"restore --force {copy}" in told.stderr
    assert two.former("restore", "--force", str(copy)).returncode == 0
    assert two.whole() == before
    assert two.later(BYPASSES, "account", "list", crash="after put database back").returncode == EXIT_CODE
    assert two.whole() == before
    assert accounts(two.former("account", "list", "--json")) == ["alice"]


def test_of_several_processes_at_once_one_makes_the_upgrade_and_all_go_on(two: Two) -> None:
    started = [two.start(BUSY, "account", "list", "--json") for _ in range(4)]
    ended = [(*one.communicate(timeout=60), one.returncode) for one in started]
    assert [code for _, _, code in ended] == [0] * 4, ended
    assert sum("brought up from version" in err for _, err, _ in ended) == 1
    assert len(copies_before(Place(two.directory))) == 1


def test_beside_a_server_of_the_former_version_every_command_says_what_to_do(two: Two) -> None:
    before = two.whole()
    serving = claim(Place(two.directory))
    for words in (["account", "list"], ["serve", "--single"], ["check", "--all"]):
        said = two.later(ADDS, *words, "--json")
        assert said.returncode == 2 and json.loads(said.stdout)["error"]["code"] == "upgrade_held", words
        assert "systemctl stop autossl" in said.stderr and said.stderr.count("\n") == 1
    serving.release()
    assert two.whole() == before
