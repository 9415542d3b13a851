"""Handshakes after a reload: a graceful reload takes effect a little later, so what is still old is asked again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from jobs import privileged
from jobs.ports import Endpoint, Served

SETTLE = 15.0
"""Seconds after a reload within which the former certificate may still be served."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.5

Clock = Callable[[], float]


def handshakes(
    endpoints: Sequence[Endpoint],
    fingerprint: str,
    reloaded_at: float | None,
    settle: float = SETTLE,
    clock: Clock = time.monotonic,
) -> list[Served]:
    """One handshake an endpoint; those that do not show `fingerprint` are repeated until `settle` seconds after
    `reloaded_at` (`time.monotonic`; None: there was no reload, so the first answer counts). Where one timed out, the
    same port of that host is not asked for the other names of that round."""
    answers = _asked(endpoints)
    pause = _FIRST_PAUSE
    while True:
        late = [at for at, answer in enumerate(answers) if answer.fingerprint != fingerprint]
        left = 0.0 if reloaded_at is None else reloaded_at + settle - clock()
        if not late or left <= 0:
            return answers
        time.sleep(min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE)
        for at, answer in zip(late, _asked([endpoints[at] for at in late]), strict=True):
            answers[at] = answer


def _asked(endpoints: Sequence[Endpoint]) -> list[Served]:
    """A website may have a hundred names at an address that nobody answers at: one of them waits for all."""
    silent: set[tuple[str, int]] = set()
    answers = []
    for endpoint in endpoints:
        at = endpoint.host, endpoint.port
        if at in silent:
            words = f"{endpoint}: not asked, for another name timed out there"
            answers.append(Served(endpoint, None, words, late=True))
            continue
        answers.append(privileged.probe(endpoint))
        if answers[-1].late:
            silent.add(at)
    return answers
