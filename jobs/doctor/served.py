"""Served certificates.

What the watch saw: websites that a service serves otherwise than installed.
"""

from __future__ import annotations

from collections.abc import Iterator

from jobs.doctor import Host
from jobs.policy.doctor import Result, State
from jobs.policy.problems import problem

MOST_TOLD = 10


def examine(host: Host) -> Iterator[Result]:
    if not host.watched:
        yield Result(State.NOT_APPLICABLE, "services", "nothing is installed yet")
        return
    for one in host.differing[:MOST_TOLD]:
        remedy = problem("served_other").remedy
        yield Result(State.WRONG, f"{one.website} on {one.service}", one.text, "what is installed", remedy)
    more = len(host.differing) - MOST_TOLD
    if more > 0:
        yield Result(State.WRONG, "services", f"{more} further websites differ", "none", "See the Overview.")
    if not host.differing:
        yield Result(State.FINE, "services", f"nothing differs among {host.watched} certificates that are watched")
