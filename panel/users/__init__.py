"""Manage Users: the accounts, what each has by its package and its override, and who may sign in for them."""

from __future__ import annotations

from panel.users import account, adding, checking, feature_lists, listing, packages, people, selected, unassigned
from panel.users.tab import TAB, pages

__all__ = [
    "TAB",
    "account",
    "adding",
    "checking",
    "feature_lists",
    "listing",
    "packages",
    "pages",
    "people",
    "selected",
    "unassigned",
]
