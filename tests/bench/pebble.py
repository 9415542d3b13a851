"""The Pebble that a bench measures against, without pauses and refused nonces; and whether it hangs.

Debian's Pebble 2.4.0 can deadlock while several clients order at once: whatever needs its store then waits for ever,
whoever asks. That is no client's time, so such a run is thrown away and made again with a new Pebble.
"""

from __future__ import annotations

import contextlib
import http.client
import ssl
import threading
from collections.abc import Callable, Iterator
from urllib.error import HTTPError
from urllib.request import urlopen

from jobs.demo.daemons.pebble import TO_MANAGEMENT, Behaviour, Pebble, start_pebble

HANGS_AFTER = 5.0
"""Seconds without an answer to a question that takes microseconds."""

ASKED_EVERY = 1.0
_NO_SERIAL = "cert-status-by-serial/01"


def start_bench_pebble(validates_within: int = 0) -> Pebble:
    """A new one, with a new root. `validates_within`: a validation takes whole seconds, from none to so many."""
    if not validates_within:
        return start_pebble()
    slow = {"PEBBLE_VA_NOSLEEP": "0", "PEBBLE_VA_SLEEPTIME": str(validates_within + 1)}
    return start_pebble(Behaviour(environment=slow))


def answers(ca: Pebble, seconds: float = HANGS_AFTER) -> bool:
    """Whether its store can be asked: by the status of a certificate that it never issued."""
    context = ssl.create_default_context(cafile=str(ca.bundle))
    try:
        urlopen(f"https://localhost:{ca.port + TO_MANAGEMENT}/{_NO_SERIAL}", timeout=seconds, context=context).close()
    except HTTPError as answer:
        answer.close()
    except (OSError, http.client.HTTPException):
        return False
    return True


@contextlib.contextmanager
def watched(answering: Callable[[], bool], hung: Callable[[], None]) -> Iterator[None]:
    """Ask `answering` again and again for the length of the block; `hung` is called once when it says no."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(ASKED_EVERY):
            if not answering() and not over.is_set():
                hung()
                return

    watcher = threading.Thread(target=watch, name="pebble-watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
