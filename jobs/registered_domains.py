"""The registered domain of a name, as CAs count: the label before a public suffix, with that suffix.

By the Public Suffix List with its private section (`github.io` is a suffix), as the library `publicsuffixlist` bundles
it: nothing is fetched. Where the bundled list lacks a newer rule, two domains count as one, which only waits longer.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache

from publicsuffixlist import PublicSuffixList


def registered_domains(names: Iterable[str]) -> tuple[str, ...]:
    """Those of these names (A-labels, `*.` included), each once. A name that is a public suffix is its own."""
    return tuple(dict.fromkeys(_registered(name.removeprefix("*.")) for name in names))


@lru_cache(maxsize=65536)
def _registered(name: str) -> str:
    return _list().privatesuffix(name) or name


@cache
def _list() -> PublicSuffixList:
    return PublicSuffixList()
