"""One change at a time for each zone, also between processes of this installation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from jobs import privileged
from jobs.policy.failure import Failure
from jobs.ports import Place

_LONGEST_TURN = 120.0
"""Seconds to wait for another thread or process of ours that changes the same zone."""


@contextmanager
def turn(place: Place, zone: str) -> Iterator[None]:
    """Hold the lock of a zone for the length of the block.

    Raises Failure("zone_busy"), Failure("zone_not_written").
    """
    locks = place.instance / "locks"
    with ExitStack() as held:
        try:
            locks.mkdir(mode=0o700, exist_ok=True)
            held.enter_context(privileged.locked(locks / f"zone-{zone}", _LONGEST_TURN))
        except TimeoutError as error:
            raise Failure("zone_busy", f"{zone}: {error}") from error
        except OSError as error:
            raise Failure("zone_not_written", f"{zone}: its lock: {error}") from error
        yield
