"""`autossl` with a clock on its ACME part: `python -m tests.bench.clocked_check FD WORD...`

Does what `autossl WORD...` does, in the same process, and writes to FD as JSON the seconds from each start of
`order_and_store` (plans are made) to its end (sets are stored), and the orders that there were.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from jobs import issuing
from panel.cli import main as autossl


def clock_orders(found: list[dict[str, float]]) -> None:
    """From now on, notes in `found` what each call with something to order took."""
    order_and_store = issuing.order_and_store

    def clocked(world: Any, cases: Sequence[Any]) -> Any:
        orders = len(issuing.to_order(cases))
        began, used = time.monotonic(), time.process_time()
        items = order_and_store(world, cases)
        if orders:
            took, cpu = time.monotonic() - began, time.process_time() - used
            found.append({"seconds": took, "cpu": cpu, "orders": orders, "stored": len(items)})
        return items

    issuing.order_and_store = clocked


def main(words: Sequence[str]) -> None:
    found: list[dict[str, float]] = []
    clock_orders(found)
    try:
        autossl(list(words[1:]), prog_name="autossl")
    finally:
        with os.fdopen(int(words[0]), "w", encoding="utf-8") as sink:
            json.dump(found, sink)


if __name__ == "__main__":
    main(sys.argv[1:])
