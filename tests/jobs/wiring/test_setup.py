"""`autossl setup` beside other work: what one takes away, the other must not write anew behind its back."""

from __future__ import annotations

import threading

import models
from jobs import queue
from jobs.wiring.instance import Instance
from jobs.wiring.setup import LOCK, setup


def test_taking_back_waits_for_a_check_that_is_under_way(instance: Instance) -> None:
    waits, done = threading.Event(), threading.Event()

    def undo() -> None:
        with models.database.connection_context():
            setup(instance, undo=True, on_wait=waits.set)
        done.set()

    with queue.instance_lock(instance.place.instance / LOCK, lambda: None, lambda: False) as ours:
        assert ours
        thread = threading.Thread(target=undo)
        thread.start()
        assert waits.wait(10)
        assert not done.is_set()
    thread.join(10)
    assert done.is_set()


def test_a_plan_waits_for_nobody(instance: Instance) -> None:
    with queue.instance_lock(instance.place.instance / LOCK, lambda: None, lambda: False):
        assert setup(instance, undo=True, plan_only=True) == {"changes": [], "failed": [], "still_on": False}
