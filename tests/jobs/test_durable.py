"""Rows on which files and the outside world depend outlive the machine, and only they cost a wait for the disk."""

from __future__ import annotations

import pytest

import models
from jobs import order, queue
from jobs.durable import durable
from jobs.wiring.instance import Instance, now


def synchronous() -> int:
    """0 off, 1 normal, 2 full (https://sqlite.org/pragma.html#pragma_synchronous)."""
    return int(models.database.execute_sql("PRAGMA synchronous").fetchone()[0])


def test_a_commit_within_waits_for_the_disk_and_others_do_not(instance: Instance) -> None:
    assert synchronous() == 1
    with durable():
        assert synchronous() == 2
    with pytest.raises(ZeroDivisionError), durable():
        raise ZeroDivisionError
    assert synchronous() == 1


def test_the_address_of_an_order_is_on_the_disk_before_anything_else_happens(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, seen, real = queue.request_order("a.test", "alice", "ca", {"names": ["a.test"]}, now())[0], [], queue.update

    def update(row: models.QueueEntry, **values: object) -> None:
        seen.append(synchronous())
        real(row, **values)

    monkeypatch.setattr(queue, "update", update)
    order.RowJournal(row).order_created("https://ca.test/order/1")
    assert seen == [2]
    assert models.QueueEntry.get_by_id(row.id).order_url == "https://ca.test/order/1"
