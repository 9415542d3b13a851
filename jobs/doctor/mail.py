"""Messages.

Whether what people are told can be sent. Nothing is sent for that.
"""

from __future__ import annotations

from collections.abc import Iterator

from jobs.doctor import Host
from jobs.policy.doctor import Result, State
from jobs.policy.failure import Failure
from jobs.policy.problems import problem


def examine(host: Host) -> Iterator[Result]:
    notifiers = host.notifiers()
    if not notifiers:
        yield Result(State.NOT_APPLICABLE, "messages", "no way to send any is set up")
        return
    for title, notifier in notifiers.items():
        check = getattr(notifier, "check", None)
        if check is None:
            yield Result(State.NOT_APPLICABLE, title, "it can't be tried without sending something")
            continue
        try:
            check()
        except Failure as failure:
            yield Result(State.WRONG, title, failure.detail, "a server that takes mail", problem(failure.code).remedy)
        else:
            yield Result(State.FINE, title, "it would take a message")
