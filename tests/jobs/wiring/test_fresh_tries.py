"""What failed is tried at once, with a fresh count, when something was changed that it may depend on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

import models
from jobs.wiring import accounts, exclusions, providers
from jobs.wiring.discovery import discover
from jobs.wiring.instance import Instance, now

LATER = timedelta(hours=20)


@pytest.fixture
def problems(instance: Instance) -> None:
    """Of two websites, that wait for most of a day after several failures; one is a name that nobody uses."""
    for name in ("alice", "bob"):
        accounts.add(instance, name, None, "default", [f"{name}.test"], None)
        for problem, code in (("", "ca_refused"), (f"www.{name}.test", "http_status"), ("x.test", "guess_unused")):
            models.Problem.create(
                website=f"{name}.test", name=problem, code=code, text="no", since=now(), seen_at=now(), attempts=4,
                retry_at=now() + LATER,
            )


def waiting() -> set[tuple[str, str]]:
    rows = models.Problem.select().where(models.Problem.retry_at > now())
    return {(row.website, row.name) for row in rows}


def fresh(website: str) -> bool:
    rows = [row for row in models.Problem.select().where(models.Problem.website == website) if row.name != "x.test"]
    return all(row.attempts == 0 and row.retry_at <= now() for row in rows)


def rename(instance: Instance) -> None:
    path = next((instance.place.instance / "sites.d").glob("alice*"))
    path.write_text(path.read_text().replace('"alice.test"', '"alice.test", "new.test"', 1))
    assert discover(instance)["changed"]


@pytest.mark.usefixtures("problems")
@pytest.mark.parametrize(
    "change",
    [
        rename,
        lambda instance: exclusions.exclude(instance, "alice", ["www.alice.test"]),
        lambda instance: exclusions.replace(instance, "alice", ["www.alice.test"]),
    ],
    ids=["names", "an exclusion", "exclusions"],
)
def test_a_change_of_a_website_is_its_own(instance: Instance, change: Callable[[Instance], None]) -> None:
    change(instance)
    assert fresh("alice.test") and not fresh("bob.test")
    assert ("alice.test", "x.test") in waiting(), "what nobody uses is not what stands in the way"


@pytest.mark.usefixtures("problems")
def test_what_changes_nothing_starts_nothing(instance: Instance) -> None:
    before = waiting()
    discover(instance)
    exclusions.replace(instance, "alice", [])
    exclusions.include(instance, "alice", ["www.alice.test"])
    providers.keep_fallbacks([])
    assert waiting() == before and len(before) == 6


@pytest.mark.usefixtures("problems")
def test_other_fallbacks_may_do_what_the_former_did_not(instance: Instance) -> None:
    models.Provider.create(name="zerossl", plugin="zerossl", account_url="https://z.test/1", added_at=now())
    providers.keep_fallbacks(["zerossl"])
    assert fresh("alice.test") and fresh("bob.test")
