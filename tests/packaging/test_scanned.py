"""Bandit over all that is shipped; what it leaves out, and why, stands in pyproject.toml."""

from __future__ import annotations

from tests.build import checks


def test_bandit_finds_nothing() -> None:
    assert checks.bandit() == ""
