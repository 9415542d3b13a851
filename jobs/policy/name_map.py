"""Which owner each name belongs to, planned for many owners one after the other.

A run installs thousands of websites into one file, so what one of them adds must cost nothing that grows with the
others: beside the names there is an index by owner.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping


class NameMap(Mapping[str, str]):
    """Name -> owner. Each name has one owner, who has its names in the order in which they were given."""

    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        self._owner: dict[str, str] = {}
        self._names: dict[str, dict[str, None]] = {}
        for name, owner in (names or {}).items():
            self._own(name, owner)

    def __getitem__(self, name: str) -> str:
        return self._owner[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._owner)

    def __len__(self) -> int:
        return len(self._owner)

    @property
    def owners(self) -> Iterable[str]:
        """Those who have a name, in the order in which they got their first one."""
        return self._names.keys()

    def names_of(self, owner: str) -> tuple[str, ...]:
        return tuple(self._names.get(owner, ()))

    def give(self, names: Iterable[str], owner: str) -> bool:
        """`owner` has exactly `names` from now on, and nobody else has any of them. Whether that changed anything but
        their order."""
        wanted = dict.fromkeys(names)
        if wanted.keys() == self._names.get(owner, {}).keys():
            return False
        self.release(self.names_of(owner))
        self.release([name for name in wanted if name in self._owner])
        for name in wanted:
            self._own(name, owner)
        return True

    def release(self, names: Iterable[str]) -> None:
        """Nobody has `names` any more."""
        for name in names:
            owner = self._owner.pop(name)
            del self._names[owner][name]
            if not self._names[owner]:
                del self._names[owner]

    def _own(self, name: str, owner: str) -> None:
        self._owner[name] = owner
        self._names.setdefault(owner, {})[name] = None
