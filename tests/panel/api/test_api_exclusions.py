"""The API's functions that keep names out of AutoSSL."""

from __future__ import annotations

import pytest

from tests.panel.api.api_client import Script


def excluded(admin: Script, user: str = "alice") -> list[str]:
    data = admin.data("get_autossl_user_excluded_domains", username=user)
    assert set(data) == {"payload"}
    return [row["excluded_domain"] for row in data["payload"]]


def test_names_are_added_removed_and_replaced(admin: Script) -> None:
    assert admin.call("add_autossl_user_excluded_domains", username="alice", domain="Shop.Alice.test").json == {
        "metadata": {"version": 1, "command": "add_autossl_user_excluded_domains", "reason": "OK", "result": 1}
    }
    admin.data("add_autossl_user_excluded_domains", username="alice", domain="alice.test", domain_1="mail.alice.test")
    assert excluded(admin) == ["alice.test", "mail.alice.test", "shop.alice.test"]
    admin.data("remove_autossl_user_excluded_domains", username="alice", domain_1="SHOP.alice.test",
               domain_2="alice.test")
    assert excluded(admin) == ["mail.alice.test"]
    admin.data("set_autossl_user_excluded_domains", method="POST", username="alice",
               domain=["www.alice.test", "alice.test"])
    assert excluded(admin) == ["alice.test", "www.alice.test"]
    admin.data("set_autossl_user_excluded_domains", username="alice")
    assert excluded(admin) == []
    assert excluded(admin, "bob") == []


def test_a_user_does_the_same_with_the_own_account(alice: Script, admin: Script) -> None:
    assert alice.call("SSL::add_autossl_excluded_domains", domains="alice.test, Shop.alice.test").json == {
        "status": 1, "errors": None, "messages": None, "data": None
    }
    assert alice.data("SSL::get_autossl_excluded_domains") == [
        {"excluded_domain": "alice.test"}, {"excluded_domain": "shop.alice.test"}
    ]
    assert excluded(admin) == ["alice.test", "shop.alice.test"]
    alice.data("SSL::remove_autossl_excluded_domains", domains="shop.alice.test")
    assert excluded(admin) == ["alice.test"]
    alice.data("SSL::set_autossl_excluded_domains", method="POST", domains="www.alice.test")
    assert excluded(admin) == ["www.alice.test"]
    alice.data("SSL::set_autossl_excluded_domains")
    assert excluded(admin) == []


@pytest.mark.parametrize("name", ["bob.test", "other.test", "a b", "", "*", "10.0.0.1", "x" * 254, "alice.test\x00",
                                  "-.alice.test", "ALICE", "alice.test\u202e"])
def test_a_name_that_is_not_the_account_s_is_refused_and_nothing_is_changed(admin: Script, name: str) -> None:
    admin.data("add_autossl_user_excluded_domains", username="alice", domain="alice.test")
    for function in ("add_autossl_user_excluded_domains", "set_autossl_user_excluded_domains"):
        status, _ = admin.refused(function, username="alice", domain=["www.alice.test", name])
        assert status == 422
    assert excluded(admin) == ["alice.test"]


@pytest.mark.parametrize("domains", [None, "", " ", ",", "alice.test,,www.alice.test", "bob.test", "a b"])
def test_a_comma_list_that_holds_no_name_or_a_wrong_one_is_refused(alice: Script, domains: str | None) -> None:
    sent = {} if domains is None else {"domains": domains}
    assert alice.refused("SSL::add_autossl_excluded_domains", **sent)[0] == 422
    assert alice.data("SSL::get_autossl_excluded_domains") == []


def test_a_misspelt_parameter_does_not_clear_the_list(admin: Script, alice: Script) -> None:
    admin.data("add_autossl_user_excluded_domains", username="alice", domain="alice.test")
    for name in ("domains", "Domain", "domain-", "domain-x", "domain-12345"):
        status, reason = admin.refused("set_autossl_user_excluded_domains", username="alice", **{name: "alice.test"})
        assert (status, name in reason) == (422, True)
    assert alice.refused("SSL::set_autossl_excluded_domains", domain="alice.test")[0] == 422
    assert excluded(admin) == ["alice.test"]


def test_more_names_than_can_be_are_refused(admin: Script) -> None:
    names = [f"n{number}.alice.test" for number in range(999)]
    sent = {"domain": ["x.alice.test"] * 2, **{f"domain-{number}": name for number, name in enumerate(names)}}
    status, reason = admin.refused("add_autossl_user_excluded_domains", username="alice", **sent)
    assert (status, reason) == (422, "domain: expected at most 1000 values, got 1001")
