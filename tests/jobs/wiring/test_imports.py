"""Lineages of another client become certificates of ours: nothing is ordered for them, now or at the next check."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import models
from jobs import queue, records
from jobs.policy.certificate import Bundle
from jobs.policy.failure import Failure
from jobs.policy.limits import Counted
from jobs.policy.lineage import Lineage
from jobs.policy.other_clients import Client
from jobs.policy.proof import read_certificate
from jobs.policy.site import Website
from jobs.ports import Installed
from jobs.store import live_set, set_damage
from jobs.wiring import accounts, exclusions, imports, takeover
from jobs.wiring.instance import Instance, now
from tests.fakes import TestCA
from tests.jobs.check_host import Host, host
from tests.jobs.lineages import laid_out

__all__ = ["host"]

CA = TestCA()
SOON = timedelta(days=1)


class Web:
    """A web server that presents these, by website, or whose configuration can't be read."""

    name = "apache"

    def __init__(self, shown: dict[str, Installed], trouble: Failure | None = None) -> None:
        self._shown, self._trouble = shown, trouble

    def concerns(self, website: Website) -> bool:
        return True

    def installed(self, website: Website) -> Installed | None:
        if self._trouble is not None:
            raise self._trouble
        return self._shown.get(website.main)


@pytest.fixture(autouse=True)
def current(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "services", lambda instance: [])
    models.Provider.create(name="letsencrypt", plugin="letsencrypt", current=True, added_at=now())


def website(instance: Instance, *names: str, account: str = "bob") -> None:
    accounts.add(instance, account, None, "default", names, None)


def bundle(*names: str, since: datetime | None = None, days: int = 90) -> Bundle:
    return CA.bundle(names, not_before=since or now() - SOON, lifetime=timedelta(days=days))


def lineage(name: str, *names: str, **facts: Any) -> Lineage:
    made = facts.pop("bundle", None) or bundle(*(names or (name,)), **{
        key: facts.pop(key) for key in ("since", "days") if key in facts})
    return Lineage(Client.CERTBOT, name, made, **{"server": laid_out.SERVER, "stop": f"mv {name}", **facts})


def result(report: dict[str, Any]) -> dict[str, str]:
    """Why, by website; empty for what was taken over."""
    return {one["website"] or one["name"]: one["why"] for one in report["lineages"]}


def test_a_lineage_is_kept_as_a_set_with_its_key_its_dates_and_its_ca(instance: Instance) -> None:
    website(instance, "a.test", "www.a.test")
    own = bundle("a.test", "www.a.test", since=now() - timedelta(days=20))
    report = imports.adopt(instance, [lineage("a.test", bundle=own)])
    assert result(report) == {"a.test": ""} and report["adopted"] == 1 and report["stop"] == ["mv a.test"]
    kept = records.live_certificates()["a.test"]
    assert kept.taken_from == "certbot" and kept.not_before < now() - timedelta(days=19)
    directory = live_set(instance.place, "a.test", kept.serial)
    assert set_damage(directory) == "" and (directory / "fullchain.pem").read_bytes() == own.fullchain
    assert (directory / "privkey.pem").stat().st_mode & 0o037 == 0
    row = models.Certificate.get()
    assert (row.provider, row.account_url) == ("letsencrypt", None)
    assert row.due_at == row.not_after - timedelta(days=30)
    assert row.ari_next is not None, "the CA is asked when it would like it renewed"
    assert records.taken_over() == {"a.test"} and models.QueueEntry.select().count() == 0


def test_the_next_check_installs_it_and_orders_nothing_and_it_is_renewed_when_it_is_due(host: Host) -> None:
    host.at = now()
    own = bundle("a.test")
    imports.adopt(host.instance, [lineage("a.test", bundle=own)])
    case = host.check()
    assert (str(case.decision.action), case.outcome, host.rows()) == ("install only", "installed", [])
    assert host.service.loaded["a.test"] == own.leaf
    assert host.check(forced=True).outcome == "kept", "also when a person asks, and www. and mail. would validate"
    assert host.rows() == []
    host.pass_by(days=60)
    case = host.check()
    assert (case.decision.code, case.outcome, len(host.rows())) == ("due", "installed", 1)
    assert {"www.a.test", "mail.a.test"} <= set(case.names) and host.service.loaded["a.test"] != own.leaf
    assert records.live_certificates()["a.test"].taken_from == ""


def test_the_plan_changes_nothing(instance: Instance) -> None:
    website(instance, "a.test")
    report = imports.adopt(instance, [lineage("a.test")], plan_only=True)
    assert report["adopted"] == 1 and report["plan"]
    assert records.live_certificates() == {} and records.taken_over() == frozenset()
    assert list(instance.place.live.iterdir()) == []


def test_one_certificate_of_several_websites_is_kept_for_each_of_them(instance: Instance) -> None:
    website(instance, "a.test")
    website(instance, "b.test", account="carol")
    imports.adopt(instance, [lineage("both", "a.test", "b.test")])
    live = records.live_certificates()
    assert live["a.test"].fingerprint == live["b.test"].fingerprint
    assert all(set_damage(live_set(instance.place, main, one.serial)) == "" for main, one in live.items())


def test_twice_takes_nothing_twice(instance: Instance) -> None:
    website(instance, "a.test")
    one = lineage("a.test")
    imports.adopt(instance, [one])
    assert "taken over before" in result(imports.adopt(instance, [one]))["a.test"]
    assert models.Certificate.select().count() == 1


def broken_chain(own: Bundle) -> Bundle:
    return Bundle(own.privkey, (own.leaf, TestCA("Another").bundle(["y.test"]).chain[1]))


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        (lambda: Bundle(bundle("a.test").privkey, bundle("a.test").chain), "made for another key"),
        (lambda: bundle("a.test", since=now() - timedelta(days=91)), "expected a certificate valid now"),
        (lambda: bundle("a.test", since=now() + timedelta(days=2)), "is this clock right?"),
        (lambda: broken_chain(bundle("a.test")), "is not signed by the one that follows it"),
        (lambda: TestCA("(STAGING) Counterfeit").bundle(["a.test"], now() - SOON), "is a test CA"),
        (lambda: bundle("a.test", "<script>.test"), "is no host name"),
        (lambda: CA.bundle([], not_before=now() - SOON), "names nobody"),
    ],
    ids=["another key", "expired", "of tomorrow", "a broken chain", "staging", "a hostile name", "no names"],
)
def test_what_would_not_be_installed_if_a_ca_sent_it_is_not_taken_over(
    instance: Instance, spoilt: Callable[[], Bundle], words: str
) -> None:
    website(instance, "a.test")
    report = imports.adopt(instance, [lineage("a.test", bundle=spoilt())])
    assert words in report["lineages"][0]["why"] and report["adopted"] == 0
    assert records.live_certificates() == {} and records.taken_over() == frozenset()


def test_what_could_not_be_read_says_why(instance: Instance) -> None:
    report = imports.adopt(instance, [Lineage(Client.CERTBOT, "a.test", trouble="nothing in it is believed")])
    assert result(report) == {"a.test": "nothing in it is believed"}


def test_a_website_gets_none_that_lacks_one_of_its_names_unless_that_is_excluded(instance: Instance) -> None:
    website(instance, "a.test", "old.a.test")
    one = lineage("a.test")
    assert "does not cover old.a.test" in result(imports.adopt(instance, [one]))["a.test"]
    exclusions.exclude(instance, "bob", ["old.a.test"])
    assert imports.adopt(instance, [one])["adopted"] == 1


def test_only_the_websites_that_are_asked_for_get_theirs(instance: Instance) -> None:
    website(instance, "a.test")
    website(instance, "b.test", account="carol")
    lineages = [lineage("a.test"), lineage("b.test"), lineage("strange.test")]
    assert result(imports.adopt(instance, lineages, ["b.test"])) == {"b.test": ""}
    assert set(records.live_certificates()) == {"b.test"}
    with pytest.raises(Failure, match=r"nowhere\.test: there is no such website"):
        imports.adopt(instance, lineages, ["nowhere.test"])


def test_nothing_is_taken_that_nobody_would_renew(instance: Instance) -> None:
    website(instance, "a.test")
    models.Account.update(override="disabled").execute()
    assert "AutoSSL is disabled for this account" in result(imports.adopt(instance, [lineage("a.test")]))["a.test"]
    models.Provider.update(current=False).execute()
    with pytest.raises(Failure) as caught:
        imports.adopt(instance, [lineage("a.test")])
    assert caught.value.code == "provider_disabled"


def test_a_website_with_an_order_under_way_is_left_to_that(instance: Instance) -> None:
    website(instance, "a.test")
    queue.request_order("a.test", "bob", "letsencrypt", {"names": ["a.test"]}, now())
    assert "an order for it is under way" in result(imports.adopt(instance, [lineage("a.test")]))["a.test"]


def test_a_certificate_that_came_from_elsewhere_is_replaced_only_if_somebody_says_so(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    website(instance, "a.test")
    paid = TestCA("Paid CA").bundle(["a.test"], now() - SOON)
    shown = {"a.test": Installed(Path("/etc/ssl/a.pem"), read_certificate(paid.leaf), False)}
    monkeypatch.setattr(imports, "services", lambda instance: [Web(shown)])
    refused = imports.adopt(instance, [lineage("a.test")])
    assert result(refused) == {"a.test": "its web server presents another one, of Paid CA"}
    assert records.live_certificates() == {}
    assert imports.adopt(instance, [lineage("a.test")], ["a.test"])["adopted"] == 1


def test_nothing_is_taken_while_nobody_can_see_what_a_website_presents(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    website(instance, "a.test")
    broken = Web({}, Failure("config_test_failed", "apache2.conf: line 3"))
    monkeypatch.setattr(imports, "services", lambda instance: [broken])
    assert "apache can't be asked what it presents" in result(imports.adopt(instance, [lineage("a.test")]))["a.test"]


def test_a_ca_that_is_not_known_here_is_nobodys_and_so_is_never_asked(instance: Instance) -> None:
    website(instance, "a.test")
    imports.adopt(instance, [lineage("a.test", server="https://other.test/directory")])
    assert models.Certificate.get().provider == ""


def test_what_the_ca_has_counted_lately_counts_in_its_limits_here(instance: Instance) -> None:
    for number in range(6):
        website(instance, f"n{number}.a.test", account=f"user{number}")
    fresh = [lineage(f"n{number}.a.test", since=now() - timedelta(minutes=number)) for number in range(4)]
    old = lineage("n4.a.test", since=now() - timedelta(days=30))
    renewed = lineage("n5.a.test", since=now() - timedelta(minutes=9), renewal=True)
    imports.adopt(instance, [*fresh, old, renewed])
    row = models.Budget
    domain = row.get((row.provider == "letsencrypt") & (row.counted == str(Counted.DOMAIN)) & (row.key == "a.test"))
    assert timedelta(hours=12) < domain.full_at - now() < timedelta(hours=15), "four units, each back after 3.7 hours"
    sets = row.select().where(row.counted == str(Counted.SAME_SET)).count()
    assert sets == 5, "also the renewed one; that of a month ago is free again"


def test_a_revoked_certificate_of_several_websites_is_due_for_each_of_them(instance: Instance) -> None:
    from jobs import revocations

    website(instance, "a.test")
    website(instance, "b.test", account="carol")
    own = CA.bundle(["a.test", "b.test"], now() - SOON, crl_url="http://crl.test/x.crl")
    imports.adopt(instance, [lineage("both", bundle=own)])
    fingerprint = records.live_certificates()["a.test"].fingerprint
    since = now() - timedelta(hours=1)
    hit = revocations.keep("http://crl.test/x.crl", {fingerprint: since}, now())
    assert {row.website for row in hit} == {"a.test", "b.test"}
    assert all(row.due_at <= now() for row in models.Certificate.select())


def test_only_root_reads_the_keys_of_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    laid_out.certbot(tmp_path, "a.test", bundle("a.test"))
    assert [one.name for one in imports.read("certbot", tmp_path)] == ["a.test"]
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(Failure) as caught:
        imports.read("certbot", tmp_path)
    assert caught.value.code == "not_root"


def test_the_switch_is_of_one_website_and_known_by_its_name(instance: Instance) -> None:
    website(instance, "a.test")
    website(instance, "b.test", account="carol")
    problem = {"website": "a.test", "name": "", "code": "foreign_invalid", "text": "x"}
    models.Problem.create(**problem, since=now(), seen_at=now(), retry_at=now() + SOON)
    assert takeover.switch(["a.test"], True) == ["a.test"] and takeover.switch(["a.test"], True) == []
    assert records.taken_over() == {"a.test"} and records.taken_over(["carol"]) == frozenset()
    assert models.Problem.get().retry_at <= now(), "what kept it from being replaced is tried again"
    with pytest.raises(Failure) as caught:
        takeover.switch(["b.test", "nowhere.test"], True)
    assert caught.value.code == "website_unknown" and records.taken_over() == {"a.test"}
    assert takeover.switch(["a.test", "b.test"], False) == ["a.test"]
    assert records.taken_over() == frozenset()


def test_the_list_of_websites_says_whose_certificate_each_has(instance: Instance) -> None:
    website(instance, "a.test")
    website(instance, "b.test", account="carol")
    imports.adopt(instance, [lineage("a.test")])
    facts = {"names": ["b.test"], "serial": "1", "fingerprint": "f", "issuer": "Other CA", "key_type": "x",
             "self_signed": False, "weak": False, "not_before": now().isoformat(), "not_after": now().isoformat()}
    models.ServiceState.create(website="b.test", service="apache", state="foreign", presented=json.dumps(facts),
                               client="acme.sh", checked_at=now())
    ours, theirs = takeover.listed(False)
    assert (ours["foreign"], ours["taken_from"], ours["takeover"]) == (False, "certbot", True)
    assert (theirs["foreign"], theirs["managed_by"], theirs["issuer"]) == (True, "acme.sh", "Other CA")
    assert [one["website"] for one in takeover.listed(True)] == ["b.test"]
