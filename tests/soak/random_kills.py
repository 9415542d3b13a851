"""Processes that are killed at random times, 200 times, while they order and install.

Real daemons serve two websites with certificates. One of them gets another name, and the processes that are to secure
it (`autossl check`, and `autossl serve`, which takes over what they leave) are killed one after another, after times
that the seed decides; a last one is let alone. After each kill every service must present a certificate that a client
trusts, and would start anew with the configuration that stands there. In the end the new name is served everywhere, by
the one certificate of one order, and nothing is left on the disk, in the zones and in the queue.
"""

from __future__ import annotations

import subprocess
import time

from jobs.demo.daemons.starting import until
from tests.crash_host import HERE, THERE, CrashHost, make
from tests.soak.counts import Report

PRIVATE_HOST_FOR = 5400
KILLS, A_FEW = 200, 5
MOST_IN_A_ROW = 4
BY_DNS, BY_SERVER = 0.25, 0.25
"""The share of rounds for the website that is validated by DNS, and of processes that are a server."""


def run(report: Report) -> None:
    host = make()
    rounds = Rounds(host, report)
    kills = A_FEW if report.short else KILLS
    while rounds.kills < kills:
        rounds.play(min(report.random.randint(1, MOST_IN_A_ROW), kills - rounds.kills))
        report.say(f"{rounds.kills} of {kills} kills, {rounds.played} rounds")
    report.figure("rounds, one name each", rounds.played)
    report.figure("processes that had ended before they were killed", rounds.late)
    report.figure("orders whose address died with the process", rounds.unknown)


class Rounds:
    """What was done, and what a kill may have to be patient with."""

    def __init__(self, host: CrashHost, report: Report) -> None:
        self._host, self._report = host, report
        self.kills = self.played = self.late = self.unknown = 0
        began = time.monotonic()
        host.alias()
        host.start("check", "--user", HERE.partition(".")[0]).communicate()
        self._takes = time.monotonic() - began

    def play(self, kills: int) -> None:
        host, choice = self._host, self._report.random
        website = THERE if choice.random() < BY_DNS else HERE
        name, ordered, issued = host.alias(website), host.ca.ordered(), host.ca.issued()
        last = max(row["id"] for row in host.rows("SELECT id FROM queue_entry"))
        addresses: set[str] = set()
        for number in range(kills):
            self._kill(website, by_server=number > 0 and choice.random() < BY_SERVER)
            addresses |= self._addresses(last)
            self._look(website, name)
        self._finish(website, by_server=choice.random() < BY_SERVER)
        addresses |= self._addresses(last)
        self._count(website, name, host.ca.ordered() - ordered, host.ca.issued() - issued, addresses)
        self.played += 1

    def _kill(self, website: str, by_server: bool) -> None:
        host, delay = self._host, self._report.random.uniform(0, self._takes)
        serving = ("serve", "--single", "--bind", "127.0.0.1:2087")
        words = serving if by_server else ("check", "--user", website.partition(".")[0])
        process, began = host.start(*words), time.monotonic()
        try:
            process.wait(delay)
            self.late += 1
            self._takes = (self._takes + time.monotonic() - began) / 2  # the machine may be quicker than it was
        except subprocess.TimeoutExpired:
            process.kill()
            self._report.fault("SIGKILL of a server" if by_server else "SIGKILL of a check")
            self.kills += 1
        process.communicate()

    def _look(self, website: str, name: str) -> None:
        for trouble in [*self._host.troubles(HERE, THERE), *self._host.refusals()]:
            self._report.down(f"{website}, to get {name}, after kill {self.kills}: {trouble}")

    def _finish(self, website: str, by_server: bool) -> None:
        """By a server: if anything is pending it goes on with that, and with checks that a killed one had asked for.
        Only a check makes sure that something was begun at all."""
        host = self._host
        if not by_server:
            host.check(website)
        if host.active():
            with host.product.serving():
                until("nothing is pending", lambda: host.active() == [])
        host.check(website)

    def _addresses(self, last: int) -> set[str]:
        """Of the orders that were kept since that row."""
        query = f"SELECT order_url FROM queue_entry WHERE id > {last} AND order_url IS NOT NULL"
        return {row["order_url"] for row in self._host.rows(query)}

    def _count(self, website: str, name: str, ordered: int, issued: int, addresses: set[str]) -> None:
        host, report = self._host, self._report
        report.order(ordered)
        report.issued(issued)
        self.unknown += ordered - len(addresses)
        if len(addresses) != 1:
            report.duplicate(f"{name}: {len(addresses)} orders were kept: {sorted(addresses)}")
        if issued > 1:
            report.duplicate(f"{name}: {issued} certificates were issued")
        for trouble in host.troubles(website, name):
            report.lost(f"{name}: {trouble}")
        for left in host.left():
            report.broken(f"{name}: left behind: {left}")
