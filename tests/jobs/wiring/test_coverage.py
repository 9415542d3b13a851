"""What the owner of an account sees of each name: state, certificate, problem and remedy."""

from __future__ import annotations

from datetime import timedelta

import models
from jobs import records
from jobs.policy.certificate import Certificate
from jobs.policy.name_state import NameState
from jobs.wiring import accounts, exclusions
from jobs.wiring.coverage import account_status
from jobs.wiring.instance import Instance, now


def test_each_name_has_its_state_with_the_reason_and_the_remedy(instance: Instance) -> None:
    accounts.add(instance, "alice", None, "default", ["alice.test", "shop.alice.test"], None)
    start = now()
    names = ("alice.test", "www.alice.test")
    certificate = Certificate(names, "1", "f", "CA", start, start + timedelta(days=90), False, "", False)
    records.keep_certificate("alice.test", certificate, "x", start + timedelta(days=60), start)
    for name, code in (("shop.alice.test", "dns_nxdomain"), ("webmail.alice.test", "guess_unused")):
        facts = {"website": "alice.test", "name": name, "code": code, "text": f"{name}: no"}
        models.Problem.create(**facts, since=start, seen_at=start)
    models.ServiceState.create(website="alice.test", service="exim", state="failed", text="no", checked_at=start)
    exclusions.exclude(instance, "alice", ["mail.alice.test"])
    (site,) = account_status(instance, "alice")
    found = {row.name: row for row in site.names}
    assert found["alice.test"].state is NameState.COVERED and found["alice.test"].not_after == certificate.not_after
    assert found["www.alice.test"].issuer == "CA" and not found["www.alice.test"].own
    assert found["mail.alice.test"].state is NameState.EXCLUDED
    assert found["webmail.alice.test"].state is NameState.NOT_IN_USE and found["webmail.alice.test"].text == ""
    failing = found["shop.alice.test"]
    assert (failing.state, failing.text) == (NameState.FAILING, "shop.alice.test: no")
    assert failing.title == "The name does not exist in DNS" and failing.remedy.startswith("Add an A or AAAA record")
    assert found["mail.shop.alice.test"].state is NameState.WAITING
    assert [(one.service, one.state, one.text) for one in site.services] == [("exim", "failed", "no")]
    assert (site.covered, site.wanted) == (2, len(site.names) - 2)


def test_the_problem_of_the_whole_website_stands_at_each_name_that_lacks_a_certificate(instance: Instance) -> None:
    accounts.add(instance, "alice", None, "default", ["alice.test"], None)
    models.Problem.create(website="alice.test", name="", code="ca_unreachable", text="down", since=now(), seen_at=now())
    (site,) = account_status(instance, "alice")
    assert {row.state for row in site.names} == {NameState.FAILING}
    assert site.problem == "down" and "tried again" in site.remedy


def test_an_account_that_does_not_exist_has_no_websites(instance: Instance) -> None:
    assert account_status(instance, "nobody") == []
