"""Feature lists, packages, overrides, assignments and exclusions: what they change for an account."""

from __future__ import annotations

import pytest

import models
from jobs import records, summaries
from jobs.policy.failure import Failure
from jobs.policy.features import FeatureList, why_skipped
from jobs.policy.keys import KeyType
from jobs.wiring import accounts, exclusions, features
from jobs.wiring.discovery import discover
from jobs.wiring.instance import Instance, now


@pytest.fixture
def alice(instance: Instance) -> str:
    accounts.add(instance, "alice", None, "gold", ["alice.test", "shop.alice.test"], None)
    return "alice"


def failing(call, *arguments: object) -> str:
    with pytest.raises(Failure) as caught:
        call(*arguments)
    return caught.value.code


def test_an_account_has_the_feature_list_of_its_package_or_the_default_one(instance: Instance, alice: str) -> None:
    assert records.accounts()[alice].features.name == "default"
    features.keep_feature_list(FeatureList("shop", False, ("webmail",), True, KeyType.RSA_2048))
    features.keep_package("gold", "shop")
    found = records.accounts()[alice]
    assert found.features == FeatureList("shop", False, ("webmail",), True, KeyType.RSA_2048)
    assert "feature list shop" in why_skipped(found)


def test_the_override_wins_over_the_feature_list_and_can_be_taken_back(instance: Instance, alice: str) -> None:
    features.keep_feature_list(FeatureList("default", autossl=False))
    assert why_skipped(records.accounts()[alice])
    assert features.override([alice, "nobody"], "enabled") == 1
    assert features.override([alice], "enabled") == 0
    assert not why_skipped(records.accounts()[alice])
    assert features.override([alice], "disabled") == 1
    assert "for this account" in why_skipped(records.accounts()[alice])
    assert features.override([alice], None) == 1


def test_what_is_in_use_is_not_removed(instance: Instance, alice: str) -> None:
    features.keep_feature_list(FeatureList("shop"))
    features.keep_package("gold", "shop")
    assert failing(features.remove_feature_list, "shop") == "in_use"
    assert failing(features.remove_package, "gold") == "in_use"
    assert failing(features.remove_package, "default") == "in_use"
    assert failing(features.remove_feature_list, "nothing") == "feature_list_unknown"
    features.keep_package("gold", "default")
    features.remove_feature_list("shop")
    assert [one["feature_list"] for one in features.list_feature_lists()] == ["default"]
    assert [(one["package"], one["accounts"]) for one in features.list_packages()] == [("default", 0), ("gold", 1)]


@pytest.mark.parametrize("label", ["a.b", "", "-x", "*", "a b", "x" * 64, "a\nb"])
def test_a_service_name_is_one_part_of_a_host_name(instance: Instance, label: str) -> None:
    assert failing(features.keep_feature_list, FeatureList("x", service_names=(label,))) == "name_invalid"


def test_a_website_without_an_owner_is_given_to_an_account_and_stays_there(instance: Instance, alice: str) -> None:
    models.Account.create(name="unassigned", source="apache", found_at=now())
    facts = {"account": "unassigned", "main": "lost.test", "names": '["lost.test"]', "source": "apache"}
    models.Website.create(**facts, found_at=now())
    features.assign(instance, "lost.test", alice)
    assert [site.main for site in records.websites([alice])] == ["alice.test", "lost.test"]
    assert models.Assignment.get().account == alice
    assert failing(features.assign, instance, "alice.test", alice) == "website_unknown"
    assert failing(features.assign, instance, "lost.test", "nobody") == "account_unknown"
    features.assign(instance, "lost.test", "unassigned")
    assert models.Assignment.select().count() == 0


def test_the_assignment_counts_in_the_next_discovery(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs.policy.site import UNASSIGNED, Account, Website
    from jobs.wiring import discovery

    class Source:
        name = "apache"

        def accounts(self):
            return [Account(UNASSIGNED), Account("bob")]

        def websites(self):
            return [Website(UNASSIGNED, ("lost.test",)), Website("bob", ("bob.test",))]

    monkeypatch.setattr(discovery, "sources", lambda instance: [Source()])
    discover(instance)
    features.assign(instance, "lost.test", "bob")
    assert discover(instance)["summary"].startswith("0 new, 0 changed, 0 gone")
    assert {site.main: site.account for site in records.websites()} == {"lost.test": "bob", "bob.test": "bob"}


def test_a_name_is_excluded_and_included_and_the_figures_follow(instance: Instance, alice: str) -> None:
    summaries.refresh(None, instance.config.check.service_names)
    before = models.Account.get_by_id(alice).wanted
    assert exclusions.exclude(instance, alice, ["Shop.alice.test", "www.shop.alice.test"]) == 2
    assert exclusions.exclude(instance, alice, ["shop.alice.test"]) == 0
    assert exclusions.excluded(alice) == ["shop.alice.test", "www.shop.alice.test"]
    assert models.Account.get_by_id(alice).wanted < before
    assert exclusions.include(instance, alice, ["shop.alice.test"]) == 1
    exclusions.replace(instance, alice, [])
    assert exclusions.excluded(alice) == []


@pytest.mark.parametrize(
    ("name", "code"),
    [("other.test", "name_not_ours"), ("a b", "name_invalid"), ("deep.www.alice.test", "name_not_ours")],
)
def test_only_names_of_the_account_can_be_excluded(instance: Instance, alice: str, name: str, code: str) -> None:
    assert failing(exclusions.exclude, instance, alice, [name]) == code
    assert exclusions.excluded(alice) == []


def test_the_figures_of_an_account_count_names_problems_and_the_first_end(instance: Instance, alice: str) -> None:
    from datetime import timedelta

    from jobs.policy.certificate import Certificate

    start = now()
    certificate = Certificate(
        ("alice.test", "www.alice.test"), "1", "f", "CA", start, start + timedelta(days=90), False, "", False
    )
    records.keep_certificate("alice.test", certificate, "x", start + timedelta(days=60), start)
    models.Problem.create(website="alice.test", name="mail.alice.test", code="guess_unused", text="", since=start,
                          seen_at=start)
    models.Problem.create(website="alice.test", name="shop.alice.test", code="dns_nxdomain", text="", since=start,
                          seen_at=start)
    summaries.refresh([alice], ())
    row = models.Account.get_by_id(alice)
    assert (row.wanted, row.covered, row.problems) == (5, 2, 1)
    assert row.expires_at == certificate.not_after
