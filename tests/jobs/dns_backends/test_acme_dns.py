"""acme-dns as a DNS backend: two values at a name, none that is waited for pushed out, and nothing ever removed.

The server is a double at acme-dns's ports; the way to it through BIND, and the look at what the world sees, are real.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jobs.courses import finish
from jobs.demo.daemons.bind import Zone, start_bind
from jobs.demo.product import INSTANCE, Product
from jobs.dns_backends.acme_dns import Backend, Options
from jobs.ports import Place, Record
from jobs.wiring.instance import open_instance
from jobs.wiring.parts import zones
from jobs.zones import Zones
from jobs.zones.dns_solver import DnsSolver, txt_value
from tests.jobs.dns_backends.acme_dns_double import DOMAIN, AcmeDns, acme_dns
from tests.jobs.dns_backends.bind_bench import failure_of

pytestmark = pytest.mark.e2e(timeout=180)

ADDRESS, PORT = "127.0.0.54", 53
Account = dict[str, Any]


class Clock:
    """Seconds that pass only when a test says so."""

    now = 1_800_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Iterator[AcmeDns]:
    with acme_dns(ADDRESS, PORT, clock) as made:
        yield made


@pytest.fixture
def account(server: AcmeDns) -> Account:
    return server.register()


@pytest.fixture
def options(server: AcmeDns, account: Account) -> Options:
    return Options(url=server.url, accounts=json.dumps(account))


def made(options: Options, **changes: object) -> Backend:
    return Backend(replace(options, **changes), Place(Path("/nowhere")))


def value(account: Account) -> Record:
    return Record(account["fulldomain"], "TXT", secrets.token_urlsafe(32))


def test_a_value_is_put_and_stays_until_newer_ones_push_it_out(
    options: Options, server: AcmeDns, account: Account, clock: Clock
) -> None:
    backend, records = made(options), [value(account) for _ in range(4)]
    for record in records:
        backend.add(record)
        backend.add(record)
        assert record.value in server.values(account)
        backend.remove(record)
        backend.remove(record)
        assert record.value in server.values(account)  # there is no way to remove it
        clock.now += 1
    assert server.values(account) == {record.value for record in records[2:]}
    assert len(server.updates) == len(records)


def test_apex_and_wildcard_have_their_values_beside_each_other(
    options: Options, server: AcmeDns, account: Account
) -> None:
    backend, both = made(options), [value(account) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(backend.add, both))
    assert server.values(account) == {record.value for record in both}


def test_a_third_value_waits_until_one_of_the_two_is_done_with(
    options: Options, server: AcmeDns, account: Account, clock: Clock
) -> None:
    backend, records = made(options), [value(account) for _ in range(3)]
    for record in records[:2]:
        backend.add(record)
        clock.now += 1
    with ThreadPoolExecutor(1) as pool:
        third = pool.submit(backend.add, records[2])
        with pytest.raises(TimeoutError):
            third.result(0.3)
        backend.remove(records[0])
        third.result(20)
    assert server.values(account) == {record.value for record in records[1:]}


def test_a_third_value_is_refused_in_the_end(
    options: Options, server: AcmeDns, account: Account, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.dns_backends.acme_dns._PATIENCE", 0.2)
    backend, records = made(options), [value(account) for _ in range(3)]
    for record in records[:2]:
        backend.add(record)
        clock.now += 1
    failure = failure_of(lambda: backend.add(records[2]))
    assert failure.code == "dns_backend_full" and not failure.permanent
    assert server.values(account) == {record.value for record in records[:2]}
    backend.remove(records[0])
    backend.add(records[2])
    assert server.values(account) == {record.value for record in records[1:]}


def test_a_value_that_is_waited_for_is_never_pushed_out_by_a_newer_one(
    options: Options, server: AcmeDns, account: Account, clock: Clock
) -> None:
    backend, waited = made(options), value(account)
    backend.add(waited)
    for _ in range(4):
        clock.now += 1
        tried = value(account)
        backend.add(tried)
        assert server.values(account) == {waited.value, tried.value}
        backend.remove(tried)


def test_within_one_second_acme_dns_itself_can_not_tell_which_value_is_older(
    options: Options, server: AcmeDns, account: Account
) -> None:
    server.clock = lambda: int(time.time())
    backend, waited = made(options), value(account)
    backend.add(waited)
    for _ in range(2):
        tried = value(account)
        backend.add(tried)
        assert server.values(account) == {waited.value, tried.value}
        backend.remove(tried)


def test_only_the_names_of_the_accounts_are_served(options: Options, server: AcmeDns, account: Account) -> None:
    other = server.register()
    one = made(options, accounts=json.dumps([account, other]))
    by_domain = made(options, accounts=json.dumps({"example.org": account, "example.net": other}))
    for backend in (one, by_domain):
        assert backend.active() and backend.zone_for(account["fulldomain"]) == DOMAIN
        assert backend.zone_for(other["fulldomain"]) == DOMAIN and backend.zone_for(DOMAIN) is None
        backend.add(value(other))
    assert made(options).zone_for(other["fulldomain"]) is None
    assert not made(options, url="").active() and not made(options, accounts="").active()
    known = Zones([one])
    assert known.serving(account["fulldomain"], "TXT") and not known.serving(account["fulldomain"], "CAA")


@pytest.mark.parametrize(("changes", "code"), [
    ({"name": f"x.{DOMAIN}"}, "zone_not_served"),
    ({"kind": "CAA", "value": '0 issue "ca.test"'}, "dns_backend_challenges_only"),
    ({"value": "too short"}, "zone_record_invalid"), ({"value": "v" * 44}, "zone_record_invalid"),
    ({"value": "v" * 42 + '"'}, "zone_record_invalid"), ({"kind": "A"}, "zone_record_invalid"),
])
def test_what_acme_dns_can_not_hold_is_refused_before_it_hears_of_it(
    options: Options, server: AcmeDns, account: Account, changes: dict[str, str], code: str
) -> None:
    backend = made(options)
    for call in (backend.add, backend.remove):
        failure = failure_of(partial(call, replace(value(account), **changes)))
        assert failure.code == code and failure.permanent
    assert not server.updates


@pytest.mark.parametrize("accounts", [
    "no JSON", "7", "[7]", "[[]]", '{"fulldomain": "a.auth.test"}',
    '{"fulldomain": "a.auth.test", "subdomain": "b", "username": "u", "password": "hush"}',
    '{"fulldomain": "a b", "subdomain": "a", "username": "u", "password": "hush"}',
    '{"fulldomain": "a.auth.test", "subdomain": "", "username": "u", "password": "hush"}',
])
def test_accounts_that_are_none_are_told_without_what_was_given(options: Options, accounts: str) -> None:
    known = Zones([made(options, accounts=accounts)])
    assert known.serving("a.auth.test") is None
    trouble = known.troubles["acme_dns"]
    assert trouble.code == "option_invalid" and "hush" not in trouble.detail


@pytest.mark.parametrize("url", [
    "auth.test", "http://auth.test", "http://192.0.2.1", "ftp://127.0.0.1", "https://user:hush@auth.test", "https://",
    "https://a/?b",
])
def test_credentials_are_not_sent_to_an_address_without_tls(options: Options, account: Account, url: str) -> None:
    failure = failure_of(lambda: made(options, url=url, server=ADDRESS).add(value(account)))
    assert failure.code == "option_invalid" and "hush" not in failure.detail


@pytest.mark.parametrize("signs", ["a\r\nX-Evil: 1", "", "a b", "ä"])
def test_credentials_with_signs_that_no_header_may_have_are_refused(
    options: Options, server: AcmeDns, account: Account, signs: str
) -> None:
    for key in ("username", "password"):
        wrong = json.dumps({**account, key: signs})
        assert failure_of(partial(made(options, accounts=wrong).add, value(account))).code == "option_invalid"
    assert not server.updates


def test_a_wrong_key_is_told_and_not_shown(options: Options, server: AcmeDns, account: Account) -> None:
    wrong = json.dumps({**account, "password": "wrong-and-hushed"})
    failure = failure_of(lambda: made(options, accounts=wrong).add(value(account)))
    assert failure.code == "dns_backend_denied" and "forbidden" in failure.detail
    assert "hushed" not in failure.detail and account["password"] not in repr(options) and not server.updates


def test_an_update_that_dns_does_not_show_is_told(options: Options, server: AcmeDns, account: Account) -> None:
    server.deaf = True
    failure = failure_of(lambda: made(options).add(value(account)))
    assert failure.code == "zone_change_not_served" and 1 < len(server.updates) < 6
    server.deaf = False
    made(options).add(value(account))


def test_servers_that_are_not_there_are_told(options: Options, account: Account) -> None:
    add: Callable[..., Any] = lambda **changes: failure_of(lambda: made(options, **changes).add(value(account)))  # noqa: E731
    assert add(url=f"http://{ADDRESS}:9").code == "dns_backend_unreachable"
    assert add(server="127.0.0.99").code == "dns_backend_unreachable"
    assert add(url=f"{options.url}/elsewhere").code == "dns_backend_api_bad_answer"


# --- through a real BIND, as the world sees it


@pytest.fixture(scope="module")
def bind() -> None:
    numbers = [f"{number:08x}-0000-4000-8000-000000000000" for number in (1, 2)]
    start_bind(
        [Zone("shop.test", [("_acme-challenge", "CNAME", f"{numbers[0]}.{DOMAIN}.")])], elsewhere={DOMAIN: ADDRESS}
    )


def test_a_delegated_name_and_its_wildcard_are_answered_for(
    bind: None, options: Options, server: AcmeDns, account: Account
) -> None:
    product = Product()
    product.make()
    product.run("plugin", "set", "acme_dns", f"url={server.url}", "--secret-file", "accounts=-",
                stdin=f"{json.dumps(account)}\n")
    told = product.run("dns", "test", account["fulldomain"])
    assert "every name server shows it" in told.stderr + told.stdout and "push it out" in told.stderr + told.stdout
    names, words = ("shop.test", "*.shop.test"), []
    instance = open_instance(INSTANCE)
    try:
        solver = DnsSolver(zones(instance), ["127.0.0.1"], 5.0, words.append)
        for name in names:
            solver.present(name, "token", f"authorization-{name}")
        for name in names:
            finish(solver.settle(name, "token"))
        assert server.values(account) == {txt_value(f"authorization-{name}") for name in names}
        for name in names:
            solver.clean(name, "token")
    finally:
        instance.close()
    assert not words and product.run("dns", "records", "--json").json()["records"] == []
