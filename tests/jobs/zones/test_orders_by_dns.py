"""Whole orders at a real CA that asks a real BIND: whatever becomes of one, no value of it is left in a zone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial

import pytest

from jobs.courses import Waits, finish, finish_all
from jobs.demo.daemons import bind, pebble
from jobs.demo.daemons.starting import run
from jobs.policy.certificate import Bundle
from jobs.policy.failure import Failure
from jobs.policy.finding import Finding
from jobs.policy.proof import read_certificate
from jobs.ports import OrderRequest, Solver
from jobs.providers.custom import Options, Provider
from jobs.zones import Zones, dns_solver
from jobs.zones.dns_solver import DnsSolver
from jobs.zones.sweep import sweep_challenges
from tests.fakes import rights_to
from tests.jobs.acme.client import Notes, request
from tests.jobs.zones.zone_bench import NS2, Silent, backend, change, installation, listed, solver, texts

pytestmark = pytest.mark.e2e(timeout=120)

FINE = ("a.test", "b.test", "c.test", "d.test")
LAGGING = "lagging.test"
THEIRS = "theirs"


@dataclass
class Host:
    zones: Zones
    options: Options
    provider: Provider
    told: list[Finding]
    second: bind.SecondServer

    def become_a_stranger(self) -> None:
        """By a new account: Pebble takes up a valid authorization of the same account in one order of a hundred, also
        where it is told to do so in none."""
        self.provider = Provider(self.options, Provider(self.options).register("admin@bench.test", True, None))

    def solver(self) -> DnsSolver:
        return solver(self.zones, self.told)

    def order(self, *names: str, by: Solver | None = None, methods: dict[str, str] | None = None) -> tuple[str, ...]:
        """The names of the certificate."""
        asked = replace(request(*names), methods=methods or dict.fromkeys(names, "dns-01"))
        return finish(self.ordering(asked, by or self.solver()))

    def ordering(self, asked: OrderRequest, by: Solver) -> Waits[tuple[str, ...]]:
        bundle = yield from self.provider.issue(asked, {"dns-01": by, "http-01": Silent()}, Notes())
        assert isinstance(bundle, Bundle)
        return read_certificate(bundle.leaf).names

    def refused(self, *names: str, by: Solver | None = None, methods: dict[str, str] | None = None) -> Failure:
        with pytest.raises(Failure) as caught:
            self.order(*names, by=by, methods=methods)
        return caught.value

    def left(self) -> dict[str, set[str]]:
        found = {name: texts(f"_acme-challenge.{name}") for name in (*FINE, LAGGING)}
        return {name: values for name, values in found.items() if values}


class Instead:
    """The real one, with something else in one of its steps."""

    def __init__(self, real: DnsSolver, **instead: object) -> None:
        self._real, self._instead = real, instead

    def __getattr__(self, step: str) -> object:
        return self._instead.get(step) or getattr(self._real, step)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    zones = [bind.Zone(name, dynamic=True) for name in FINE]
    dns = bind.start_bind([*zones, bind.Zone(LAGGING, [NS2], True)])
    second = dns.second_server([LAGGING])
    ca = pebble.start_pebble()
    options = Options(directory=ca.directory, ca_bundle=str(ca.bundle))
    with installation(tmp_path_factory.mktemp("host") / "instance"):
        zones = Zones([backend(dns, *FINE, LAGGING)], rights=rights_to(*FINE, LAGGING))
        yield Host(zones, options, Provider(options), [], second)


@pytest.fixture(autouse=True)
def nothing_is_left(host: Host) -> Iterator[None]:
    change("a.test", f"update add _acme-challenge.a.test. 300 TXT {THEIRS}")
    host.become_a_stranger()
    host.told.clear()
    yield
    assert (host.left(), listed()) == ({"a.test": {THEIRS}}, [])


def test_a_base_and_its_wildcard_are_validated_by_two_values_beside_a_foreign_one(host: Host) -> None:
    seen: list[set[str]] = []
    real = host.solver()

    def settle(name: str, token: str) -> Waits[None]:
        seen.append(texts("_acme-challenge.a.test"))
        yield from real.settle(name, token)

    names = host.order("a.test", "*.a.test", by=Instead(real, settle=settle))
    assert set(names) == {"a.test", "*.a.test"}
    assert [len(values) for values in seen] == [3, 3] and all(THEIRS in values for values in seen)


def test_two_orders_at_the_same_time_at_one_name_are_both_issued(host: Host) -> None:
    both, shared = threading.Barrier(2), host.solver()

    def settle(name: str, token: str) -> Waits[None]:
        both.wait(20)
        yield from shared.settle(name, token)

    by = Instead(shared, settle=settle)
    with ThreadPoolExecutor(2) as pool:
        issued = list(pool.map(lambda _: host.order("a.test", by=by), range(2)))
    assert issued == [("a.test",), ("a.test",)]


def test_orders_whose_zone_settles_late_are_all_begun_by_one_worker_before_the_first_ends(host: Host) -> None:
    """Its second server takes the zone over only once all of their values have been put."""
    names, put, shared = [f"s{number}.{LAGGING}" for number in range(20)], [], host.solver()

    def present(name: str, token: str, key_authorization: str) -> None:
        shared.present(name, token, key_authorization)
        put.append(name)
        if len(put) == len(names):
            host.second.catch_up(LAGGING)

    by = Instead(shared, present=present)
    requests = [replace(request(name), methods={name: "dns-01"}) for name in names]
    issued = finish_all([partial(host.ordering, asked, by) for asked in requests], 1, len(names), nullcontext)
    assert (issued, put) == ([(name,) for name in names], names)


def test_an_order_that_is_given_up_while_its_zone_settles_leaves_no_value(host: Host) -> None:
    course = host.ordering(replace(request(LAGGING), methods={LAGGING: "dns-01"}), host.solver())
    next(course)
    assert len(texts(f"_acme-challenge.{LAGGING}")) == 1 and len(listed()) == 1
    course.close()


def test_of_five_names_the_one_that_is_not_seen_everywhere_is_refused_and_the_others_go_on(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dns_solver, "LONGEST_WAIT", 0.0)
    monkeypatch.setattr(dns_solver, "_LEAST", 0.7)
    names = ("a.test", "b.test", LAGGING, "c.test", "d.test")
    failure = host.refused(*names)
    assert failure.code == "dns01_not_everywhere" and set(failure.names) == {LAGGING}
    assert bind.SECOND_ADDRESS in failure.names[LAGGING]
    assert set(host.order(*(name for name in names if name not in failure.names))) == set(FINE)


def test_a_name_that_can_not_be_put_does_not_hide_another_one(host: Host) -> None:
    run("rndc", "freeze", "b.test")
    try:
        failure = host.refused("a.test", "b.test", "stranger.test")
    finally:
        run("rndc", "thaw", "b.test")
    assert set(failure.names) == {"b.test", "stranger.test"}
    assert "stranger.test: no DNS backend of this host serves" in failure.names["stranger.test"]


def test_what_the_ca_refuses_is_told_for_every_name_and_taken_away(host: Host) -> None:
    real = host.solver()

    def present(name: str, token: str, key_authorization: str) -> None:
        right = key_authorization if name == "b.test" else "something.else"
        real.present(name, token, right)

    failure = host.refused("a.test", "b.test", "c.test", by=Instead(real, present=present))
    assert (failure.code, set(failure.names)) == ("validation_failed", {"a.test", "c.test"})
    assert "unauthorized" in failure.names["a.test"]


def test_a_zone_that_can_not_be_changed_back_does_not_cost_the_certificate(host: Host) -> None:
    real = host.solver()

    def clean(name: str, token: str) -> None:
        run("rndc", "freeze", name)
        real.clean(name, token)
        run("rndc", "thaw", name)

    assert set(host.order("b.test", "c.test", by=Instead(real, clean=clean))) == {"b.test", "c.test"}
    assert [finding.code for finding in host.told] == ["zone_update_refused"] * 2
    assert len(sweep_challenges(host.zones).taken) == 2


def test_a_method_that_the_ca_does_not_offer_for_a_name_is_told_for_that_name_only(host: Host) -> None:
    """Of a wildcard no CA offers http-01."""
    methods = {"*.a.test": "http-01", "b.test": "dns-01", "*.c.test": "http-01"}
    failure = host.refused(*methods, methods=methods)
    assert (failure.code, set(failure.names)) == ("no_challenge", {"*.a.test", "*.c.test"})
    assert "expected a http-01 challenge, the CA offers dns-01" in failure.names["*.a.test"]


@pytest.mark.parametrize("step", ["settle", "clean"])
def test_a_stop_or_a_bug_in_the_middle_takes_away_the_rest(host: Host, step: str) -> None:
    real, stopped = host.solver(), []

    def stop(name: str, token: str) -> None:
        getattr(real, step)(name, token)
        if not stopped:
            stopped.append(name)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        host.order("a.test", "b.test", "c.test", by=Instead(real, **{step: stop}))
    assert len(stopped) == 1


def test_an_order_that_was_interrupted_is_gone_on_with_by_dns(host: Host) -> None:
    class Dying(Notes):
        def order_created(self, url: str) -> None:
            super().order_created(url)
            raise KeyboardInterrupt

    dying, asked = Dying(), replace(request("b.test", "*.b.test"), methods={"b.test": "dns-01"})
    with pytest.raises(KeyboardInterrupt):
        finish(host.provider.issue(asked, {"dns-01": host.solver()}, dying))
    bundle = finish(host.provider.resume(dying.urls[0], asked, {"dns-01": host.solver()}))
    assert isinstance(bundle, Bundle)
