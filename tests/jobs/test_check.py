"""One check from end to end: real SQLite, a real Pebble and DNS, a service that does what the contract says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import models
from jobs import records
from jobs.challenges import HttpSolver
from jobs.check import check as run_steps
from jobs.config import Check, Config, Dns, Validation
from jobs.order import Ordering
from jobs.policy.failure import Failure
from jobs.policy.file_change import FileChange
from jobs.providers.custom import Options, Provider
from jobs.report import Case
from jobs.runlog import RunLog
from jobs.wiring import accounts
from jobs.wiring.instance import Instance, create, now, open_instance
from jobs.world import Scope, World
from tests.fakes import FakeService
from tests.jobs.acme.pebble import Pebble, start_pebble


class Host:
    """An installation whose challenge directory a small web server serves, beside a CA that trusts that server."""

    def __init__(self, root: Path) -> None:
        create(root)
        models.database.close()
        nowhere = "binary = '/nowhere'\n"
        (root / "config.toml").write_text(f"[accounts.apache]\n{nowhere}[accounts.nginx]\n{nowhere}")
        self.instance: Instance = open_instance(root)
        self.pebble: Pebble = start_pebble(root)
        options = Options(directory=self.pebble.directory_url, ca_bundle=str(self.pebble.ca_file))
        self.provider = Provider(options, Provider(options).register(None, True, None))
        etc = root / "etc"
        etc.mkdir()
        self.service = FakeService(self.instance.place, etc)
        self.kept: list[str] = []
        self.log = RunLog(self.instance.place.logs, now(), now, None)

    def config(self) -> Config:
        return Config(
            dns=Dns((f"127.0.0.1:{self.pebble.dns_port}",)),
            validation=Validation(http_port=self.pebble.http_port, timeout=5.0),
            check=Check(service_names=("webmail",)),
        )

    def add(self, account: str, *names: str) -> None:
        accounts.add(self.instance, account, None, "default", names, None)

    def world(self) -> World:
        place = self.instance.place
        solvers = {"http-01": HttpSolver(place.challenges)}
        return World(
            place, self.config(), now, self.log, Ordering(place, "pebble", self.provider, solvers, now), None,
            [self.service], lambda: None, self._keep, None,
        )

    def check(self, world: World | None = None, **scope: object) -> dict[str, Case]:
        cases = run_steps(world or self.world(), Scope(**scope))  # type: ignore[arg-type]
        return {case.website.main: case for case in cases}

    def _keep(self, service: str, changes: Sequence[FileChange]) -> None:
        self.kept.append(service)

    def close(self) -> None:
        self.pebble.stop()
        self.log.close()
        self.instance.close()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path)
    yield made
    made.close()


def orders() -> int:
    return int(models.QueueEntry.select().where(models.QueueEntry.kind == "order").count())


def troubles(website: str) -> dict[str, str]:
    return {name: trouble.code for name, trouble in records.troubles().get(website, {}).items()}


def test_a_website_is_ordered_stored_installed_and_then_left_in_peace(host: Host) -> None:
    host.add("alice", "alice.test")
    case = host.check()["alice.test"]
    assert (case.outcome, case.services) == ("installed", {"fake": ("installed", "1 name on port 443")})
    assert set(case.names) == {"alice.test", "www.alice.test", "mail.alice.test", "webmail.alice.test"}
    assert orders() == 1 and host.kept
    again = host.check()["alice.test"]
    assert (again.outcome, again.good, orders(), host.service.reloads) == ("kept", True, 1, 2)
    assert troubles("alice.test") == {}


def test_a_plan_shows_the_names_and_the_reason_and_does_nothing(host: Host) -> None:
    host.add("alice", "alice.test")
    case = host.check(plan_only=True)["alice.test"]
    assert case.plan is not None and str(case.plan.action) == "order"
    assert case.as_json()["reason"] == "there is no certificate of ours yet"
    assert (orders(), host.service.reloads, records.live_certificates()) == (0, 1, {})
    assert list(host.instance.place.challenges.iterdir()) == []


def test_a_name_that_only_the_ca_refuses_does_not_sink_the_others(host: Host) -> None:
    host.add("alice", "alice.test", "blocked.test")
    case = host.check()["alice.test"]
    assert case.outcome == "installed" and not case.good
    assert "blocked.test" not in case.names and "www.alice.test" in case.names
    assert {left.name for left in case.left_off if left.code == "ca_rejected_name"} >= {"blocked.test"}
    assert all("forbidden by policy" in left.text for left in case.left_off)
    assert troubles("alice.test")["blocked.test"] == "ca_rejected_name"
    before = orders()
    assert host.check()["alice.test"].outcome == "kept"
    assert orders() == before, "the refused name waits for its own next try"


def test_a_name_that_does_not_resolve_is_left_off_with_its_reason(host: Host) -> None:
    host.pebble.dns("set-servfail", host="dead.test.")
    host.add("alice", "alice.test", "dead.test")
    case = host.check()["alice.test"]
    assert case.outcome == "installed" and not case.good
    assert troubles("alice.test")["dead.test"] == "dns_servfail"
    assert "dead.test" not in case.names
    log = (host.instance.place.logs / host.log.start / "log.txt").read_text()
    assert "DNS: dead.test: A servfail; AAAA servfail" in log, "what was asked, and who answered"


def test_a_ca_that_is_down_fails_every_website_with_its_name_and_keeps_the_services_as_they_are(host: Host) -> None:
    host.add("alice", "alice.test")
    host.add("bob", "bob.test")
    host.pebble.kill_ca()
    cases = host.check()
    assert {case.outcome for case in cases.values()} == {"failed"}
    assert {troubles(main)[""] for main in cases} == {"ca_unreachable"}
    assert host.service.reloads == 1 and records.live_certificates() == {}
    later = host.check()["bob.test"]
    assert later.plan is not None and later.plan.code == "backoff"


def test_a_bug_at_one_website_is_logged_and_the_others_go_on(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.add("alice", "alice.test")
    host.add("bob", "bob.test")
    world, real = host.world(), host.provider.issue

    def issue(request, solvers, journal):
        if "bob.test" in request.names:
            raise KeyError("nobody thought of this")
        return real(request, solvers, journal)

    monkeypatch.setattr(world.ordering.provider, "issue", issue)
    cases = host.check(world)
    assert (cases["alice.test"].outcome, cases["bob.test"].outcome) == ("installed", "failed")
    assert troubles("bob.test")[""] == "internal_error"
    log = (host.instance.place.logs / host.log.start / "log.jsonl").read_text()
    assert "nobody thought of this" in log and "Traceback" in log


def test_a_service_with_a_bug_leaves_no_half_done_state_and_the_certificate_stays_stored(host: Host) -> None:
    class Broken(FakeService):
        name = "broken"

        def reload(self) -> None:
            raise ZeroDivisionError

    etc = host.instance.place.instance / "etc2"
    etc.mkdir()
    broken = Broken(host.instance.place, etc)
    host.add("alice", "alice.test")
    case = host.check(replace(host.world(), services=[broken, host.service]))["alice.test"]
    assert case.services["broken"][0] == "failed" and case.services["fake"][0] == "installed"
    assert list(etc.iterdir()) == []
    assert not host.instance.place.link("alice.test", "broken").is_symlink()
    assert records.live_certificates()["alice.test"].names == case.names


def test_a_service_that_waits_for_its_next_try_is_not_told_as_fine(host: Host) -> None:
    host.add("alice", "alice.test")
    host.service.serves_wrongly = {"alice.test"}
    assert host.check()["alice.test"].outcome == "failed"
    host.service.serves_wrongly = set()
    waiting = host.check()["alice.test"]
    assert (waiting.outcome, waiting.good) == ("failed", False)
    assert waiting.services["fake"][0] == "failed" and "tried again at" in waiting.services["fake"][1]
    assert host.check(forced=True)["alice.test"].services["fake"][0] == "installed"


def test_a_full_disk_while_storing_keeps_the_order_and_the_next_check_downloads_it(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    import jobs.obtain

    def full(*_: object) -> Path:
        raise Failure("store_failed", "/instance/tls: writing the certificate: No space left on device")

    host.add("alice", "alice.test")
    with monkeypatch.context() as patch:
        patch.setattr(jobs.obtain, "store", full)
        assert host.check()["alice.test"].outcome == "failed"
    assert troubles("alice.test")[""] == "store_failed"
    assert host.check(forced=True)["alice.test"].outcome == "installed"
    assert orders() == 1, "the order that the CA has finished is not paid for twice"


def test_a_suspended_account_is_skipped_with_a_reason(host: Host) -> None:
    host.add("alice", "alice.test")
    accounts.suspend(host.instance, "alice")
    assert host.check() == {}
    lines = (host.instance.place.logs / host.log.start / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["skipped: the account is suspended"]


@pytest.mark.parametrize(
    ("names", "code"),
    [((), "certificate_no_san"), (("other.test",), "certificate_wrong_names")],
    ids=["no SAN", "other names"],
)
def test_a_certificate_that_is_not_what_was_ordered_never_reaches_a_service(
    host: Host, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], code: str
) -> None:
    from tests.fakes import TestCA, at_once

    bundle = TestCA().bundle(names)
    host.add("alice", "alice.test")
    world = host.world()
    monkeypatch.setattr(world.ordering.provider, "issue", at_once(lambda *_: bundle))
    assert host.check(world)["alice.test"].outcome == "failed"
    assert troubles("alice.test")[""] == code
    assert host.service.reloads == 1 and not (host.instance.place.live / "alice.test").exists()


def test_a_website_keeps_what_it_has_while_a_secured_name_fails(host: Host) -> None:
    host.add("alice", "alice.test")
    host.check()
    models.Website.update(names=json.dumps(["alice.test", "new.test"])).execute()
    host.pebble.dns("set-servfail", host="new.test.")
    case = host.check()["alice.test"]
    assert (case.outcome, orders()) == ("kept", 1)
    assert troubles("alice.test")["new.test"] == "dns_servfail"


def test_the_report_has_what_scripts_read(host: Host) -> None:
    host.add("alice", "alice.test")
    report = host.check()["alice.test"].as_json()
    assert set(report) >= {"account", "website", "decision", "outcome", "names", "left_off", "not_after", "services"}
    assert report["services"]["fake"] == {"state": "installed", "text": "1 name on port 443"}
    assert report["not_after"].endswith("Z")


def test_a_ca_that_can_not_be_reached_is_not_asked_again_for_every_further_website(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("alice", "bob", "carol"):
        host.add(name, f"{name}.test")
    asked: list[tuple[str, ...]] = []

    def issue(request, solvers, journal):
        asked.append(request.names)
        words = "fetching the CA's directory: ca.test: no answer after 30 s"
        raise Failure("ca_unreachable", words, of_provider=True)

    models.Provider.create(name="pebble", plugin="custom", added_at=now())
    world = host.world()
    world = replace(world, config=replace(world.config, check=replace(world.config.check, concurrency=1)))
    monkeypatch.setattr(world.ordering.provider, "issue", issue)
    cases = host.check(world)
    assert len(asked) == 1
    assert {case.failure.code for case in cases.values() if case.failure} == {"ca_unreachable"}
    assert sum("pebble is not asked before" in case.failure.detail for case in cases.values() if case.failure) == 2
