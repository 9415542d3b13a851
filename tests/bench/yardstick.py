"""How quick this machine is now, so that figures of different machines and hours can be compared."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

_TRIES = 3
_STEPS, _SIGNATURES = 1_000_000, 1_000


def machine() -> str:
    """Cores, and milliseconds of one core for a fixed loop of CPython and for a fixed number of ECDSA signatures."""
    return f"{os.cpu_count()} cores; {_STEPS:,} steps of a loop take {_quickest(_loop):.0f} ms, " \
        f"{_SIGNATURES:,} ECDSA signatures {_quickest(_sign):.0f} ms"


def _quickest(work: Callable[[], None]) -> float:
    """The least of some tries: what else the machine did meanwhile only adds."""
    return min(_taken(work) for _ in range(_TRIES)) * 1000


def _taken(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _loop() -> None:
    total = 0
    for number in range(_STEPS):
        total += number * number


def _sign() -> None:
    key, algorithm = ec.generate_private_key(ec.SECP256R1()), ec.ECDSA(hashes.SHA256())
    for _ in range(_SIGNATURES):
        key.sign(b"a yardstick", algorithm)
