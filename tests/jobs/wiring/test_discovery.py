"""Discovery keeps what exists as rows, says what differs, and never takes silence for an end."""

from __future__ import annotations

from pathlib import Path

import models
from jobs import records
from jobs.wiring import accounts
from jobs.wiring.discovery import discover
from jobs.wiring.instance import Instance


def write(instance: Instance, name: str, text: str) -> Path:
    path = instance.place.instance / "sites.d" / f"{name}.toml"
    path.write_text(text)
    return path


def sites(instance: Instance) -> dict[str, tuple[str, ...]]:
    return {site.main: site.names for site in records.websites()}


ALICE = "contact = 'a@alice.test'\n[[websites]]\nnames = ['alice.test', 'www.alice.test']\n"
BOB = "[[websites]]\nnames = ['bob.test']\n"


def test_new_changed_and_gone_are_counted_and_kept(instance: Instance) -> None:
    write(instance, "alice", ALICE)
    bob = write(instance, "bob", BOB)
    first = discover(instance)
    assert first["summary"].startswith("2 new, 0 changed, 0 gone")
    assert {"account": "alice", "website": "alice.test"} in first["new"]
    assert discover(instance)["summary"] == "0 new, 0 changed, 0 gone"
    write(instance, "alice", ALICE.replace("www.alice.test", "shop.alice.test"))
    bob.unlink()
    third = discover(instance)
    assert third["summary"].startswith("0 new, 1 changed, 1 gone")
    assert third["gone"] == [{"account": "bob", "website": "bob.test"}]
    assert sites(instance) == {"alice.test": ("alice.test", "shop.alice.test")}


def test_what_comes_back_is_the_same_row_as_before(instance: Instance) -> None:
    bob = write(instance, "bob", BOB)
    discover(instance)
    before = models.Website.get(models.Website.main == "bob.test").id
    bob.unlink()
    discover(instance)
    write(instance, "bob", BOB)
    assert discover(instance)["summary"].startswith("1 new")
    assert models.Website.get(models.Website.main == "bob.test").id == before
    assert models.Website.get_by_id(before).gone_at is None


def test_a_source_that_fails_makes_nothing_gone(instance: Instance) -> None:
    write(instance, "alice", ALICE)
    write(instance, "bob", BOB)
    discover(instance)
    write(instance, "bob", "not toml at all")
    result = discover(instance)
    assert [failed["code"] for failed in result["failed"]] == ["manifest_invalid"]
    assert "bob.toml" in result["failed"][0]["text"]
    assert set(result["kept"]) == {"alice.test", "bob.test"}
    assert set(sites(instance)) == {"alice.test", "bob.test"}
    assert set(records.accounts()) == {"alice", "bob"}


def test_a_suspension_and_an_override_outlive_a_discovery(instance: Instance) -> None:
    write(instance, "alice", ALICE)
    discover(instance)
    accounts.suspend(instance, "alice")
    models.Account.update(override="disabled").execute()
    write(instance, "alice", ALICE.replace("a@alice.test", "new@alice.test"))
    result = discover(instance)
    assert result["accounts"]["changed"] == ["alice"]
    row = models.Account.get()
    assert (row.state, row.override, row.contact) == ("suspended", "disabled", "new@alice.test")


def test_a_website_that_changes_its_account_keeps_its_row(instance: Instance) -> None:
    path = write(instance, "alice", BOB)
    discover(instance)
    path.unlink()
    write(instance, "bob", BOB)
    result = discover(instance)
    assert result["summary"].startswith("0 new, 1 changed, 0 gone")
    assert [site.account for site in records.websites()] == ["bob"]
