"""The registered domain of a name, by the Public Suffix List: what a CA's weekly limit counts."""

from __future__ import annotations

from functools import cache

from publicsuffixlist import PublicSuffixList


@cache
def _suffixes() -> PublicSuffixList:
    """The list that the library ships; parsing it costs a tenth of a second, so only once and only when asked."""
    return PublicSuffixList()


def registered_domain(name: str) -> str:
    """`shop.example.co.uk` -> `example.co.uk`; a name that is itself a suffix stands for itself."""
    bare = name.removeprefix("*.")
    return str(_suffixes().privatesuffix(bare) or bare)
