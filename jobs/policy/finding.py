"""One thing that is wrong or odd with a name, as the preflight says it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """A code of the catalogue and a sentence."""

    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.text} [{self.code}]"
