"""Whether somebody waits for an answer of this process right now: work that nobody watches gives way meanwhile.

Python's threads share one processor. A page beside several threads of a check gets a small part of it, and has to wait
for its turn with everything that it asks the database.
"""

from __future__ import annotations

import threading

_lock = threading.Lock()
_waiting = 0


def came() -> None:
    """One more waits for an answer."""
    global _waiting
    with _lock:
        _waiting += 1


def went() -> None:
    """One of those who came has it."""
    global _waiting
    with _lock:
        _waiting -= 1


def anybody() -> bool:
    return _waiting > 0
