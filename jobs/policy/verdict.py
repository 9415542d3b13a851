"""What the preflight found out about one name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a CA would very probably validate `name` now, and if not, why.

    `method` is the validation method that passed ("http-01"); None when none did. `code` is a key of the catalogue
    in `problems.py`, `text` says it in words; both are empty when the name passed. `resolves` is False when the name
    does not exist or has no address: the one case that a former success doesn't outweigh. `warnings` are sentences
    for a person. `report` is what happened, one line a hop, fit to be logged.
    """

    name: str
    passed: bool
    method: str | None
    code: str = ""
    text: str = ""
    resolves: bool = True
    warnings: tuple[str, ...] = ()
    report: tuple[str, ...] = ()
