"""What we put into zones is on a list until it is gone: exactly that is taken away, now or later, and nothing else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from jobs.courses import finish
from jobs.demo.daemons import bind
from jobs.demo.daemons.starting import run
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.policy.failure import Failure
from jobs.policy.finding import Finding
from jobs.ports import Record
from jobs.preflight.by_dns import validate_by_dns
from jobs.zones import Serving, Zones, kept
from jobs.zones.sweep import sweep_challenges
from jobs.zones.writing import put
from tests.fakes import rights_to
from tests.jobs.zones.zone_bench import Watching, backend, change, installation, listed, solver, texts

pytestmark = pytest.mark.e2e(timeout=60)

HERE = ("@", "A", PUBLIC_ADDRESS)
NAMES = ("a.test", "b.test")
OWNER, THEIRS = "_acme-challenge.a.test", "theirs"


class Slow:
    """A backend that keeps values in memory, each change taking as long as the test wants."""

    name = "slow"

    def __init__(self) -> None:
        self.values: set[Record] = set()
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.down: Failure | None = None
        self.asked = 0

    def active(self) -> bool:
        return True

    def zone_for(self, name: str) -> str | None:
        return "b.test" if f".{name}".endswith(".b.test") else None

    def add(self, record: Record) -> None:
        self.begun.set()
        assert self.go_on.wait(20)
        self.values.add(record)

    def remove(self, record: Record) -> None:
        self.asked += 1
        if self.down:
            raise self.down
        self.values.discard(record)


@pytest.fixture(scope="module")
def zones(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zones]:
    dns = bind.start_bind([bind.Zone(name, [HERE], True) for name in NAMES])
    with installation(tmp_path_factory.mktemp("host") / "instance"):
        change("a.test", f"update add {OWNER}. 300 TXT {THEIRS}")
        yield Zones([backend(dns, *NAMES)], rights=rights_to(*NAMES))
        assert (texts(OWNER), listed()) == ({THEIRS}, [])


def test_a_zone_that_is_frozen_when_a_value_is_to_go_gets_it_taken_away_later(zones: Zones) -> None:
    told: list[Finding] = []
    order = solver(zones, told)
    order.present("a.test", "token", "token.thumb")
    run("rndc", "freeze", "a.test")
    order.clean("a.test", "token")
    assert [finding.code for finding in told] == ["zone_update_refused"] and "a.test" in told[0].text
    swept = sweep_challenges(zones)
    assert (swept.taken, [trouble.code for trouble in swept.troubles]) == ((), ["zone_update_refused"])
    assert len(listed()) == 1 and len(texts(OWNER)) == 2
    run("rndc", "thaw", "a.test")
    swept = sweep_challenges(zones)
    assert ([record.name for record in swept.taken], swept.troubles) == ([OWNER], ())
    assert (texts(OWNER), listed()) == ({THEIRS}, [])


def test_the_preflight_tells_it_too_and_does_not_take_such_a_zone_for_good(
    zones: Zones, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Freezing(Watching):
        async def exchange(self, *asked: object) -> object:  # type: ignore[override]
            run("rndc", "freeze", "a.test")
            return await super().exchange(*asked)  # type: ignore[arg-type]

    found = asyncio.run(validate_by_dns(Freezing(), zones, ["a.test"], act=True))["a.test"]
    assert found.trouble and found.trouble.code == "zone_update_refused"
    assert len(listed()) == 1
    run("rndc", "thaw", "a.test")
    assert len(sweep_challenges(zones).taken) == 1


def test_only_what_is_on_the_list_is_swept_and_what_is_gone_already_is_no_trouble(zones: Zones) -> None:
    serving = zones.serving(OWNER)
    assert serving is not None
    ours, gone = Record(OWNER, "TXT", "ours", 60), Record("_acme-challenge.b.test", "TXT", "gone", 60)
    put(serving, ours, kept.CHALLENGE, None)
    kept.note("rfc2136", "b.test", gone, kept.CHALLENGE, None)  # as if killed before it was written
    caa = Record("a.test", "CAA", '0 issue "ca.test"')
    put(serving, caa, kept.CAA, "testca")
    assert texts(OWNER) == {THEIRS, "ours"}
    assert {record.value for record in sweep_challenges(zones).taken} == {"ours", "gone"}
    assert texts(OWNER) == {THEIRS}
    assert [one.record for one in kept.left(kept.CAA)] == [Record("a.test", "CAA", caa.value)]
    assert run("dig", "+short", f"@{bind.ADDRESS}", "CAA", "a.test").strip() == caa.value


def test_what_nobody_serves_any_more_stays_on_the_list_and_is_told_with_its_value(zones: Zones) -> None:
    kept.note("rfc2136", "former.test", Record("_acme-challenge.former.test", "TXT", "v"), kept.CHALLENGE, None)
    (trouble,) = sweep_challenges(zones).troubles
    assert trouble.code == "dns_record_left" and "_acme-challenge.former.test. TXT v" in trouble.detail
    (record,) = listed()
    kept.forget(record)


def test_a_backend_that_is_down_is_asked_once_in_a_sweep(zones: Zones) -> None:
    down = Slow()
    down.down = Failure("dns_backend_timeout", "no answer within 10 s")
    for number in range(3):
        kept.note("slow", "b.test", Record("_acme-challenge.b.test", "TXT", f"v{number}"), kept.CHALLENGE, None)
    assert len(sweep_challenges(Zones([down])).troubles) == 1
    assert (down.asked, len(listed())) == (1, 3)
    down.down = None
    assert len(sweep_challenges(Zones([down])).taken) == 3


def test_orders_at_the_same_time_at_one_name_take_away_their_own_value_only(zones: Zones) -> None:
    order, all_there, counted = solver(zones, []), threading.Barrier(6), threading.Barrier(6)
    left: list[int] = []

    def one(number: int) -> None:
        name, token = ("*.a.test" if number % 2 else "a.test"), f"token{number}"
        order.present(name, token, f"{token}.thumb")
        all_there.wait(20)
        left.append(len(texts(OWNER)))
        counted.wait(20)
        finish(order.settle(name, token))
        order.clean(name, token)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(one, range(6)))
    assert left == [7] * 6
    assert (texts(OWNER), listed()) == ({THEIRS}, [])


def test_two_orders_that_share_an_authorization_do_not_trip_over_each_other(zones: Zones) -> None:
    order = solver(zones, [])
    for _ in range(2):
        order.present("a.test", "shared", "shared.thumb")
    finish(order.settle("a.test", "shared"))
    order.clean("a.test", "shared")
    finish(order.settle("a.test", "shared"))
    order.clean("a.test", "shared")
    assert (texts(OWNER), listed()) == ({THEIRS}, [])


def test_a_preflight_that_is_stopped_while_a_value_is_written_takes_it_away_again(zones: Zones) -> None:
    """Ctrl-C: the thread that writes can't be stopped, and is not done yet."""
    slow = Slow()

    async def stopped() -> None:
        zones = Zones([slow], rights=rights_to(*NAMES))
        task = asyncio.create_task(validate_by_dns(Watching(), zones, ["b.test"], act=True))
        await asyncio.to_thread(slow.begun.wait, 20)
        task.cancel()
        await asyncio.wait([task], timeout=0.3)
        assert not task.done() and slow.asked == 0
        slow.go_on.set()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()

    asyncio.run(stopped())
    assert (slow.values, slow.asked, listed()) == (set(), 1, [])


def test_a_backend_that_fails_after_it_has_written_is_told_to_take_it_away(zones: Zones) -> None:
    slow = Slow()
    slow.go_on.set()

    def add(record: Record) -> None:
        slow.values.add(record)
        raise Failure("dns_backend_timeout", "no answer within 10 s")

    slow.add = add  # type: ignore[method-assign]
    assert isinstance(Zones([slow], rights=rights_to(*NAMES)).serving("b.test"), Serving)
    order = solver(Zones([slow], rights=rights_to(*NAMES)), [])
    with pytest.raises(Failure) as caught:
        order.present("b.test", "token", "token.thumb")
    assert caught.value.code == "dns_backend_timeout" and set(caught.value.names) == {"b.test"}
    assert len(slow.values) == len(listed()) == 1
    order.clean("b.test", "token")
    assert (slow.values, listed()) == (set(), [])
