"""The steps of a check, and of an upgrade, at whose edges a process may be made to die, so that tests see what the next
one does.

Nothing of this happens unless AUTOSSL_CRASH_AT names an edge, `before STEP` or `after STEP`, perhaps with `:N` for the
N-th time that it is reached: the whole process then ends there by `os._exit`, as by SIGKILL. No `finally` runs, and no
other thread goes on. A name that is not known stops the process at its start.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLE = "AUTOSSL_CRASH_AT"
EXIT_CODE = 137
"""What a shell says of a process that SIGKILL ended."""

STEPS = (
    "write key",  # of the order, into keys/orders
    "send newOrder",
    "store order URL",  # in the order's row: from here on the order is gone on with, never made again
    "place challenge",  # http-01's file, or dns-01's record
    "add record",  # of any kind to a zone: a challenge, what the preflight tries, CAA; it is on the list by then
    "answer challenge",  # tell the CA to look
    "remove challenge",
    "remove record",
    "finalize",
    "download certificate",
    "stage bundle",  # the set of files that nothing reads yet
    "close row",  # the certificate's row and the order's, in one transaction
    "drop key",
    "note installation",  # from here on the service counts as one to be tried again
    "switch symlink",
    "write configuration",
    "test configuration",
    "reload",
    "probe",
    "keep standing",  # of all websites on all services
    "close check",  # its own row
)
"""In the order of a check. Where one is done for several names, files or services, an edge is reached several times."""

UPGRADE_STEPS = (
    "copy database",  # as it is before the migrations
    "commit migrations",  # all of them, in one transaction
    "put database back",  # only where SQLite could not take back by itself what a migration did
)
POINTS = tuple(f"{edge} {step}" for step in (*STEPS, *UPGRADE_STEPS) for edge in ("before", "after"))


class CrashPoints:
    """Counts how often the named point is reached, and ends the process there."""

    def __init__(self, wanted: str) -> None:
        """`wanted`: as in AUTOSSL_CRASH_AT; empty for none. Raises ValueError."""
        self._point, _, times = wanted.partition(":")
        if wanted and (self._point not in POINTS or (times and not times.isdecimal()) or times == "0"):
            raise ValueError(f"{VARIABLE}: expected POINT or POINT:N, a point being one of {POINTS}; got {wanted!r}")
        self._times = int(times or 1)
        self._count = itertools.count(1)  # its next() is one step, also among threads

    def reached(self, point: str) -> None:
        if point == self._point and next(self._count) == self._times:
            sys.stderr.write(f"{VARIABLE}: dead at {point!r}\n")
            sys.stderr.flush()
            os._exit(EXIT_CODE)


reached = CrashPoints(os.environ.get(VARIABLE, "")).reached
"""Say that this process is at a point, one of POINTS."""


@contextmanager
def edges(step: str) -> Iterator[None]:
    """The block is this one of STEPS or UPGRADE_STEPS; one that fails has no `after`."""
    reached(f"before {step}")
    yield
    reached(f"after {step}")
