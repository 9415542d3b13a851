"""A website with more names than the provider allows: its parts from the first check to their end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import jobs.validate
import models
from jobs import records
from jobs.check import check
from jobs.policy.file_change import FileChange
from jobs.policy.specs import Specs
from jobs.policy.verdict import Verdict
from jobs.report import Case
from jobs.wiring import accounts, coverage, discovery, exclusions
from jobs.wiring.instance import Instance
from jobs.world import Scope
from tests.fakes import FakeService
from tests.jobs.check_host import CA
from tests.jobs.check_host import Host as OneSite

NAMES = ("a.test", "b.test", "c.test", "d.test", "e.test")


class Mail(FakeService):
    """One that holds several certificates a website."""

    name = "mail"

    def release(self, website: Any) -> Sequence[FileChange]:
        path = self.etc / f"{website.main}.conf"
        return (FileChange(path),) if path.exists() else ()

    @property
    def configured(self) -> set[str]:
        return {path.stem for path in self.etc.iterdir()}


class CappedCA(CA):
    def __init__(self) -> None:
        super().__init__()
        self.cap: int | None = 2
        self.issued: list[tuple[str, ...]] = []

    def specs(self) -> Specs:
        return replace(super().specs(), max_names=self.cap)

    def issue(self, request: Any, solvers: Any, journal: Any) -> Any:
        self.issued.append(request.names)
        return super().issue(request, solvers, journal)


class Host(OneSite):
    def __init__(self, instance: Instance, root: Path) -> None:
        super().__init__(instance, root)
        self.ca: CappedCA = CappedCA()
        self.service.name = "apache"  # a web server: one certificate a website
        (root / "mail").mkdir()
        self.mail = Mail(instance.place, root / "mail")
        self.fails: set[str] = set()
        self.services: list[FakeService] = [self.service, self.mail]

    def name(self, *names: str) -> None:
        models.Website.update(names=json.dumps(names)).where(models.Website.main == "a.test").execute()

    def run(self, **scope: Any) -> dict[str, Case]:
        cases = check(self.world(self.services), Scope(**scope))
        return {case.website.main: case for case in cases}


@pytest.fixture
def host(instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    made = Host(instance, tmp_path)

    def tries(names: Any, *_: object) -> dict[str, Verdict]:
        return {
            name: Verdict(name, False, None, "http_status", f"{name}: 404") if name in made.fails
            else Verdict(name, False, None, "dns_nxdomain", "none", resolves=False) if name.count(".") > 1
            else Verdict(name, True, "http-01")
            for name in names
        }

    monkeypatch.setattr(jobs.validate, "preflight", tries)
    made.name(*NAMES)
    yield made
    made.log.close()


def parts() -> dict[str, tuple[str, ...]]:
    return {site.main: site.names for site in records.websites() if site.part_of}


def served(host: Host) -> dict[str, set[str]]:
    """What the mail service presents: main name -> names."""
    live = records.live_certificates()
    return {main: set(live[main].names) for main in host.mail.loaded}


def test_the_rest_of_the_names_is_on_further_certificates_for_mail_in_the_same_run(host: Host) -> None:
    cases = host.run()
    assert parts() == {"c.test": ("c.test", "d.test"), "e.test": ("e.test",)}
    assert served(host) == {"a.test": {"a.test", "b.test"}, "c.test": {"c.test", "d.test"}, "e.test": {"e.test"}}
    assert set(host.service.loaded) == {"a.test"}, "the web server has nothing to do with parts"
    assert set(cases) == {"a.test", "c.test", "e.test"}
    assert {case.outcome for case in cases.values()} == {"installed"}
    told = {left.name: left.code for left in cases["a.test"].left_off}
    assert told == dict.fromkeys(("c.test", "d.test", "e.test"), "split_off") and not cases["a.test"].good


def test_nothing_is_ordered_or_changed_by_the_next_check(host: Host) -> None:
    host.run()
    before, reloads = list(host.ca.issued), host.mail.reloads
    cases = host.run()
    assert (host.ca.issued, host.mail.reloads) == (before, reloads)
    assert {case.outcome for case in cases.values()} == {"kept"}
    kept = records.troubles()["a.test"].items()
    codes = {name: one.code for name, one in kept if one.code != "guess_unused"}
    assert codes == dict.fromkeys(("c.test", "d.test", "e.test"), "split_off")


def test_a_plan_shows_the_parts_and_makes_none(host: Host) -> None:
    cases = host.run(plan_only=True)
    assert cases["c.test"].as_json()["part_of"] == "a.test" and cases["c.test"].names == ("c.test", "d.test")
    assert (parts(), host.ca.issued, host.mail.configured) == ({}, [], set())


def test_a_new_name_goes_to_the_part_with_room_and_no_other_certificate_is_ordered_anew(host: Host) -> None:
    host.run()
    host.ca.issued.clear()
    host.name(*NAMES, "f.test")
    host.run()
    assert parts()["e.test"] == ("e.test", "f.test") and host.ca.issued == [("e.test", "f.test")]
    assert served(host)["e.test"] == {"e.test", "f.test"}


def test_without_a_service_that_holds_several_the_rest_is_left_off(host: Host) -> None:
    host.services = [host.service]
    cases = host.run()
    assert parts() == {} and {left.code for left in cases["a.test"].left_off} == {"over_cap"}


def test_a_name_that_its_website_lost_leaves_the_part_and_the_part_ends_with_its_last_name(host: Host) -> None:
    host.run()
    host.name("a.test", "b.test", "c.test")
    host.run()
    assert parts() == {"c.test": ("c.test", "d.test")}, "a name that is gone is not wanted; the certificate stays"
    assert host.run()["c.test"].facts.names == ("c.test",)
    assert host.mail.configured == {"a.test", "c.test"}


def test_an_excluded_name_is_not_ordered_again_and_comes_back_to_its_part(host: Host) -> None:
    host.run()
    exclusions.exclude(host.instance, "alice", ["c.test", "d.test", "e.test"])
    host.run()
    assert parts() == {} and host.mail.configured == {"a.test"}
    exclusions.include(host.instance, "alice", ["c.test", "d.test"])
    host.run()
    assert parts() == {"c.test": ("c.test", "d.test")} and host.mail.configured == {"a.test", "c.test"}


def test_names_come_back_when_the_cap_allows_it_and_the_parts_end_only_then(host: Host) -> None:
    host.run()
    host.ca.cap = 100
    host.fails = {"d.test"}
    cases = host.run()
    assert parts() and "d.test" not in cases["a.test"].names, "d.test has its certificate in the part still"
    assert set(cases["a.test"].names) == {"a.test", "b.test", "c.test", "e.test"}
    assert parts() and served(host)["c.test"] == {"c.test", "d.test"}
    host.fails = set()
    host.run(forced=True)
    host.run()
    assert parts() == {} and host.mail.configured == {"a.test"}
    assert served(host) == {"a.test": set(NAMES)}
    assert host.run()["a.test"].good


def test_a_part_stays_while_a_service_can_not_let_go_of_it(host: Host) -> None:
    host.run()
    host.ca.cap = 100
    host.run()
    host.mail.refuses = lambda text: True
    host.run()
    assert set(parts()) == {"c.test", "e.test"}
    host.mail.refuses = lambda text: False
    host.run()
    assert parts() == {} and host.mail.configured == {"a.test"}


def test_parts_go_with_their_website_and_are_no_find_of_a_discovery(host: Host) -> None:
    host.run()
    found = discovery.discover(host.instance)
    assert found["gone"] == [] and set(parts()) == {"c.test", "e.test"}
    accounts.remove(host.instance, "alice")
    assert records.websites() == []


def test_a_website_that_is_called_like_a_part_is_a_website_of_its_own(host: Host) -> None:
    host.run()
    host.name("a.test", "b.test", "d.test", "e.test")
    models.Account.create(name="bob", source="manifest", found_at=host.clock())
    accounts.add(host.instance, "bob2", None, "default", ["c.test"], None)
    discovery.discover(host.instance)
    assert "c.test" not in parts()
    cases = host.run()
    assert cases["c.test"].website.account == "bob2" and cases["c.test"].website.part_of is None


def test_the_owner_sees_every_name_once_and_that_the_web_server_lacks_some(host: Host) -> None:
    host.run()
    rows = [row for site in coverage.account_status(host.instance, "alice") for row in site.names if row.own]
    assert sorted(row.name for row in rows) == list(NAMES)
    states = {row.name: (row.state.value, row.code) for row in rows}
    assert states["a.test"] == ("covered", "")
    assert states["d.test"] == ("failing", "split_off")
    account = models.Account.get_by_id("alice")
    assert (account.wanted, account.covered) == (5, 2)
    assert accounts.list_accounts(host.instance)[0]["websites"] == 1


def test_every_choice_is_in_the_log_in_one_line(host: Host) -> None:
    host.run()
    lines = (host.instance.place.logs / host.log.start / "log.jsonl").read_text().splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    assert any("a.test has more names than one certificate holds; on a further one: c.test, d.test" in text
               for text in texts)
    assert sum(text.startswith("plan: order") for text in texts) == 3
