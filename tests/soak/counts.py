"""What a soak part counts: faults that were really injected, and what became of certificates, orders and services.

A part gets one `Report` and tells it what happened, in whatever order and from any thread:

    report.fault("SIGKILL")                        a fault that was injected, by kind
    report.order(); report.issued(3)               orders that the CA has made, certificates that it has issued
    report.lost("shop.test: expired on ...")       a certificate that was lost: each is a sentence, and fails the soak
    report.duplicate("shop.test: ...")             an order too many
    report.down("apache: ...")                     a service that was left without the old and the new certificate
    report.figure("orders necessary", 4321)        whatever else is worth a line, with its unit
    report.say("month 3 of 12")                    progress, on stderr

`report.random` is the part's own generator, from the seed of the run: whatever a part chooses, it chooses there.
`report.short`: as little as still shows the point, for a first look.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

SHOWN = 20
"""Of the sentences about what went wrong; the rest is counted."""


@dataclass
class Counts:
    """The numbers of one part. `wrong` has a sentence for everything lost, duplicated or left down."""

    faults: dict[str, int] = field(default_factory=dict)
    orders: int = 0
    issued: int = 0
    lost: int = 0
    duplicates: int = 0
    down: int = 0
    wrong: list[str] = field(default_factory=list)
    figures: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        return self.lost == self.duplicates == self.down == 0 and not self.wrong

    @property
    def injected(self) -> int:
        return sum(self.faults.values())


class Report:
    """Of one part. Its methods may be called from several threads at once."""

    def __init__(self, part: str, seed: int, short: bool = False) -> None:
        self.part, self.seed, self.short = part, seed, short
        self.random = random.Random(f"{part}:{seed}")
        self.counts = Counts()
        self._lock = threading.Lock()
        self._began = time.monotonic()

    def fault(self, kind: str, number: int = 1) -> None:
        with self._lock:
            self.counts.faults[kind] = self.counts.faults.get(kind, 0) + number

    def order(self, number: int = 1) -> None:
        with self._lock:
            self.counts.orders += number

    def issued(self, number: int = 1) -> None:
        with self._lock:
            self.counts.issued += number

    def lost(self, what: str) -> None:
        with self._lock:
            self.counts.lost += 1
            self.counts.wrong.append(f"lost: {what}")

    def duplicate(self, what: str) -> None:
        with self._lock:
            self.counts.duplicates += 1
            self.counts.wrong.append(f"duplicate: {what}")

    def down(self, what: str) -> None:
        with self._lock:
            self.counts.down += 1
            self.counts.wrong.append(f"down: {what}")

    def broken(self, what: str) -> None:
        """A promise of the part that is none of the three, and fails the soak as well."""
        with self._lock:
            self.counts.wrong.append(f"broken: {what}")

    def figure(self, name: str, value: float | str, unit: str = "") -> None:
        shown = value if isinstance(value, str) else f"{value:.1f}" if isinstance(value, float) else f"{value:,}"
        with self._lock:
            self.counts.figures[name] = f"{shown} {unit}".strip()

    def say(self, text: str) -> None:
        line = f"[{self.part} {time.monotonic() - self._began:6.1f} s] {text}\n"
        with self._lock:
            sys.stderr.write(line)
            sys.stderr.flush()

    def finish(self) -> None:
        self.counts.seconds = time.monotonic() - self._began

    def to_json(self) -> str:
        return json.dumps(asdict(self.counts))

    def take_over(self, text: str) -> None:
        """The counts of the same part, that ran in another process."""
        self.counts = Counts(**json.loads(text))


def total(parts: Sequence[Counts]) -> Counts:
    """Of several parts; figures are each part's own, and are left out."""
    faults: Counter[str] = Counter()
    for part in parts:
        faults.update(part.faults)
    return Counts(
        dict(faults),
        sum(part.orders for part in parts),
        sum(part.issued for part in parts),
        sum(part.lost for part in parts),
        sum(part.duplicates for part in parts),
        sum(part.down for part in parts),
        [sentence for part in parts for sentence in part.wrong],
        seconds=sum(part.seconds for part in parts),
    )


def table(title: str, counts: Counts) -> str:
    """One part's figures, a line each, and then what went wrong."""
    rows = [
        ("faults injected", f"{counts.injected:,}"),
        *((f"  {kind}", f"{number:,}") for kind, number in sorted(counts.faults.items())),
        ("orders made", f"{counts.orders:,}"),
        ("certificates issued", f"{counts.issued:,}"),
        ("certificates lost", f"{counts.lost:,}"),
        ("duplicate orders", f"{counts.duplicates:,}"),
        ("services left down", f"{counts.down:,}"),
        *counts.figures.items(),
        ("time", f"{counts.seconds:.0f} s"),
    ]
    wide = max(len(name) for name, _ in rows)
    lines = [title, "-" * len(title), *(f"{name:<{wide}}  {value:>12}" for name, value in rows)]
    lines += [f"! {sentence}" for sentence in counts.wrong[:SHOWN]]
    if len(counts.wrong) > SHOWN:
        lines.append(f"! and {len(counts.wrong) - SHOWN} more")
    return "\n".join(lines)


def in_words(parts: dict[str, Counts]) -> str:
    """The total, as a sentence that a README may state."""
    whole = total(list(parts.values()))
    verdict = "Nothing was lost." if whole.good else f"FAILED: {', '.join(n for n, c in parts.items() if not c.good)}."
    return (
        f"{', '.join(parts)} in {whole.seconds:.0f} s: {whole.injected:,} faults injected, {whole.orders:,} orders, "
        f"{whole.issued:,} certificates issued; {whole.lost:,} certificates lost, {whole.duplicates:,} duplicate "
        f"orders, {whole.down:,} services left down. {verdict}"
    )


def as_json(seed: int, parts: dict[str, Counts]) -> dict[str, Any]:
    """What `--json` writes."""
    whole = total(list(parts.values()))
    return {
        "seed": seed,
        "good": whole.good,
        "total": {**asdict(whole), "injected": whole.injected},
        "parts": {name: {**asdict(part), "injected": part.injected, "good": part.good} for name, part in parts.items()},
    }


def kept(seed: int, former: dict[str, Any], parts: dict[str, Counts]) -> dict[str, Any]:
    """What README's table of reliability may state: the numbers of each part's last run, those of `former` where a part
    did not run now."""
    fresh = {
        name: {
            "seed": seed, "faults": part.injected, "orders": part.orders, "lost": part.lost,
            "duplicates": part.duplicates, "down": part.down, "seconds": round(part.seconds), "good": part.good,
        }
        for name, part in parts.items()
    }
    return dict(sorted({**former, **fresh}.items()))
