"""The shape of one entry."""

from __future__ import annotations

from typing import TypeAlias

Entry: TypeAlias = tuple[str, str, str, str]
"""Severity, title, text, remedy."""
