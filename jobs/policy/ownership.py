"""Decides whose a website is, from facts that somebody else looked up."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from jobs.policy.site import UNASSIGNED, InvalidName, account_name

FIRST_USER = 1000
"""The first uid of people (Debian Policy section 9.2); below are the system's own."""
_NOBODY = 65534


@dataclass(frozen=True, slots=True)
class OwnerFacts:
    """`run_as`: the user as whom the web server runs the site's programs (suexec, ITK), if that user exists.
    `docroot_uid` and `docroot_user`: who owns the directory, None when it does not exist or has no entry in passwd."""

    run_as: str | None = None
    docroot: str | None = None
    docroot_uid: int | None = None
    docroot_user: str | None = None


def owner(facts: OwnerFacts) -> str:
    """The account's name: the suexec or ITK user, else the docroot's owner if its uid is a person's, else the user
    of `/home/<user>/`, else UNASSIGNED. A name that can't be an account's is passed over, and so is root."""
    candidates = (
        facts.run_as if facts.run_as != "root" else None,
        facts.docroot_user if _is_person(facts.docroot_uid) else None,
        _home_user(facts.docroot),
    )
    for name in candidates:
        if name:
            try:
                return account_name(name)
            except InvalidName:
                continue
    return UNASSIGNED


def _is_person(uid: int | None) -> bool:
    return uid is not None and uid >= FIRST_USER and uid != _NOBODY


def _home_user(docroot: str | None) -> str | None:
    """`alice` of `/home/alice` and of everything below; `..` is resolved first, so that it leads nowhere else."""
    if not docroot or not docroot.startswith("/"):
        return None
    parts = posixpath.normpath(docroot).lstrip("/").split("/")
    return parts[1] if len(parts) > 1 and parts[0] == "home" else None
