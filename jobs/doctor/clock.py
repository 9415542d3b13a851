"""Clock.

This host's time beside that of the provider's server.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from jobs.doctor import Host
from jobs.policy import doctor
from jobs.policy.doctor import Result, State


def examine(host: Host) -> Iterator[Result]:
    if host.provider is None:
        yield Result(State.NOT_APPLICABLE, "clock", "no provider is in use whose clock could be asked")
        return
    asked, server = host.provider.ask(), urlsplit(host.provider.directory).hostname or host.provider.name
    if asked.look.date is None:
        yield Result(State.NOT_APPLICABLE, "clock", f"{server} does not say what its clock shows")
    else:
        yield doctor.clock(server, asked.look.date, asked.before, asked.after)
