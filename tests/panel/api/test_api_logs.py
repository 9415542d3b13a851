"""The API's functions about logs."""

from __future__ import annotations

import pytest

from jobs import queue, records, runlog
from jobs.policy.failure import Failure
from jobs.wiring import log_pages
from jobs.wiring.instance import Instance, now
from tests.panel.api.api_client import Script, rows

TEXT = "the CA said \x1b[31mno\x07 to\nthis"


def run(instance: Instance, scope: str, over: bool = True) -> str:
    """A check with a log; its start."""
    with rows():
        moment = now()
        log = runlog.RunLog(instance.place.logs, moment, now, None)
        row = records.start_run(log.start, scope, "letsencrypt", moment)
        log.say("info", "checking")
        site = {"account": "alice", "website": "alice.test", "name": "www.alice.test"}
        log.say("warn", TEXT, **site, code="dns_nxdomain", indent=1)
        log.say("error", "it failed", account="alice")
        log.say("info", "kept", account="bob")
        log.say("success", "finished")
        log.close()
        if over:
            records.finish_run(row, "done", {}, now())
        return log.start


@pytest.fixture
def starts(instance: Instance) -> dict[str, str]:
    found = {scope: run(instance, scope) for scope in ("bob", "alice")}
    return {**found, "*": run(instance, "*", over=False)}


def test_the_catalog_lists_every_check_newest_first(admin: Script, starts: dict[str, str]) -> None:
    def row(scope: str, running: int) -> dict:
        return {"start_time": starts[scope], "provider": "letsencrypt", "username": scope, "in_progress": running}

    assert admin.data("get_autossl_logs_catalog") == {"payload": [row("*", 1), row("alice", 0), row("bob", 0)]}


def test_a_plan_is_no_check(admin: Script, instance: Instance, starts: dict[str, str]) -> None:
    plan = runlog.RunLog(instance.place.logs, now(), now, None)
    plan.close()
    assert plan.start not in {row["start_time"] for row in admin.data("get_autossl_logs_catalog")["payload"]}
    assert admin.refused("get_autossl_log", start_time=plan.start)[0] == 404


def test_a_log_has_its_lines_with_whm_s_types_and_without_control_characters(
    admin: Script, starts: dict[str, str]
) -> None:
    lines = admin.data("get_autossl_log", start_time=starts["alice"])["payload"]
    assert [line["type"] for line in lines] == ["out", "warn", "failure", "out", "success"]
    assert lines[1] == {
        "timestamp": lines[1]["timestamp"],
        "type": "warn",
        "contents": "alice.test www.alice.test: the CA said  [31mno  to this [dns_nxdomain]",
        "indent": 1,
        "pid": None,
        "partial": 0,
    }
    assert lines[1]["timestamp"].endswith("Z")
    assert lines[2]["contents"] == "alice: it failed"


def test_the_lines_carry_the_number_with_which_the_check_was_asked_for(
    admin: Script, starts: dict[str, str]
) -> None:
    with rows():
        row, _ = queue.request_check(["alice"], True, now())
        queue.finish(row, "done", starts["alice"], now())
    assert {line["pid"] for line in admin.data("get_autossl_log", start_time=starts["alice"])["payload"]} == {row.id}
    assert {line["pid"] for line in admin.data("get_autossl_log", start_time=starts["bob"])["payload"]} == {None}


def test_a_user_gets_the_lines_of_the_own_account_only(alice: Script, starts: dict[str, str]) -> None:
    assert [row["username"] for row in alice.data("get_autossl_logs_catalog")["payload"]] == ["*", "alice"]
    for scope in ("alice", "*"):
        lines = alice.data("get_autossl_log", start_time=starts[scope])["payload"]
        assert [line["type"] for line in lines] == ["warn", "failure"]
    unknown = alice.refused("get_autossl_log", start_time="2026-01-01T00:00:00.000Z")
    status, reason = alice.refused("get_autossl_log", start_time=starts["bob"])
    assert (status, reason.replace(starts["bob"], "")) == (404, unknown[1].replace("2026-01-01T00:00:00.000Z", ""))


def test_a_long_log_is_given_whole(admin: Script, instance: Instance) -> None:
    with rows():
        log = runlog.RunLog(instance.place.logs, now(), now, None)
        records.start_run(log.start, "*", "letsencrypt", now())
        for number in range(2500):
            log.say("info", str(number))
        log.close()
    lines = admin.data("get_autossl_log", start_time=log.start)["payload"]
    assert [line["contents"] for line in lines] == [str(number) for number in range(2500)]


@pytest.mark.parametrize("start", ["..", "../../etc", "2026-11-24", "%00", "/etc/passwd"])
def test_a_start_that_is_no_run_s_opens_no_file(admin: Script, start: str) -> None:
    assert admin.refused("get_autossl_log", start_time=start)[0] == 404


def test_a_log_whose_files_are_gone_is_a_sentence(admin: Script, instance: Instance, starts: dict[str, str]) -> None:
    (instance.place.logs / starts["bob"]).rename(instance.place.instance / "away")
    status, reason = admin.refused("get_autossl_log", start_time=starts["bob"])
    assert (status, starts["bob"] in reason) == (404, True)


def test_what_cannot_be_read_on_the_host_is_told_by_its_path_to_who_sees_the_host_only(
    admin: Script, alice: Script, starts: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise Failure("unreadable", "/var/inside/log.jsonl: reading the log: Input/output error")

    monkeypatch.setattr(log_pages, "from_byte", refuse)
    values = {"start_time": starts["alice"]}
    status, reason = admin.refused("get_autossl_log", **values)
    assert status == 409 and "/var/inside" in reason
    status, reason = alice.refused("get_autossl_log", **values)
    assert status == 409 and reason and "/var/inside" not in reason
