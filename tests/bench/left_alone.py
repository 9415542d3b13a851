"""Inside a private host: `autossl serve` that was asked for pages and then left alone, and what it uses.

`python -m tests.bench.left_alone ACCOUNTS SIDES SECONDS FD`: SIDES is `one` or `two` (as the package has it: the panel
without root, and the side that has it). Writes JSON to FD.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from jobs.demo.product import Product
from tests.bench.asked import ask, one_client
from tests.bench.at_rest import memory, processor_time, settled
from tests.bench.installation import pages
from tests.bench.large_host import daemons, filled_product, serving, signed_in
from tests.e2e.split_host import SplitProduct, root_side

CROWD, CROWD_SECONDS = 32, 3.0
"""All threads of the server have had something to do then."""


def left_alone(accounts: int, sides: str, seconds: float) -> dict[str, Any]:
    """For each process MB and the processor's per cent, and the seconds of it that the start took, with the duties that
    the program has every ten minutes."""
    ca = daemons(accounts, 0)
    with _product(sides) as (product, others):
        large = filled_product(product, ca, accounts)
        before = processor_time(others)
        with serving(product) as process:
            processes = {"panel": process.pid, **{f"root side {number}": pid for number, pid in enumerate(others, 1)}}
            start = processor_time([process.pid]) + processor_time(others) - before
            cookie = signed_in()
            one_client(cookie, pages(large), 2)
            paths = [path for _, path in pages(large)]
            ask("crowd", cookie, paths=paths, clients=CROWD, seconds=CROWD_SECONDS, kept=True)
            settled(processes.values())
            used = {name: processor_time([pid]) for name, pid in processes.items()}
            time.sleep(seconds)
            return {
                "start": start,
                "processor": {
                    name: 100 * (processor_time([pid]) - used[name]) / seconds for name, pid in processes.items()
                },
                "memory": {name: memory(pid) for name, pid in processes.items()},
            }


@contextmanager
def _product(sides: str) -> Iterator[tuple[Product, list[int]]]:
    """Made, and the processes that it has beside the panel's."""
    if sides == "one":
        product = Product()
        product.make()
        yield product, []
        return
    split = SplitProduct()
    split.make()
    with root_side() as process:
        yield split, [process.pid]


def main(words: Sequence[str]) -> None:
    accounts, sides, seconds, sink = words
    found = left_alone(int(accounts), sides, float(seconds))
    with os.fdopen(int(sink), "w", encoding="utf-8") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main(sys.argv[1:])
