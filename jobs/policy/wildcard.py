"""When sibling names of a website become `base` and `*.base`, and when a wildcard is nobody's to have.

A wildcard covers names that nobody listed. So it is taken only below a name that the website itself wants, only where
no other account has a name below it, and only where none of the names below it was excluded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from jobs.policy.names import covers, parent
from jobs.policy.site import Website

LEAST = 3
"""So many siblings are worth a wildcard."""

LEAST_OVER_CAP = 2
"""And so many, where there are more names than the provider allows: each one but one is saved."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """`names` of a certificate, in order; `replaced`: each wildcard with the names that it stands for."""

    names: tuple[str, ...]
    replaced: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Neighbours:
    """Whose names there are, asked for by the domain right above them; made once of all websites."""

    def __init__(self, websites: Iterable[Website]) -> None:
        self._owner: dict[str, str] = {}
        self._below: dict[str, set[str]] = {}
        for site in websites:
            for name in site.names:
                self._owner[name] = site.account
                self._below.setdefault(parent(name), set()).add(site.account)

    def why_not(self, base: str, account: str, excluded: Collection[str], stands: Collection[str] = ()) -> str:
        """Why `account` may have no certificate for `*.base`; empty when it may. A wildcard that it has already
        (`stands`: the names of its certificate) is not lost because somebody else lists a name below it."""
        if self._above(base) not in ("", account):
            return f"{base} belongs to another account"
        if self._below.get(base, set()) - {account} and f"*.{base}" not in stands:
            return f"another account has a name right below {base}"
        left_out = sorted(name for name in excluded if parent(name) == base)
        return f"{left_out[0]} is excluded, and *.{base} would cover it" if left_out else ""

    def _above(self, name: str) -> str:
        while name and name not in self._owner:
            name = parent(name)
        return self._owner.get(name, "")


def candidates(
    wanted: Sequence[str], in_use: Collection[str], barred: Collection[str], max_names: int | None
) -> tuple[str, ...]:
    """The wildcards that are worth a preflight, for names of one website. `in_use`: those of `wanted` that are not
    known to be guesses which nobody uses; `barred`: bases below which there may be none."""
    crowded = max_names is not None and len(in_use) > max_names
    least = LEAST_OVER_CAP if crowded else LEAST
    return tuple(
        f"*.{base}" for base in wanted
        if base not in barred and not base.startswith("*.") and len(below(base, in_use)) >= least
    )


def below(base: str, names: Iterable[str]) -> tuple[str, ...]:
    """The names that `*.base` stands for."""
    return tuple(name for name in names if parent(name) == base and not name.startswith("*."))


def substitute(
    names: Sequence[str], in_use: Collection[str], usable: Collection[str], max_names: int | None
) -> Chosen:
    """`names` in their order, with siblings replaced by the wildcards of `usable` that are worth it.

    A wildcard among `names` stands for what it covers in any case: a CA refuses names that say the same twice. While
    the names are too many, two siblings are enough. `in_use`: names that count as siblings, whether they passed or not.
    """
    chosen = Chosen(tuple(names))
    for wildcard in sorted(set(usable) | {name for name in names if name.startswith("*.")}):
        base = wildcard.removeprefix("*.")
        if wildcard in names or (base in names and len(below(base, in_use)) >= LEAST):
            chosen = _replaced(chosen, wildcard)
    for wildcard in sorted(usable, key=lambda one: (-len(below(one[2:], chosen.names)), one)):
        if max_names is None or len(chosen.names) <= max_names:
            break
        base = wildcard.removeprefix("*.")
        if base in chosen.names and len(below(base, chosen.names)) >= LEAST_OVER_CAP:
            chosen = _replaced(chosen, wildcard)
    return chosen


def _replaced(chosen: Chosen, wildcard: str) -> Chosen:
    """The wildcard takes the place of the first of its names. Where there is none it stands behind its base, or at the
    end, where a wider one stands for that."""
    base = wildcard.removeprefix("*.")
    gone = {name for name in chosen.names if name != wildcard and covers((wildcard,), name)}
    at = next((name for name in chosen.names if name in gone or name == wildcard), base)
    names: list[str] = []
    for name in chosen.names:
        if name == base == at:
            names += [name, wildcard]
        elif name == at:
            names.append(wildcard)
        elif name not in gone and name != wildcard:
            names.append(name)
    if wildcard not in names:
        names.append(wildcard)
    replaced = {**chosen.replaced, wildcard: tuple(name for name in chosen.names if name in gone)}
    return Chosen(tuple(names), replaced)
