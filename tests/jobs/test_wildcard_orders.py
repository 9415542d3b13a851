"""A check of a website whose siblings could be a wildcard: who may have one, and what happens when the CA refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import jobs.validate
import models
from jobs.check import check
from jobs.policy.failure import Failure
from jobs.policy.specs import Specs
from jobs.policy.verdict import Verdict
from jobs.report import Case
from jobs.wiring import accounts, exclusions
from jobs.wiring.instance import Instance
from jobs.world import Scope
from jobs.zones import Serving, Zones
from tests.jobs.check_host import CA
from tests.jobs.check_host import Host as OneSite

NAMES = ("a.test", "b.a.test", "c.a.test", "d.a.test")


class WildCA(CA):
    """Issues wildcards; refuses the names in `refuses` one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses: set[str] = set()
        self.methods: tuple[str, ...] = ("http-01", "dns-01")
        self.issued: list[tuple[str, ...]] = []

    def specs(self) -> Specs:
        return replace(super().specs(), wildcard=True, dcv_methods=self.methods)

    def issue(self, request: Any, solvers: Any, journal: Any) -> Any:
        bad = {name: f"{name}: no" for name in request.names if name in self.refuses}
        if bad:
            raise Failure("validation_failed", "; ".join(bad.values()), names=bad)
        self.issued.append(request.names)
        return super().issue(request, solvers, journal)


class Served(Zones):
    """Every name lies in a zone of ours, if any does."""

    def __init__(self, here: bool = True) -> None:
        super().__init__(())
        self.here = here

    def serving(self, name: str) -> Serving | None:
        return Serving(None, "a.test") if self.here else None  # type: ignore[arg-type]


class Host(OneSite):
    def __init__(self, instance: Instance, root: Path) -> None:
        super().__init__(instance, root)
        self.ca: WildCA = WildCA()
        self.zones = Served()
        self.asked: set[str] = set()
        self.asked_by: set[str] = set()

    def run(self) -> dict[str, Case]:
        cases = check(replace(self.world([self.service]), zones=self.zones), Scope())
        return {case.website.main: case for case in cases}


@pytest.fixture
def host(instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    made = Host(instance, tmp_path)

    def passes(names: Any, setting: Any, *_: object) -> dict[str, Verdict]:
        made.asked.update(names)
        made.asked_by.update(setting.dcv_methods)
        return {
            name: Verdict(name, True, "dns-01" if name.startswith("*.") else "http-01")
            if name in NAMES or name.startswith("*.") or name.endswith("other.test")
            else Verdict(name, False, None, "dns_nxdomain", "none", resolves=False)
            for name in names
        }

    monkeypatch.setattr(jobs.validate, "preflight", passes)
    models.Website.update(names=json.dumps(NAMES)).execute()
    models.FeatureList.update(wildcard=True).execute()
    yield made
    made.log.close()


def test_siblings_are_ordered_as_a_wildcard_and_the_guesses_below_it_are_forgotten(host: Host) -> None:
    case = host.run()["a.test"]
    assert (case.outcome, host.ca.issued) == ("installed", [("a.test", "*.a.test")])
    assert host.run()["a.test"].outcome == "kept" and len(host.ca.issued) == 1


@pytest.mark.parametrize("why", ["feature list", "zone", "excluded", "another account", "no dns-01"])
def test_without_leave_no_wildcard_is_even_tried(host: Host, why: str) -> None:
    if why == "feature list":
        models.FeatureList.update(wildcard=False).execute()
    if why == "zone":
        host.zones = Served(False)
    if why == "no dns-01":
        host.ca.methods = ("http-01",)
    if why == "excluded":
        exclusions.exclude(host.instance, "alice", ["old.a.test"])
    if why == "another account":
        accounts.add(host.instance, "bob", None, "default", ["other.test", "bob.a.test"], None)
        models.Website.update(names=json.dumps(NAMES)).where(models.Website.main == "a.test").execute()
    host.run()
    assert host.asked_by == set(host.ca.methods)
    assert set(NAMES) in [set(names) for names in host.ca.issued]
    assert "*.a.test" not in host.asked and not [names for names in host.ca.issued if "*.a.test" in names]


@pytest.mark.parametrize("refused", [{"*.a.test"}, {"*.a.test", "a.test"}])
def test_a_wildcard_that_the_ca_refuses_leaves_the_names_one_by_one(host: Host, refused: set[str]) -> None:
    host.ca.refuses = refused
    case = host.run()["a.test"]
    assert case.outcome == "installed"
    assert set(case.names) == set(NAMES) - refused
    assert {left.name for left in case.left_off} == refused - {"*.a.test"}


def test_an_order_of_a_wildcard_that_is_under_way_is_gone_on_with(host: Host) -> None:
    host.ca.answer = "pending"
    assert host.run()["a.test"].outcome == "pending"
    host.ca.answer = None
    host.pass_by(minutes=10)
    case = host.run()["a.test"]
    assert (case.outcome, case.names) == ("installed", ("a.test", "*.a.test"))
    assert len(host.ca.orders) == 1
