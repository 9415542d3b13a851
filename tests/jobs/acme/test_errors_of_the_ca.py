"""HTTP 5xx and 429: tried again at once where that is for the moment, with the CA's own time where it names one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from jobs.providers.protocol.problem import Answer, failure, retry_after
from tests.fault_proxy import FaultProxy, Says
from tests.jobs.acme.client import Client
from tests.quick_time import QuickTime

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
EVERY = ["newNonce", "newOrder", "order", "authz", "challenge", "finalize", "certificate"]


@pytest.mark.parametrize("kind", ["directory", *EVERY])
@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_error_that_passes_within_three_tries_costs_nothing(
    proxy: FaultProxy, quick: QuickTime, kind: str, status: int
) -> None:
    client = Client(proxy, "passing.test")
    errors = proxy.fault(Says(status), kind, times=3)
    client.bundle()
    assert errors.met == 3 and proxy.done["newOrder"] == 1
    assert {0.25, 1.0, 2.0} <= set(quick.slept)


@pytest.mark.parametrize("kind", ["order", "authz", "challenge", "finalize", "certificate"])
def test_an_order_that_an_error_ended_is_finished_by_a_later_look(
    proxy: FaultProxy, quick: QuickTime, kind: str
) -> None:
    client = Client(proxy, "later-500.test")
    proxy.fault(Says(500), kind)
    found = client.failure()
    assert found.code == "ca_unavailable" and not found.of_provider, "a 500 may be this order's alone"
    assert "serverInternal: as asked for" in found.detail
    proxy.mends()
    client.bundle()
    assert proxy.done["newOrder"] == 1


def test_an_error_at_new_order_is_asked_about_four_times_and_leaves_no_order(
    proxy: FaultProxy, quick: QuickTime
) -> None:
    client = Client(proxy)
    proxy.fault(Says(500), "newOrder")
    assert client.failure().code == "ca_unavailable"
    assert (proxy.asked["newOrder"], client.notes.urls) == (4, [])


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("kind", ["directory", "newNonce", "newOrder", "finalize", "certificate"])
def test_a_time_that_is_named_ends_the_request_and_goes_with_the_failure(
    proxy: FaultProxy, quick: QuickTime, kind: str, status: int
) -> None:
    client = Client(proxy, "named.test")
    proxy.fault(Says(status, "rateLimited", retry_after=7200), kind)
    found = client.failure()
    assert found.code == {429: "ca_rate_limited", 503: "ca_unavailable"}[status]
    assert found.retry_at is not None and found.of_provider and not found.permanent
    assert timedelta(minutes=119) < found.retry_at - datetime.now(UTC) <= timedelta(hours=2)
    assert proxy.asked[kind] == 1, "it said when"


def test_a_time_may_be_an_http_date(proxy: FaultProxy, quick: QuickTime) -> None:
    client = Client(proxy)
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=3)
    proxy.fault(Says(503, retry_after=format_datetime(later, usegmt=True)), "newOrder")
    assert client.failure().retry_at == later


@pytest.mark.parametrize("status", [429, 503])
def test_a_moment_is_waited_for_on_the_spot(proxy: FaultProxy, quick: QuickTime, status: int) -> None:
    client = Client(proxy, "moment.test")
    proxy.fault(Says(status, "rateLimited", retry_after=7), "newOrder", times=3)
    client.bundle()
    assert sum(6.5 < wait <= 7 for wait in quick.slept) == 3


def test_a_moment_that_comes_again_and_again_ends_the_request(proxy: FaultProxy, quick: QuickTime) -> None:
    client = Client(proxy)
    proxy.fault(Says(503, retry_after=0), "newOrder")
    found = client.failure()
    assert found.code == "ca_unavailable" and found.of_provider
    assert proxy.asked["newOrder"] == 4


@pytest.mark.parametrize("page", ["<h1>Down for maintenance</h1>", "", '{"status": "maintenance"}'])
def test_a_page_in_the_place_of_an_order_does_not_end_the_order(
    proxy: FaultProxy, quick: QuickTime, page: str
) -> None:
    client = Client(proxy, "page.test")
    proxy.fault(Says(500), "certificate")
    client.failure()
    proxy.mends()
    proxy.fault(Says(200, page=page or " "), "order")
    assert client.failure().code == "ca_not_acme", "nothing is known of the order: it is looked at later"
    proxy.mends()
    client.bundle()
    assert proxy.done["newOrder"] == 1


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("120", NOW + timedelta(seconds=120)),
        ("0", NOW),
        ("Wed, 25 Nov 2026 12:02:00 GMT", NOW + timedelta(minutes=2)),
        ("Wed, 25 Nov 2026 11:00:00 GMT", NOW - timedelta(hours=1)),
        ("315360000", NOW + timedelta(days=7)),
        ("9" * 400, NOW + timedelta(days=7)),
        ("Tue, 25 Nov 2036 12:00:00 GMT", NOW + timedelta(days=7)),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None),
        ("Wed, 31 Feb 2026 12:00:00 GMT", None),
        ("-5", None),
        ("1.5", None),
        ("١٢", None),
        ("soon", None),
        ("", None),
    ],
)
def test_the_time_is_read_and_never_believed_beyond_a_week(raw: str, expected: datetime | None) -> None:
    assert retry_after({"retry-after": raw}, NOW) == expected


ACCOUNT_LIMIT = "too many new orders (300) from this account in the last 3h0m0s, retry after 2026-11-25 12:03:00 UTC"
SET_LIMIT = "too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s"


@pytest.mark.parametrize(
    ("detail", "everybody"),
    [
        (ACCOUNT_LIMIT, True),
        ("too many new registrations (10) from this IP address in the last 3h0m0s", True),
        ("Service busy; retry later.", True),
        (SET_LIMIT, False),
        ('too many certificates (50) already issued for "example.com" in the last 168h0m0s', False),
        ('too many failed authorizations (5) for "www.example.com" in the last 1h0m0s', False),
        ("Too many certificates for this domain", False),
    ],
)
def test_a_limit_is_everybodys_unless_it_is_about_certain_names(detail: str, everybody: bool) -> None:
    body = json.dumps({"type": "urn:ietf:params:acme:error:rateLimited", "detail": detail})
    found = failure(Answer("u", 429, {}, body.encode()), "ordering", NOW)
    assert (found.code, found.of_provider) == ("ca_rate_limited", everybody)
    assert detail in found.detail
