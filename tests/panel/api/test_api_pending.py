"""The API's functions about certificates that are ordered and not there yet."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask

from jobs import queue
from tests.panel.api.api_client import Script, rows, script

ASKED = datetime(2026, 11, 24, 10, tzinfo=UTC)
POLLED = datetime(2026, 11, 24, 10, 5, tzinfo=UTC)


@pytest.fixture
def orders(app: Flask) -> dict[str, int]:
    """An order of alice's that was polled, a fresh one of bob's, one that is over, and a check."""
    with rows():
        hers = queue.request_order("alice.test", "alice", "x", {"names": ["alice.test", "shop.alice.test"]}, ASKED)[0]
        queue.update(hers, state="waiting", polled_at=POLLED)
        over = queue.request_order("shop.test", "alice", "x", {"names": ["shop.test"]}, ASKED)[0]
        queue.finish(over, "done", "", POLLED)
        his = queue.request_order("bob.test", "bob", "x", {"names": ["bob.test"]}, ASKED)[0]
        queue.request_check(["alice"], True, ASKED)
        return {"alice": hers.id, "bob": his.id}


def hers(number: int, *names: str) -> list[dict]:
    return [
        {"domain": name, "vhost_name": "alice.test", "order_item_id": number, "request_time": "2026-11-24T10:00:00Z",
         "last_poll_time": "2026-11-24T10:05:00Z"}
        for name in names
    ]


def test_the_whole_queue_has_a_row_for_each_name(admin: Script, orders: dict[str, int]) -> None:
    def row(domain: str, user: str, website: str) -> dict:
        return {"domain": domain, "user": user, "virtual_host": website, "order_item_id": orders[user],
                "request_time": "2026-11-24T10:00:00Z"}

    assert admin.data("get_autossl_pending_queue") == {"pending_certificates": [
        row("alice.test", "alice", "alice.test"), row("shop.alice.test", "alice", "alice.test"),
        row("bob.test", "bob", "bob.test"),
    ]}


def test_the_queue_of_an_account_and_of_a_name(admin: Script, orders: dict[str, int]) -> None:
    both = hers(orders["alice"], "alice.test", "shop.alice.test")
    assert admin.data("get_autossl_pending_queue_for_user", username="alice") == {"queue_by_domain": both}
    assert admin.data("get_autossl_pending_queue_for_domain", domain="shop.alice.test") == {"queue_by_domain": both[1:]}
    assert admin.data("get_autossl_pending_queue_for_domain", domain="www.alice.test") == {"queue_by_domain": []}
    (his,) = admin.data("get_autossl_pending_queue_for_user", username="bob")["queue_by_domain"]
    assert his["last_poll_time"] is None


def test_a_user_sees_the_own_queue(app: Flask, alice: Script, orders: dict[str, int]) -> None:
    assert alice.data("SSL::get_autossl_pending_queue") == hers(orders["alice"], "alice.test", "shop.alice.test")
    assert [row["domain"] for row in script(app, "bob").data("SSL::get_autossl_pending_queue")] == ["bob.test"]
