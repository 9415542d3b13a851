"""A process that dies between any two steps of a check: what it began is gone on with, once, and all is served.

One process after another is started as a person would after a crash, and dies after the next step; the last one of a
phase is left alone. Each edge of each step apart, with a restart of its own, is `bash tests/run soak every_crash`.
"""

from __future__ import annotations

import json
import signal

import pytest

from jobs.crash_points import STEPS
from jobs.demo.daemons.starting import until
from tests.crash_host import HERE, THERE, UNKNOWN_ORDER, CrashHost, make

pytestmark = pytest.mark.e2e(timeout=300)

PHASES = {
    "ordering": ("write key", "send newOrder", "store order URL", "place challenge", "answer challenge",
                 "remove challenge"),
    "issuing": ("finalize", "download certificate", "stage bundle", "close row", "drop key"),
    "installing": ("note installation", "switch symlink", "write configuration", "test configuration", "reload",
                   "probe", "keep standing", "close check"),
}
BY_DNS = ("place challenge", "add record", "remove challenge", "remove record")


@pytest.fixture(scope="module")
def host() -> CrashHost:
    return make()


def test_every_step_has_its_phase() -> None:
    assert {*STEPS} == {step for steps in (*PHASES.values(), BY_DNS) for step in steps}


@pytest.mark.parametrize("phase", PHASES)
def test_a_crash_at_any_step_orders_nothing_twice_and_leaves_nothing(host: CrashHost, phase: str) -> None:
    dies_at_every_step(host, HERE, PHASES[phase])


def test_a_crash_at_any_step_of_a_change_in_a_zone_leaves_nothing(host: CrashHost) -> None:
    dies_at_every_step(host, THERE, BY_DNS)


def dies_at_every_step(host: CrashHost, website: str, steps: tuple[str, ...]) -> None:
    ordered, issued = host.ca.ordered(), host.ca.issued()
    aliases = [host.alias(website)]
    points = [f"before {steps[0]}", *(f"after {step}" for step in steps)]
    for point in points:
        if not host.dies(point, website):
            aliases.append(host.alias(website))  # that one came to its end: the edge is behind it
            assert host.dies(point, website), point
        assert host.troubles(website) == [], f"before the restart after {point!r}"
        if "reload" in steps:
            assert host.refusals() == [], f"a daemon that is started anew after {point!r}"
    host.check(website)
    assert host.troubles(website, aliases[-1]) == []
    assert host.left() == []
    assert host.ca.issued() - issued == len(aliases)
    assert host.ca.ordered() - ordered == len(aliases) + len(UNKNOWN_ORDER & {*points})
    assert {row["state"] for row in host.rows("SELECT * FROM queue_entry")} == {"done"}


def test_a_server_goes_on_with_what_a_dead_process_began(host: CrashHost) -> None:
    name, ordered, issued = host.alias(), host.ca.ordered(), host.ca.issued()
    assert host.dies("after finalize")
    with host.product.serving():
        until("it is done", lambda: host.active() == [])
    assert host.troubles(HERE, name) == []
    assert host.left() == []
    assert (host.ca.ordered() - ordered, host.ca.issued() - issued) == (1, 1)


def test_two_servers_and_two_commands_at_once_do_one_check(host: CrashHost) -> None:
    """Everybody waits at the gate: the worker of the one server, and two commands. The other server is refused."""
    host.alias()
    ordered, runs = host.ca.ordered(), len(host.rows("SELECT * FROM run"))
    with host.product.serving():
        refused = host.product.run("serve", "--single", "--bind", "127.0.0.1:2088", expected=(2,))
        assert "already" in refused.stderr
        with host.work_lock():
            commands = [host.start("check", "--all", "--json") for _ in range(2)]
            until("both wait", lambda: all(map(host.is_at_the_lock, commands)))
        reports = [json.loads(one.communicate()[0]) for one in commands]
    assert sorted(report.get("joined", False) for report in reports) == [False, True]
    assert len({report["run"] for report in reports}) == 1
    assert (host.ca.ordered() - ordered, len(host.rows("SELECT * FROM run")) - runs) == (1, 1)


def test_another_server_may_begin_once_the_first_one_is_killed(host: CrashHost) -> None:
    first = host.product.serve()
    first.send_signal(signal.SIGKILL)
    first.wait(10)
    with host.product.serving() as second:
        assert second.poll() is None
