"""A renewal of a CAA record that is killed anywhere leaves a set that still restricts, also after an undo.

On a zone of a real BIND; the process that renews is killed before and after each thing that it does.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import models
from jobs.demo.daemons import bind
from jobs.policy.caa import CaaRecord
from jobs.policy.caa_addition import Renewal, zone_text
from jobs.policy.failure import Failure
from jobs.ports import Record
from jobs.preflight import caa_changes
from jobs.preflight.caa_changes import Change, Done, write_all
from jobs.preflight.resolver import Lookup, servers
from jobs.zones import Zones, kept
from jobs.zones.writing import put, take
from tests.jobs.dns_backends.bind_bench import transferred
from tests.jobs.zones.zone_bench import backend, change, installation

pytestmark = pytest.mark.e2e(timeout=120)

ZONE = "former.test"
OLD = CaaRecord(0, "issue", "ca.test; accounturi=https://ca.test/acct/1")
NEW = CaaRecord(0, "issue", "ca.test; accounturi=https://ca.test/acct/2")
FORMER, RENEWED = (Record(ZONE, "CAA", zone_text(one), 300) for one in (OLD, NEW))
KILLED = 9


@pytest.fixture(scope="module")
def dns() -> bind.Bind:
    return bind.start_bind([bind.Zone(ZONE, [("@", "A", "192.0.2.1")], True)])


@pytest.fixture
def zones(dns: bind.Bind, tmp_path: Path) -> Iterator[Zones]:
    with installation(tmp_path / "instance"):
        yield Zones([backend(dns, ZONE)])


def standing() -> set[str]:
    return {text.removeprefix("CAA ") for _, _, text in transferred(ZONE) if text.startswith("CAA ")}


def begin(zones: Zones, ours: bool, renewed_is_ours: bool = False) -> None:
    """The set holds the former record and nothing else of CAA but what we are to have put beside it."""
    change(ZONE, f"update delete {ZONE}. CAA")
    for record in (FORMER, RENEWED):
        kept.forget(record)
    change(ZONE, f"update add {ZONE}. 300 CAA {FORMER.value}")
    serving = zones.serving(ZONE)
    assert serving
    if ours:
        put(serving, FORMER, kept.CAA, "testca")
    if renewed_is_ours:
        put(serving, RENEWED, kept.CAA, "testca")


def renew(zones: Zones) -> Done:
    serving = zones.serving(ZONE)
    assert serving
    lookup = Lookup(servers([bind.ADDRESS]), authoritative=False, timeout=3)
    asked = [Change(serving, Renewal(ZONE, OLD, NEW))]
    return next(iter(asyncio.run(write_all(lookup, zones, asked, "testca")).values()))


def renew_and_die(zones: Zones, at: int) -> bool:
    """In another process, which ends at the point of that number; False when it was through before."""
    models.database.close()
    child = os.fork()
    if not child:
        passed = 0

        def point() -> None:
            nonlocal passed
            passed += 1
            if passed == at:
                os._exit(KILLED)

        def deadly(call: Callable[..., Any]) -> Callable[..., Any]:
            def called(*given: Any) -> Any:
                point()
                value = call(*given)
                point()
                return value

            return called

        async def seen(*given: Any) -> Any:
            point()
            value = await shown(*given)
            point()
            return value

        shown, serving = caa_changes.seen_everywhere, zones.serving(ZONE)
        for owner, name in ((kept, "note"), (kept, "forget"), (serving and serving.backend, "add"),
                            (serving and serving.backend, "remove")):
            setattr(owner, name, deadly(getattr(owner, name)))
        caa_changes.seen_everywhere = seen
        code = 1
        try:
            code = 0 if renew(zones) == Done() else 1
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, KILLED)
    return code == KILLED


def undo(zones: Zones) -> None:
    for one in kept.left(kept.CAA):
        take(zones, one.record)


def each_point(zones: Zones, *state: bool) -> Iterator[int]:
    at = 1
    while True:
        begin(zones, *state)
        if not renew_and_die(zones, at):
            break
        yield at
        at += 1
    assert at > 8, "each step has a point before it and one after it"


@pytest.mark.parametrize("renewed_is_ours", [False, True])
def test_an_owner_s_restriction_outlives_a_renewal_that_is_killed_anywhere(
    zones: Zones, renewed_is_ours: bool
) -> None:
    for at in each_point(zones, False, renewed_is_ours):
        undo(zones)
        assert standing() & {FORMER.value, RENEWED.value}, f"killed at point {at}: any CA may issue after an undo"
    assert (standing(), kept.left(kept.CAA)) == ({RENEWED.value}, [])


@pytest.mark.parametrize("renewed_is_ours", [False, True])
def test_a_renewal_for_an_owner_that_was_killed_is_gone_on_with(zones: Zones, renewed_is_ours: bool) -> None:
    for _ in each_point(zones, False, renewed_is_ours):
        assert renew(zones) == Done()
        assert (standing(), kept.left(kept.CAA)) == ({RENEWED.value}, [])


def test_of_a_renewal_of_ours_that_is_killed_anywhere_nothing_is_left_after_an_undo(zones: Zones) -> None:
    for at in each_point(zones, True):
        undo(zones)
        assert (standing(), kept.left(kept.CAA)) == (set(), []), f"killed at point {at}"


def test_a_renewal_for_an_owner_that_can_not_be_written_takes_nothing_back(
    zones: Zones, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS may show an older set: the record may stand there already, and be the last of its set."""
    begin(zones, False)
    change(ZONE, f"update delete {ZONE}. CAA", f"update add {ZONE}. 300 CAA {RENEWED.value}")
    serving = zones.serving(ZONE)
    assert serving
    real = serving.backend.add

    def add(record: Record) -> None:
        real(record)
        raise Failure("dns_backend_timeout", "no answer within 10 s")

    monkeypatch.setattr(serving.backend, "add", add)
    done = renew(zones)
    assert done.failed and done.failed.code == "dns_backend_timeout"
    undo(zones)
    assert standing() == {RENEWED.value}
