"""The CA asks for the early renewal of a website: the product orders, says what it replaces, and serves the new one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import models
from jobs.demo import served
from jobs.demo.accounts import plain_website
from jobs.demo.daemons import apache, bind, dovecot, pebble
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.demo.product import INSTANCE, PROVIDER, Product
from jobs.demo.served import Place
from jobs.wiring.instance import open_instance
from jobs.wiring.renewal_windows import ask_for_windows
from tests.jobs.acme.ari_front import AriFront, ari_front, window

pytestmark = pytest.mark.e2e(timeout=240)

SITE, OTHER = "alice.test", "bob.test"
URL = "https://ca.test/incident/7"


@pytest.fixture(scope="module")
def ca() -> pebble.Pebble:
    bind.start_bind([bind.Zone(name, [("@", "A", PUBLIC_ADDRESS)]) for name in (SITE, OTHER)])
    for name in (SITE, OTHER):
        plain_website(name.partition(".")[0], name)
    apache.start_apache()
    dovecot.start_dovecot()
    return pebble.start_pebble()


@pytest.fixture(scope="module")
def front(ca: pebble.Pebble) -> Iterator[AriFront]:
    """Pebble as it would be if it knew RFC 9773."""
    with ari_front(ca.directory, ca.bundle, ca.bundle.with_suffix(".key")) as running:
        yield running


@pytest.fixture(scope="module")
def product(ca: pebble.Pebble, front: AriFront) -> Product:
    made = Product()
    made.make()
    made.run("setup")
    made.run("provider", "add", PROVIDER, "--directory", front.directory_url, "--ca-bundle", str(ca.bundle))
    made.run("provider", "use", PROVIDER, "--accept-terms")
    assert {site["outcome"] for site in check(made).values()} == {"installed"}
    return made


def check(product: Product) -> dict[str, dict[str, Any]]:
    report = product.run("check", "--all", "--json", expected=(0, 1)).json()
    return {site["website"]: site for site in report["websites"]}


def tick() -> None:
    """The duty of the server's clock, now."""
    instance = open_instance(INSTANCE)
    try:
        ask_for_windows(instance, lambda: 0.0)
    finally:
        models.database.close()


def rows(sql: str, *values: object) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(INSTANCE / "panel.sqlite3", timeout=30)) as database, database:
        return database.execute(sql, values).fetchall()


def live(website: str) -> str:
    ((identifier,),) = rows("SELECT ari_id FROM certificate WHERE website = ? AND retired_at IS NULL", website)
    assert isinstance(identifier, str)
    return identifier


def renewal(product: Product) -> dict[str, Any]:
    accounts = product.run("status", "--user", "alice", "--json").json()["accounts"]
    (site,) = [one for account in accounts for one in account["websites"] if one["website"] == SITE]
    known: dict[str, Any] = site["renewal"]
    return known


def test_a_usual_window_orders_nothing(product: Product, front: AriFront) -> None:
    far = datetime.now(UTC) + timedelta(days=59)
    front.usual = window(far, far + timedelta(days=2))
    before = len(front.orders)
    tick()
    assert live(SITE) in front.asked
    assert {site["decision"] for site in check(product).values()} == {"keep"}
    assert len(front.orders) == before
    known = renewal(product)
    assert not known["early"] and known["start"] is not None and known["url"] is None


def test_a_window_that_opens_now_has_the_website_renewed_at_once(
    product: Product, ca: pebble.Pebble, front: AriFront
) -> None:
    old, now = live(SITE), datetime.now(UTC)
    front.says[old] = window(now - timedelta(hours=2), now + timedelta(hours=2), URL)
    made = now - timedelta(days=10)  # else it were too new to be renewed because of a window
    rows("UPDATE certificate SET stored_at = ?, ari_next = ? WHERE ari_id = ?", made.isoformat(), made.isoformat(), old)
    tick()
    known = renewal(product)
    assert known["early"] and known["url"] == URL and known["due"] < f"{now:%Y-%m-%dT%H:%M:%SZ}"
    before = len(front.orders)
    found = check(product)
    assert found[SITE]["outcome"] == "installed", found[SITE]
    assert "by the CA's renewal window" in found[SITE]["reason"]
    assert {site["decision"] for main, site in found.items() if main != SITE} == {"keep"}
    ((payload, status),) = front.orders[before:]
    assert (payload["replaces"], status) == (old, 201)
    assert live(SITE) != old
    (seen,) = served.ask([Place("", SITE, 443, "website")], ca.root())
    assert seen.trouble == ""


def test_the_new_certificate_is_not_renewed_by_the_window_of_the_old_one(product: Product, front: AriFront) -> None:
    before = len(front.orders)
    tick()
    assert {site["decision"] for site in check(product).values()} == {"keep"}
    assert len(front.orders) == before and not renewal(product)["early"]


def test_a_certificate_that_was_replaced_already_is_ordered_all_the_same(product: Product, front: AriFront) -> None:
    old, now = live(SITE), datetime.now(UTC)
    front.replaced.add(old)
    front.says[old] = window(now - timedelta(hours=2), now + timedelta(hours=2))
    made = now - timedelta(days=10)
    rows("UPDATE certificate SET stored_at = ?, ari_next = ? WHERE ari_id = ?", made.isoformat(), made.isoformat(), old)
    tick()
    before = len(front.orders)
    assert check(product)[SITE]["outcome"] == "installed"
    assert [(payload.get("replaces"), status) for payload, status in front.orders[before:]] == [(old, 409), (None, 201)]
