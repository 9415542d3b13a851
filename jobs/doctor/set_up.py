"""Set-up of services.

Whether what `autossl setup` writes is in place, and whether somebody changed files of ours since.
"""

from __future__ import annotations

from collections.abc import Iterator

from jobs.doctor import Host
from jobs.policy.doctor import Result, State
from jobs.policy.failure import Failure
from jobs.policy.problems import problem

MOST_TOLD = 8
_AGAIN = "Run `autossl setup`, which writes it anew."


def examine(host: Host) -> Iterator[Result]:
    agreed, services = {one.service for one in host.written}, host.services()
    if not any(hasattr(service, "setup") for service in services):
        yield Result(State.NOT_APPLICABLE, "services", "none on this host needs anything once")
    for service in services:
        ability = getattr(service, "setup", None)
        if ability is None:
            continue
        try:
            missing = list(ability())
        except Failure as failure:
            yield Result(State.WRONG, service.name, failure.detail, "its set-up", problem(failure.code).remedy)
            continue
        if not missing:
            yield Result(State.FINE, service.name, "all that it needs once is in place")
        elif service.name in agreed:
            words = f"not in place: {', '.join(str(change.path) for change in missing[:3])}"
            yield Result(State.WRONG, service.name, words, "what `autossl setup` wrote", _AGAIN)
        else:
            yield Result(State.WARNING, service.name, "it was not set up yet", "a service that is set up", _AGAIN)
    yield from _files(host)


def _files(host: Host) -> Iterator[Result]:
    odd = [one for one in host.written if one.state != "as written"]
    for one in odd[:MOST_TOLD]:
        words = "somebody removed it" if one.state == "gone" else "somebody changed it since it was written here"
        remedy = "See whether the change is meant. `autossl setup` writes what is missing, and a check what it needs."
        yield Result(State.WARNING, one.path, words, "as it was written", remedy)
    if len(odd) > MOST_TOLD:
        more = f"{len(odd) - MOST_TOLD} further files were changed or removed"
        yield Result(State.WARNING, "files of services", more, "none", "See whether the changes are meant.")
    if host.written and not odd:
        yield Result(State.FINE, "files of services", f"{len(host.written)} are as they were written")
