"""What is new is checked without anybody asking for it."""

from __future__ import annotations

import pytest

import models
from jobs.wiring import accounts, features, first_checks
from jobs.wiring.instance import Instance, now


@pytest.fixture
def provider(instance: Instance) -> None:
    models.Provider.create(name="letsencrypt", plugin="letsencrypt", current=True, added_at=now())


def manifest(instance: Instance, name: str) -> None:
    (instance.place.instance / "sites.d" / f"{name}.toml").write_text(f"[[websites]]\nnames = ['{name}.test']\n")


def queued() -> list[str]:
    return [row.payload for row in models.QueueEntry.select()]


def test_new_websites_are_asked_for_once(instance: Instance, provider: None) -> None:
    manifest(instance, "alice")
    manifest(instance, "bob")
    assert first_checks.discover_and_ask(instance)["checks"] == ["alice", "bob"]
    assert queued() == ['{"accounts": ["alice", "bob"], "forced": false}']
    assert first_checks.discover_and_ask(instance)["checks"] == []
    assert len(queued()) == 1


def test_without_a_provider_nothing_is_asked_for(instance: Instance) -> None:
    manifest(instance, "alice")
    assert first_checks.discover_and_ask(instance)["checks"] == []
    assert queued() == []


def test_what_is_suspended_disabled_or_not_there_is_left_out(instance: Instance, provider: None) -> None:
    for name in ("alice", "bob", "carol"):
        accounts.add(instance, name, None, "default", [f"{name}.test"], None)
    accounts.suspend(instance, "alice")
    features.override(["bob"], "disabled")
    assert first_checks.ask(["alice", "bob", "carol", "nobody"]) == ["carol"]
    assert first_checks.ask(["alice"]) == []
    assert len(queued()) == 1
