"""A CA that moves: its directory names other addresses, the former ones are gone, and so is what was kept there."""

from __future__ import annotations

from tests.fault_proxy import FaultProxy, Says, moved
from tests.jobs.acme.client import Client
from tests.quick_time import QuickTime


def test_an_address_that_leads_nowhere_is_looked_up_anew_and_the_account_found_by_its_key(
    proxy: FaultProxy, quick: QuickTime
) -> None:
    client = Client(proxy, "moved.test")
    client.bundle()
    proxy.heals()
    with moved(proxy):
        client.notes.urls.clear()
        failure = client.failure()
        assert (failure.code, failure.of_provider) == ("account_gone", True)
        assert proxy.asked["directory"] == 1, "fetched anew, once"
        found = client.provider.find()
        assert found is not None and found != client.account.url and proxy.moved_to in found
        assert found in failure.detail
        client.account = type(client.account)(found, client.account.key)
        client.provider = type(client.provider)(client.options, client.account)
        client.bundle()
        assert proxy.done["newOrder"] == 1


def test_an_order_at_an_address_that_is_gone_is_made_anew(proxy: FaultProxy, quick: QuickTime) -> None:
    client = Client(proxy, "moved-order.test")
    client.bundle()
    with moved(proxy):
        assert client.failure().code == "order_gone"


def test_a_ca_that_has_not_moved_is_asked_for_its_directory_once_more_at_most(
    proxy: FaultProxy, quick: QuickTime
) -> None:
    client = Client(proxy, "not-moved.test")
    proxy.fault(Says(404, page="<h1>Not found</h1>"), "newOrder")
    failure = client.failure()
    assert failure.code == "ca_not_acme"
    assert (proxy.asked["directory"], proxy.asked["newOrder"]) == (2, 1)
