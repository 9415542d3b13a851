"""Whether a server can load a stored set, tried in this process by the library that servers load it with.

OpenSSL refuses keys and signatures that are too weak for its security level, of the leaf and of every certificate that
goes along with it. Apache's test passes over that, and Apache ends at its next reload; with all of its websites.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

from jobs.policy.failure import Failure
from jobs.store import FULLCHAIN, KEY

Identity = tuple[int, int, int, int, int]
"""Device, inode, size, and when content and inode were last changed (ns): another file, or another content of it, has
another one."""


def unloadable(directories: Sequence[Path]) -> dict[Path, Failure]:
    """Of those sets that no server could load, why. Several are tried at once: the library needs a millisecond each,
    and not the interpreter."""
    if not directories:
        return {}
    with ThreadPoolExecutor(min(os.cpu_count() or 1, len(directories))) as pool:
        failures = list(pool.map(_failure, directories))
    return {directory: failure for directory, failure in zip(directories, failures, strict=True) if failure}


def _failure(directory: Path) -> Failure | None:
    try:
        refuse_unloadable(directory)
    except Failure as failure:
        return failure
    return None


def refuse_unloadable(directory: Path) -> None:
    """Raises Failure("certificate_not_loadable"), Failure("store_failed").

    A set that goes to several services is tried once, for it takes 1 ms; files that differ in anything are tried anew.
    """
    try:
        files = _identity(directory / FULLCHAIN), _identity(directory / KEY)
    except OSError as error:
        raise Failure("store_failed", f"{directory}: reading the certificate: {error.strerror}") from error
    _try(directory, files)


def _identity(path: Path) -> Identity:
    facts = os.stat(path)  # noqa: PTH116 - of thousands, and a Path's own takes twice as long
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


@lru_cache(maxsize=4096)
def _try(directory: Path, _files: tuple[Identity, Identity]) -> None:
    """Only what could be loaded is remembered. Raises as `refuse_unloadable` does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=2")  # Debian's own level, whatever this Python was built with
    try:
        context.load_cert_chain(directory / FULLCHAIN, directory / KEY, password=_no_password)
    except ssl.SSLError as error:
        why = error.reason.replace("_", " ").lower() if error.reason else str(error)
        raise Failure("certificate_not_loadable", f"{directory}: no server could load it: {why}") from error
    except ValueError as error:
        raise Failure("certificate_not_loadable", f"{directory}: no server could load it: {error}") from error
    except OSError as error:
        raise Failure("store_failed", f"{directory}: reading the certificate: {error.strerror}") from error


def _no_password() -> str:
    """Nobody is asked at the terminal."""
    raise ValueError("the key is encrypted")
