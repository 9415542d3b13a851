"""Where the check of an account stands, by the rows of the queue."""

from __future__ import annotations

import models
from jobs import queue
from jobs.wiring.check_states import CheckState, of_accounts, of_entries
from jobs.wiring.instance import Instance, now

RUN = "2026-11-25T10:00:00.000Z"


def asked(*accounts: str, forced: bool = True) -> models.QueueEntry:
    row, _ = queue.request_check(list(accounts) or None, forced, now())
    return row


def states(*accounts: str) -> list[str]:
    return [state.state for state in of_accounts(accounts).values()]


def test_without_any_check_there_is_no_state(instance: Instance) -> None:
    assert of_accounts(["alice"]) == {"alice": CheckState()}
    assert of_accounts([]) == {}


def test_its_own_check_counts_more_than_one_that_it_shares(instance: Instance) -> None:
    everything = asked()
    queue.update(everything, state="running")
    mine = asked("alice")
    assert states("alice", "bob") == ["queued", "running"]
    found = of_accounts(["alice", "bob"])
    assert (found["alice"].entry, found["alice"].shared) == (mine.id, False)
    assert (found["bob"].entry, found["bob"].shared) == (everything.id, True)


def test_a_check_of_several_is_a_check_of_each_and_of_no_other(instance: Instance) -> None:
    row = asked("alice", "bob")
    assert states("alice", "bob", "carol") == ["queued", "queued", ""]
    assert list(of_entries([("alice", row.id), ("carol", row.id)])) == ["alice"]


def test_of_what_is_over_the_latest_is_told_with_its_run_or_its_reason(instance: Instance) -> None:
    queue.finish(asked("alice"), "done", RUN, now())
    assert of_accounts(["alice"])["alice"].run == RUN
    queue.finish(asked("alice"), "failed", "the CA did not answer", now())
    found = of_accounts(["alice"])["alice"]
    assert (found.state, found.run, found.text) == ("failed", "", "the CA did not answer")
    queue.finish(asked(), "done", RUN, now())
    found = of_accounts(["alice"])["alice"]
    assert (found.state, found.shared, found.run) == ("done", True, RUN)


def test_an_order_is_no_check(instance: Instance) -> None:
    row = queue.request_order("alice.test", "alice", "letsencrypt", {"names": []}, now())[0]
    assert states("alice") == [""]
    assert of_entries([("alice", row.id), ("bob", 999)]) == {}
