"""When Python looks for what only cycles keep alive: seldom in a process that works through many websites."""

from __future__ import annotations

import gc

_YOUNG, _MIDDLE, _SELDOM = 700, 10, 1_000
"""Of CPython's three generations; the first two are its own. The third holds what a run knows of all websites: looking
through that takes a third of a second with ten thousand of them, and each time no page is answered meanwhile."""


def collect_seldom() -> None:
    """From now on the whole heap is looked through after a run (`collect_now`), and hardly ever in the middle of one.
    What is there already, modules and templates, stays till the end and is left out."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _SELDOM)


def collect_now() -> None:
    """After a run: what it left in cycles goes before the next one adds to it."""
    gc.collect()
