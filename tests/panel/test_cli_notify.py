"""What an account's owner is mailed about, chosen on the command line, within what the options allow."""

from __future__ import annotations

import models
from jobs.policy.options import NotifyLevel
from jobs.wiring import own_level
from jobs.wiring.instance import open_instance
from tests.panel.command_line import Line


def add_alice(line: Line) -> None:
    assert line.run("account", "add", "alice", "--name", "alice.test").code == 0


def test_a_level_is_kept_and_taken_back(line: Line) -> None:
    add_alice(line)
    assert line.run("account", "notify", "failures", "alice").code == 0
    instance = open_instance(line.instance)
    row = models.Account.get_by_id("alice")
    assert (row.notify, own_level.chosen(instance.config, row)) == ("failures", NotifyLevel.FAILURES)
    assert line.run("account", "notify", "default", "alice").code == 0
    assert models.Account.get_by_id("alice").notify is None


def test_a_louder_level_than_the_administrators_is_refused(line: Line) -> None:
    add_alice(line)
    assert line.run("option", "set", "notify_user", "failures").code == 0
    answer = line.run("account", "notify", "warnings", "alice")
    assert answer.code == 2 and "expected one of failures, off" in answer.err
    assert models.Account.get_by_id("alice").notify is None


def test_a_level_that_was_allowed_once_is_capped_later(line: Line) -> None:
    add_alice(line)
    line.run("account", "notify", "warnings", "alice")
    line.run("option", "set", "notify_user", "off")
    instance = open_instance(line.instance)
    assert own_level.chosen(instance.config, models.Account.get_by_id("alice")) is NotifyLevel.OFF


def test_an_account_that_does_not_exist_is_named(line: Line) -> None:
    answer = line.run("account", "notify", "off", "nobody")
    assert answer.code != 0 and "nobody: there is no such account" in answer.err
