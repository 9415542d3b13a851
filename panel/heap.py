"""One heap for all threads of the server.

glibc gives each thread a heap of its own, so that they don't wait for each other; Python's threads take turns anyway,
and what each of them once needed for its largest page would stay with it: a tenth of all memory at rest.
"""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8
"""mallopt(3)."""


def share_one_heap() -> None:
    """For threads that begin from now on. A C library that has no such choice has one heap."""
    choose = getattr(ctypes.CDLL(None), "mallopt", None)
    if choose is not None:
        choose(_M_ARENA_MAX, 1)
