"""The order flow alone, without rows, preflight and store: `python -m tests.bench.protocol_alone FD INSTANCE NAMES...`

NAMES are those of one website, by commas. Issues for all with the instance's provider and account, as many at a time as
a check does, and writes to FD as JSON the seconds, the CPU seconds and the chains in PEM by website.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import models
from jobs.challenges import HttpSolver
from jobs.courses import Waits, finish_all
from jobs.issuing import UNDER_WAY
from jobs.keys import new_key
from jobs.policy.certificate import Bundle
from jobs.policy.keys import KeyType
from jobs.ports import OrderRequest, Pending
from jobs.wiring import providers
from jobs.wiring.instance import open_instance


class Forgetful:
    """A journal that keeps nothing: what a crash would cost is not measured here."""

    def order_created(self, url: str) -> None:
        pass


def issued(directory: Path, websites: Sequence[tuple[str, ...]]) -> dict[str, Any]:
    instance = open_instance(directory)
    with models.database.connection_context():
        chosen = providers.current(instance)
    assert chosen is not None
    provider, solvers = chosen[1], {"http-01": HttpSolver(instance.place.challenges)}

    def course(names: tuple[str, ...]) -> Waits[Bundle | Pending]:
        request = OrderRequest(names, new_key(KeyType(instance.config.check.key_type)))
        answer: Bundle | Pending = yield from provider.issue(request, solvers, Forgetful())
        return answer

    began, used = time.monotonic(), time.process_time()
    begin = [partial(course, names) for names in websites]
    answers = finish_all(begin, instance.config.check.concurrency, UNDER_WAY, nullcontext)
    took = {"seconds": time.monotonic() - began, "cpu": time.process_time() - used}
    instance.close()
    bundles = [(names[0], one) for names, one in zip(websites, answers, strict=True) if isinstance(one, Bundle)]
    return {**took, "chains": {main: bundle.fullchain.decode("ascii") for main, bundle in bundles}}


def main(words: Sequence[str]) -> None:
    sink, directory, *websites = words
    found = issued(Path(directory), [tuple(names.split(",")) for names in websites])
    with os.fdopen(int(sink), "w", encoding="utf-8") as told:
        json.dump(found, told)


if __name__ == "__main__":
    main(sys.argv[1:])
