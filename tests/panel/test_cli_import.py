"""`autossl import`."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

import models
from jobs.wiring.instance import now
from tests.fakes import TestCA
from tests.jobs.lineages import laid_out
from tests.panel import seed
from tests.panel.command_line import Line

CA = TestCA()


@pytest.fixture
def alice(line: Line) -> Line:
    nowhere = "binary = '/nowhere'\n"
    both = [f"[{section}.{name}]\n{nowhere}" for section in ("accounts", "services") for name in ("apache", "nginx")]
    (line.instance / "config.toml").write_text("".join(both))
    assert line.run("account", "add", "alice", "--name", "alice.test").code == 0
    seed.provider()
    models.database.close()
    return line


def kept_by(client: str, directory: Path, *names: str) -> str:
    own = CA.bundle(names, now() - timedelta(days=1))
    (laid_out.certbot if client == "certbot" else laid_out.acme_sh)(directory, names[0], own)
    return str(directory)


@pytest.mark.parametrize("client", ["certbot", "acme.sh"])
def test_a_plan_is_shown_then_it_is_done_and_how_the_others_renewals_are_ended(
    alice: Line, tmp_path: Path, client: str
) -> None:
    where = kept_by(client, tmp_path / "theirs", "alice.test")
    before = {path: path.read_bytes() for path in Path(where).rglob("*") if path.is_file()}
    plan = alice.run("import", client, "--plan", "--directory", where)
    assert plan.code == 0 and "1 website would be taken over. Nothing was changed." in " ".join(plan.out.split())
    assert models.Certificate.select().count() == 0
    models.database.close()
    done = alice.run("import", client, "--directory", where)
    assert done.code == 0 and "have it installed, which orders nothing: autossl check --all" in done.out
    assert {"certbot": "renewal/alice.test.conf.off", "acme.sh": "--remove -d alice.test --ecc"}[client] in done.out
    assert models.Certificate.get().taken_from == client
    assert before == {path: path.read_bytes() for path in Path(where).rglob("*") if path.is_file()}
    actions = [row.action for row in models.AuditEntry.select() if row.action.startswith("import")]
    assert actions == [f"import {client}"], "a plan changes nothing, so nothing is told of it"


def test_what_is_not_taken_says_why_and_is_wrong_only_if_it_was_asked_for(alice: Line, tmp_path: Path) -> None:
    where = kept_by("certbot", tmp_path / "theirs", "strange.test")
    answer = alice.run("import", "certbot", "--directory", where, "--json")
    assert answer.code == 0
    (one,) = json.loads(answer.out)["lineages"]
    assert not one["adopted"] and one["why"] == "no website of this host has one of its names (strange.test)"
    asked = alice.run("import", "certbot", "--directory", where, "--website", "alice.test")
    assert asked.code == 1 and "certbot has nothing there that is for a website of this host." in asked.out
    unknown = alice.run("import", "certbot", "--directory", where, "--website", "nowhere.test")
    assert unknown.code == 2 and "nowhere.test: there is no such website" in unknown.err


def test_names_and_files_of_others_do_not_steer_the_terminal(alice: Line, tmp_path: Path) -> None:
    (tmp_path / "theirs" / "live" / "\x1b[31mred").mkdir(parents=True)
    answer = alice.run("import", "certbot", "--directory", str(tmp_path / "theirs"))
    assert "\x1b" not in answer.out and "it has an odd name" in answer.out


def test_a_directory_that_is_not_there_is_told(alice: Line, tmp_path: Path) -> None:
    answer = alice.run("import", "certbot", "--directory", str(tmp_path / "nowhere"))
    assert answer.code == 1 and "reading the directory" in answer.err
