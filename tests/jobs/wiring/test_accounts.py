"""Accounts as an administrator adds, shows, suspends and removes them."""

from __future__ import annotations

import pytest

from jobs.policy.failure import Failure
from jobs.wiring import accounts
from jobs.wiring.instance import Instance


def add(instance: Instance, name: str = "alice", names: tuple[str, ...] = ("alice.test",), **more: str | None):
    facts = {"contact": None, "package": "default", "docroot": None} | more
    return accounts.add(instance, name, facts["contact"], str(facts["package"]), names, facts["docroot"])


def test_an_added_account_is_found_at_once(instance: Instance) -> None:
    names = ("Alice.Test", "www.alice.test", "alice.test")
    shown = add(instance, names=names, contact="a@alice.test", docroot="/srv/a")
    assert (shown["account"], shown["contact"], shown["source"]) == ("alice", "a@alice.test", "manifest")
    assert shown["websites"][0]["names"] == ["alice.test", "www.alice.test"]
    assert [(one["account"], one["websites"]) for one in accounts.list_accounts(instance)] == [("alice", 1)]


@pytest.mark.parametrize(
    ("name", "names", "more", "code"),
    [
        ("alice", ("alice.test",), {}, "account_exists"),
        ("../x", ("x.test",), {}, "name_invalid"),
        ("bob", ("localhost",), {}, "name_invalid"),
        ("bob", ("*.bob.test",), {}, "name_invalid"),
        ("bob", ("bob.test",), {"contact": "nobody"}, "contact_invalid"),
        ("bob", ("bob.test",), {"docroot": "etc"}, "path_invalid"),
        ("bob", ("bob.test",), {"package": "a b"}, "name_invalid"),
    ],
)
def test_what_can_not_be_is_refused_and_leaves_nothing(
    instance: Instance, name: str, names: tuple[str, ...], more: dict[str, str], code: str
) -> None:
    add(instance)
    with pytest.raises(Failure) as caught:
        add(instance, name, names, **more)
    assert caught.value.code == code
    assert [path.name for path in (instance.place.instance / "sites.d").iterdir()] == ["alice.toml"]


def test_an_account_can_be_suspended_once_and_removed(instance: Instance) -> None:
    add(instance)
    assert accounts.suspend(instance, "alice") and not accounts.suspend(instance, "alice")
    assert accounts.show(instance, "alice")["state"] == "suspended"
    assert accounts.unsuspend(instance, "alice")
    accounts.remove(instance, "alice")
    assert accounts.list_accounts(instance) == []
    with pytest.raises(Failure) as caught:
        accounts.show(instance, "alice")
    assert caught.value.code == "account_unknown"
