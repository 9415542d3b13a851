"""Configuration of services.

Each service's own test. While it fails, no certificate is installed there, and the service might not survive a restart.
"""

from __future__ import annotations

from collections.abc import Iterator

from jobs.doctor import Host
from jobs.policy.doctor import Result, State
from jobs.policy.failure import Failure
from jobs.policy.problems import problem


def examine(host: Host) -> Iterator[Result]:
    services = host.services()
    if not services:
        yield Result(State.NOT_APPLICABLE, "services", "none that is known here is on this host")
    for service in services:
        try:
            service.test()
        except Failure as failure:
            remedy = problem(failure.code).remedy
            yield Result(State.WRONG, service.name, failure.detail, "a configuration that passes its test", remedy)
        else:
            yield Result(State.FINE, service.name, "its test passes")
