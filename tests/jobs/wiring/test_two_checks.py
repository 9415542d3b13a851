"""Two checks at once: one works, the other waits and tells what the first one found."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import models
from jobs.policy.failure import Failure
from jobs.wiring import checks
from jobs.wiring.instance import Instance, now


@pytest.fixture
def run(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], list[str]]:
    """Replaces the steps of a check; the list has the start of each that ran."""
    models.Provider.create(name="letsencrypt", plugin="letsencrypt", current=True, added_at=now())
    monkeypatch.setattr(checks, "_chosen", lambda instance: (None, None))

    def install(act: Callable[[], dict[str, Any]]) -> list[str]:
        ran: list[str] = []

        def instead(instance: Instance, chosen: Any, scope: Any, entry: Any, on_event: Any) -> dict[str, Any]:
            start = f"run{len(ran) + 1}"
            ran.append(start)
            report = {"run": start, "ok": True, "totals": {}, **act()}
            directory = instance.place.logs / start
            directory.mkdir()
            (directory / checks.REPORT).write_text(json.dumps(report))
            return report

        monkeypatch.setattr(checks, "_run", instead)
        return ran

    return install


def check(instance: Instance, said: list[str]) -> dict[str, Any]:
    with models.database.connection_context():
        return checks.check(instance, None, on_event=lambda event: said.append(event.text))


def test_the_second_one_waits_and_reports_the_same_run(instance: Instance, run: Any) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slowly() -> dict[str, Any]:
        begun.set()
        assert go_on.wait(10)
        return {}

    ran, said = run(slowly), []
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(check, instance, [])
        assert begun.wait(10)
        second = pool.submit(check, instance, said)
        while not said:
            assert not second.done()
        go_on.set()
        assert first.result(10)["run"] == second.result(10)["run"] == "run1"
    assert second.result()["joined"] is True and "joined" not in first.result()
    assert (ran, said) == (["run1"], ["another check is running on this instance; waiting for it"])


def test_the_second_one_says_that_the_first_one_failed_and_why(instance: Instance, run: Any) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def badly() -> dict[str, Any]:
        begun.set()
        assert go_on.wait(10)
        raise Failure("dns_no_resolver", "/etc/resolv.conf: expected a nameserver")

    run(badly)
    said: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(check, instance, [])
        assert begun.wait(10)
        second = pool.submit(check, instance, said)
        while not said:
            assert not second.done()
        go_on.set()
        with pytest.raises(Failure, match="expected a nameserver"):
            first.result(10)
        with pytest.raises(Failure, match=r"the check that was joined failed: /etc/resolv\.conf") as caught:
            second.result(10)
    assert caught.value.code == "check_failed"
