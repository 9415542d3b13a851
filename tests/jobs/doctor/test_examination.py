"""The examination as a whole: none of its checks can hide what the others found, or keep somebody waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

import models
from jobs import doctor as checks_of
from jobs import queue, records
from jobs.doctor import Host
from jobs.policy.doctor import Result, State
from jobs.policy.failure import Failure
from jobs.wiring import doctor
from jobs.wiring.instance import Instance, create, now, open_instance
from jobs.wiring.setup import LOCK


@pytest.fixture
def instance(tmp_path: Any) -> Iterator[Instance]:
    create(tmp_path / "instance")
    models.database.close()
    opened = open_instance(tmp_path / "instance")
    yield opened
    opened.close()


def check(title: str, *results: Result, error: BaseException | None = None, wait: threading.Event | None = None) -> Any:
    def examine(host: Host) -> Iterable[Result]:
        if wait is not None:
            wait.wait(20)
        if error is not None:
            raise error
        return results

    return SimpleNamespace(__doc__=f"{title}.\n", examine=examine)


def use(monkeypatch: pytest.MonkeyPatch, **chosen: Any) -> None:
    monkeypatch.setattr(checks_of, "checks", lambda: chosen)


FINE, BAD = Result(State.FINE, "one", "it is"), Result(State.WRONG, "two", "it is not", "that it is", "Mend it.")


def test_the_worst_comes_first_and_decides(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, a=check("A", FINE), b=check("B", FINE, BAD), c=check("C", Result(State.WARNING, "x", "y")))
    found = doctor.examine(instance)
    order = [(one["title"], one["state"]) for one in found["checks"]]
    assert order == [("B", "wrong"), ("C", "warning"), ("A", "fine")]
    assert (found["state"], found["ok"]) == ("wrong", False)
    assert found["checks"][0]["results"][1] == {
        "state": "wrong", "subject": "two", "text": "it is not", "expected": "that it is", "remedy": "Mend it."
    }
    use(monkeypatch, a=check("A", FINE), c=check("C", Result(State.WARNING, "x", "y")))
    assert doctor.examine(instance)["ok"] is True


@pytest.mark.parametrize("error", [Failure("unreadable", "a file is gone"), ValueError("nobody foresaw this")])
def test_a_check_that_breaks_is_told_and_hides_no_other(
    instance: Instance, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    use(monkeypatch, a=check("A", error=error), b=check("B", FINE))
    found = {one["check"]: one for one in doctor.examine(instance)["checks"]}
    assert found["a"]["state"] == "wrong" and str(error).split(" [")[0] in found["a"]["results"][0]["text"]
    assert found["a"]["results"][0]["remedy"]
    assert found["b"]["state"] == "fine"


def test_a_check_without_an_end_keeps_nobody_waiting(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = threading.Event()
    use(monkeypatch, a=check("A", BAD, wait=stuck), b=check("B", FINE))
    began = time.monotonic()
    found = {one["check"]: one for one in doctor.examine(instance, seconds=0.3)["checks"]}
    stuck.set()
    assert time.monotonic() - began < 2
    assert found["a"]["results"][0]["text"] == "it came to no end within 0.3 s"
    assert (found["a"]["state"], found["b"]["state"]) == ("warning", "fine")


def test_what_rows_say_is_handed_to_the_checks(instance: Instance) -> None:
    moment = now()
    models.Account.create(name="alice", source="manifest", found_at=moment - timedelta(days=3))
    run = records.start_run("2026-11-24T03:00:00.000Z", "*", "ca", moment - timedelta(hours=4))
    records.finish_run(run, "done", {"websites": 3}, moment - timedelta(hours=3))
    broken_off = records.start_run("2026-11-24T04:00:00.000Z", "*", "ca", moment - timedelta(hours=2))
    records.finish_run(broken_off, "failed", {}, moment - timedelta(hours=2))
    records.start_run("2026-11-24T05:00:00.000Z", "alice", "ca", moment - timedelta(hours=1))
    gone = instance.place.instance / "gone"
    models.SetupFile.create(path=str(gone), service="apache", existed=False, written_sha256="x", changed_at=moment)
    host = doctor._host(instance)
    assert host.rhythm.last == moment - timedelta(hours=3) and host.rhythm.since == moment - timedelta(days=3)
    assert host.rhythm.working_since == moment - timedelta(hours=1)
    assert (host.rhythm.locked, host.rhythm.serving) == (False, False)
    assert [(one.service, one.state) for one in host.written] == [("apache", "gone")]
    assert host.soundness() == ("", True)
    with queue.instance_lock(instance.place.instance / LOCK, lambda: None, lambda: True):
        assert doctor._host(instance).rhythm.locked


def test_a_provider_whose_options_are_broken_is_told_and_hides_no_other(instance: Instance) -> None:
    models.Provider.create(name="odd", plugin="from_the_future", current=True, added_at=now())
    host = doctor._host(instance)
    assert host.provider is not None
    (one,) = doctor._results("provider", checks_of.checks()["provider"], host)
    assert (one.state, one.subject) == (State.WRONG, "directory") and "from_the_future" in one.text


def test_a_directory_is_fetched_once_for_all_checks() -> None:
    asked: list[int] = []

    def fails() -> Any:
        asked.append(1)
        raise Failure("ca_unreachable", "down")

    once = doctor._Once(fails)
    for _ in range(3):
        with pytest.raises(Failure, match="down"):
            once()
    assert asked == [1]
