"""The blueprint of Manage Users, and the pages that its own small navigation names."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from flask_login import current_user

from jobs.policy.access import Right
from panel.tabs import Tab

pages = Blueprint("users", __name__)
TAB = Tab("Manage Users", "users.show", Right.MANAGE)

_PARTS = (
    ("Accounts", ("users.show", "users.show_account", "users.add", "users.discover"), Right.MANAGE),
    ("Websites without an owner", ("users.unassigned",), Right.HOST),
    ("Packages", ("users.packages", "users.package", "users.add_package"), Right.HOST),
    ("Feature lists", ("users.feature_lists", "users.feature_list", "users.add_feature_list"), Right.HOST),
    ("Who may sign in", ("users.people", "users.person", "users.add_person"), Right.HOST),
)


@pages.context_processor
def navigation() -> dict[str, list[tuple[str, str, bool]]]:
    """Title, address and whether it is the present one, of each part that who is signed in may open."""
    return {
        "parts": [
            (title, url_for(endpoints[0]), request.endpoint in endpoints)
            for title, endpoints, right in _PARTS
            if right in current_user.rights
        ]
    }
