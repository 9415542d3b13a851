"""The first administrator, and the link by which the password is chosen: there is no default one."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.config import Panel
from jobs.policy.access import Role
from jobs.wiring import people, setup_links
from jobs.wiring.instance import now


@dataclass(frozen=True)
class Administrator:
    """`made`: just now. `password`: one was given, so that no link is needed."""

    name: str
    made: bool
    password: bool


def administrator(name: str, password: str | None) -> Administrator:
    """Let `name` log in as the first administrator; whoever is one already stays, and nothing is changed.

    Raises Failure("name_invalid"), Failure("password_weak"), Failure("user_exists").
    """
    there = people.administrators()
    if there:
        return Administrator(there[0], False, people.find(there[0]).password is not None)
    people.create(name, password, Role.ADMIN)
    return Administrator(name, True, password is not None)


def link(panel: Panel, name: str) -> str:
    """A fresh link for the administrator, whose former ones are of no use any more. Raises Failure("user_unknown")."""
    return setup_links.address(panel, setup_links.make(people.find(name), now()))
