"""Each edge of each step of a check: a process dies there, the next one is let alone, and nothing is lost or left.

`tests/e2e/test_a_crash_at_every_step.py` has the same with one crash after another. Here every crash has its own
restart; and where a step is done once a service, the process also dies at the second and the third one.
"""

from __future__ import annotations

import os
import subprocess

from jobs.crash_points import EXIT_CODE, STEPS, VARIABLE
from jobs.demo.product import CODE
from tests.crash_host import HERE, THERE, UNKNOWN_ORDER, CrashHost, edges_of, make
from tests.soak.counts import Report

PRIVATE_HOST_FOR = 1800
BY_DNS = ("place challenge", "add record", "remove challenge", "remove record")
ONCE_A_SERVICE = ("note installation", "switch symlink", "write configuration", "test configuration", "reload", "probe")
A_FEW = 4


def run(report: Report) -> None:
    host = make()
    by_http = [point for point in edges_of(STEPS) if point.partition(" ")[2] not in ("add record", "remove record")]
    again = [f"{point}:{times}" for point in edges_of(ONCE_A_SERVICE) for times in (2, 3)]
    answers = [f"{point}:2" for point in edges_of(("place challenge", "remove challenge"))]
    crashes = [*((HERE, point) for point in (*by_http, *again, *answers)), *((THERE, one) for one in edges_of(BY_DNS))]
    if report.short:
        crashes = report.random.sample(crashes, A_FEW)
    for number, (website, point) in enumerate(crashes):
        crash(host, report, website, point)
        report.say(f"{number + 1} of {len(crashes)}: {point}")
    report.figure("steps", len(STEPS))


def crash(host: CrashHost, report: Report, website: str, point: str) -> None:
    name, ordered, issued = host.alias(website), host.ca.ordered(), host.ca.issued()
    command = host.product.command("check", "--user", website.partition(".")[0])
    environment = {**os.environ, "PYTHONPATH": str(CODE), VARIABLE: point}
    ended = subprocess.run(command, env=environment, cwd="/", capture_output=True, check=False)
    report.fault("crash at a step")
    if ended.returncode != EXIT_CODE:
        report.broken(f"{point}: expected the process to die there, exit {ended.returncode}")
    for trouble in [*host.troubles(HERE, THERE), *host.refusals()]:
        report.down(f"{point}: {trouble}")
    host.check(website)
    for trouble in host.troubles(website, name):
        report.lost(f"{point}: {trouble}")
    for left in host.left():
        report.broken(f"{point}: left behind: {left}")
    orders, certificates = host.ca.ordered() - ordered, host.ca.issued() - issued
    report.order(orders)
    report.issued(certificates)
    if orders > 1 + (point in UNKNOWN_ORDER) or certificates > 1:
        report.duplicate(f"{point}: {orders} orders, {certificates} certificates")
