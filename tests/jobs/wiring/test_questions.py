"""Questions whose answer takes seconds: asked once, by few at a time, and answered whatever happens."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

import models
from jobs.policy.failure import Failure
from jobs.policy.site import Website
from jobs.wiring import checks, pending, questions, status
from jobs.wiring.instance import Instance, now
from jobs.wiring.questions import LOOK, PREVIEW, latest


class Plan:
    """Stands in for the steps of a check: it waits until the test lets it go on."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.failure: Exception | None = None
        self.asked: list[Any] = []

    def __call__(self, instance: Instance, accounts: list[str], forced: bool) -> dict[str, Any]:
        self.asked.append((accounts, forced))
        assert self.go_on.wait(10)
        if self.failure:
            raise self.failure
        return {"run": "2026-11-24T10:00:00.000Z", "websites": []}


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Iterator[Plan]:
    made = Plan()
    monkeypatch.setattr(checks, "plan", made)
    yield made
    made.go_on.set()
    ended()


def ended() -> None:
    """All threads that answer are over."""
    for thread in threading.enumerate():
        if thread.name.startswith((PREVIEW, LOOK)):
            thread.join(10)
            assert not thread.is_alive()


def test_a_preview_is_answered_with_its_run(instance: Instance, plan: Plan) -> None:
    asked, joined = questions.preview(instance, "alice")
    assert (asked.state, joined) == ("running", False)
    plan.go_on.set()
    ended()
    found = latest(PREVIEW, "alice")
    assert found is not None and found.state == "done" and found.finished_at is not None
    assert found.answer == {"run": "2026-11-24T10:00:00.000Z"}
    assert plan.asked == [(["alice"], True)]


def test_who_asks_the_same_meanwhile_joins_and_gets_the_same_answer(instance: Instance, plan: Plan) -> None:
    questions.preview(instance, "alice")
    assert questions.preview(instance, "alice")[1]
    plan.go_on.set()
    ended()
    assert len(plan.asked) == 1


def test_only_a_few_are_answered_at_once(instance: Instance, plan: Plan) -> None:
    for name in ("alice", "bob"):
        questions.preview(instance, name)
    with pytest.raises(Failure) as caught:
        questions.preview(instance, "carol")
    assert caught.value.code == "too_busy"
    assert latest(PREVIEW, "carol") is None
    plan.go_on.set()
    ended()
    assert questions.preview(instance, "carol")[1] is False


@pytest.mark.parametrize(
    ("error", "code"), [(Failure("ca_unreachable", "down"), "ca_unreachable"), (RuntimeError("x"), "internal_error")]
)
def test_a_question_that_fails_says_why(instance: Instance, plan: Plan, error: Exception, code: str) -> None:
    plan.failure = error
    plan.go_on.set()
    questions.preview(instance, "alice")
    ended()
    found = latest(PREVIEW, "alice")
    assert found is not None and (found.state, found.answer["code"]) == ("failed", code)


def test_a_question_whose_process_has_died_is_given_up_and_can_be_asked_again(instance: Instance, plan: Plan) -> None:
    questions.preview(instance, "alice")
    models.QueueEntry.update(requested_at=now() - questions.LONGEST - timedelta(seconds=1)).execute()
    found = latest(PREVIEW, "alice")
    assert found is not None and (found.state, found.answer["code"]) == ("failed", "answer_missing")
    assert questions.preview(instance, "alice")[1] is False


def test_a_preview_whose_log_is_gone_is_no_preview(instance: Instance, plan: Plan) -> None:
    plan.go_on.set()
    questions.preview(instance, "alice")
    ended()
    found = latest(PREVIEW, "alice")
    assert found is not None and questions.planned(instance, found) is None


def test_a_look_is_about_one_website_and_stands_in_no_queue(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def look(instance: Instance, website: Website) -> list[dict[str, Any]]:
        assert go_on.wait(10)
        return [{"service": website.main}]

    monkeypatch.setattr(status, "look", look)
    questions.look(instance, Website("alice", ("alice.test",)))
    assert pending.list_pending() == []
    go_on.set()
    ended()
    found = latest(LOOK, "alice.test")
    assert found is not None and found.answer == {"services": [{"service": "alice.test"}]}
    assert latest(LOOK, "bob.test") is None
