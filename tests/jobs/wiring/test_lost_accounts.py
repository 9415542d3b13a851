"""Accounts that a CA does not know, or take, any more: made again where that is safe, told to a person where not."""

from __future__ import annotations

from pathlib import Path

import pytest

import models
from jobs.courses import finish
from jobs.providers.protocol.jws import Key
from jobs.providers.protocol.wire import Wire
from jobs.wiring import provider_keys, providers
from tests.fault_proxy import Says, moved, order_says
from tests.jobs.wiring.faulty_ca import PROVIDER, TERMS, Site, ca, site

__all__ = ["ca", "site"]


def key(site: Site) -> bytes:
    return provider_keys.read_key(site.instance.place, PROVIDER)


def log_of(site: Site) -> str:
    newest: Path = max(site.instance.place.logs.iterdir())
    return "\n".join(path.read_text() for path in newest.glob("*") if path.suffix != ".json")


def test_an_account_that_the_ca_has_lost_is_made_again_and_the_check_goes_on(site: Site) -> None:
    site.add("a.test", "b.test", "c.test")
    former, former_key = site.row().account_url, key(site)
    site.pebble.restart_ca()
    found = site.check()
    assert all(case["problem"] is None for case in found.values())
    assert site.proxy.done["newOrder"] == 3 and site.proxy.done["newAccount"] == 1, "one account for all of them"
    row = site.row()
    assert row.account_url != former and former in row.former_accounts and key(site) != former_key
    assert row.terms_accepted == TERMS and row.account_renewed_at is not None
    assert f"did not know the account {former} any more" in log_of(site)
    site.proxy.heals()
    site.check()
    assert not site.proxy.asked["newAccount"]


def test_orders_of_a_ca_that_was_restarted_are_made_anew_once(site: Site) -> None:
    site.add("a.test")
    site.quick.flies_once(site.proxy.fault(order_says(status="processing", certificate=None), "finalize", "order"))
    assert site.check()["a.test"]["outcome"] == "pending"
    site.proxy.heals()
    site.pebble.restart_ca()
    site.pass_by(minutes=5)
    assert site.check()["a.test"]["problem"] is None
    assert site.proxy.done["newOrder"] == site.proxy.done["newAccount"] == 1
    (row,) = site.orders()
    assert row.state == "done"


def test_an_account_that_is_lost_again_at_once_is_not_made_again_before_an_hour_has_passed(site: Site) -> None:
    site.add("a.test", "b.test")
    site.pebble.restart_ca()
    site.check()
    site.pebble.restart_ca()
    models.Certificate.update(retired_at=models.Certificate.stored_at).execute()
    site.proxy.heals()
    found = site.check(forced=True)
    assert {case["problem"]["code"] for case in found.values()} == {"account_gone"}
    assert site.proxy.done["newAccount"] == 0 and "to make it anew was tried at" in found["a.test"]["problem"]["text"]
    site.pass_by(minutes=61)
    assert all(case["problem"] is None for case in site.check(forced=True).values())
    assert site.proxy.done["newAccount"] == 1


def test_no_account_is_made_under_terms_that_nobody_has_accepted(site: Site) -> None:
    site.add("a.test")
    former = site.row().account_url
    site.pebble.restart_ca()
    models.Provider.update(terms_accepted="https://ca.test/terms/of/last/year").execute()
    found = site.check()["a.test"]
    assert found["problem"]["code"] == "terms_changed" and TERMS in found["problem"]["text"]
    assert site.proxy.done["newAccount"] == 0 and site.row().account_url == former
    assert providers.show(site.instance, PROVIDER)["terms_changed"]
    site.check()
    assert not site.proxy.asked, "nothing is asked for before somebody accepts them"
    providers.reset(site.instance, PROVIDER, accept_terms=True)
    assert site.check()["a.test"]["problem"] is None


def test_an_account_that_is_deactivated_is_told_and_nothing_is_made_by_itself(site: Site) -> None:
    site.add("a.test", "b.test", "c.test")
    account, pem = site.row().account_url, key(site)
    wire = Wire(site.pebble.ca_file)
    directory = finish(wire.get(site.proxy.directory_url, "the directory")).json()
    finish(wire.post(account, {"status": "deactivated"}, Key(pem), account, directory["newNonce"], "deactivating"))
    site.proxy.heals()
    found = site.check()
    assert {case["problem"]["code"] for case in found.values()} == {"account_deactivated"}
    assert "Account has been deactivated" in found["a.test"]["problem"]["text"] or "deactivated" in str(found)
    assert site.proxy.done["newAccount"] == 0 and site.row().account_url == account
    assert 1 <= site.proxy.asked["newOrder"] <= 3
    site.check()
    assert not site.proxy.asked
    providers.reset(site.instance, PROVIDER)
    assert all(case["problem"] is None for case in site.check().values())


def test_a_ca_that_wants_new_terms_accepted_gets_no_order_until_somebody_has(site: Site) -> None:
    site.add("a.test")
    site.check()
    site.add("b.test")
    page = {"instance": "https://ca.test/agree/2026"}
    site.proxy.heals()
    site.proxy.fault(Says(403, "userActionRequired", "Terms of service have changed", more=page), "newOrder")
    found = site.check()
    assert found["a.test"]["outcome"] == "kept", "certificates in use stay"
    assert found["b.test"]["problem"]["code"] == "terms_changed"
    assert "see https://ca.test/agree/2026" in found["b.test"]["problem"]["text"]
    assert site.proxy.asked["newOrder"] == 1
    site.add("c.test")
    site.pass_by(hours=20)
    found = site.check()
    assert not site.proxy.asked and found["c.test"]["problem"]["code"] == "terms_changed"
    site.proxy.mends()
    providers.use(site.instance, PROVIDER, True)
    assert all(case["problem"] is None for case in site.check().values())
    assert site.proxy.done["newOrder"] == 2


def test_a_ca_that_has_moved_is_followed_with_the_same_account(site: Site) -> None:
    site.add("a.test")
    former, pem = site.row().account_url, key(site)
    with moved(site.proxy):
        assert site.check()["a.test"]["problem"] is None
        assert site.row().account_url != former and key(site) == pem
        assert former in site.row().former_accounts
        assert site.proxy.done["newOrder"] == 1


@pytest.mark.parametrize("wrong", [401, 403])
def test_a_refusal_in_other_words_is_no_reason_for_another_account(site: Site, wrong: int) -> None:
    site.add("a.test")
    site.proxy.fault(Says(wrong, "unauthorized", "this account may not order for that name"), "newOrder")
    found = site.check()["a.test"]
    assert found["problem"]["code"] == "ca_refused" and site.row().former_accounts is None
