"""Who may do what: rights by role, accounts by reach, and what an API token keeps of its owner's rights."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    ADMIN = "admin"
    RESELLER = "reseller"
    """Owns accounts: those whose `reseller` is the user's name."""
    USER = "user"
    """Belongs to one account."""


class Right(StrEnum):
    SELF = "self"
    """One's own sign-in: password, second factor, sessions, tokens."""
    SEE = "see"
    """Accounts in reach: their websites, names, problems and logs."""
    CHECK = "check"
    """Ask for a check or a preview of accounts in reach, include and exclude their names, choose what is mailed."""
    MANAGE = "manage"
    """Override, suspend, and give packages to accounts in reach."""
    SEE_HOST = "see_host"
    """The host as a whole: overview, every run, the pending queue."""
    HOST = "host"
    """Providers, options, packages and feature lists, unassigned websites, checks of everything."""
    AUDIT = "audit"
    """Read who did what."""


class Scope(StrEnum):
    """What an API token is good for; each holds what the one before it does."""

    READ = "read"
    CHECK = "check"
    MANAGE = "manage"


_OF_ACCOUNTS = frozenset({Right.SEE, Right.CHECK, Right.MANAGE})
_OF_SCOPE: dict[Scope, frozenset[Right]] = {
    Scope.READ: frozenset({Right.SEE, Right.SEE_HOST}),
    Scope.CHECK: frozenset({Right.SEE, Right.SEE_HOST, Right.CHECK}),
    Scope.MANAGE: frozenset({Right.SEE, Right.SEE_HOST, Right.CHECK, Right.MANAGE, Right.HOST}),
}
"""No token changes its owner's sign-in, makes further tokens, or reads the audit log."""


def rights(role: Role, resellers_allowed: bool) -> frozenset[Right]:
    """Everything that a role may do. Resellers keep their own sign-in also where the administrator allows no more."""
    if role is Role.ADMIN:
        return frozenset(Right)
    if role is Role.RESELLER:
        return frozenset({Right.SELF, *(_OF_ACCOUNTS if resellers_allowed else ())})
    return frozenset({Right.SELF, Right.SEE, Right.CHECK})


@dataclass(frozen=True)
class Reach:
    """Which accounts somebody reaches: `everything`, or those that meet each of the conditions that is not None.
    Without any of the three, none."""

    everything: bool = False
    reseller: str | None = None
    account: str | None = None

    @property
    def nothing(self) -> bool:
        return not self.everything and self.reseller is None and self.account is None


def reach(role: Role, name: str, account: str | None, resellers_allowed: bool) -> Reach:
    """The accounts of a user by name. A user without an account reaches none."""
    if role is Role.ADMIN:
        return Reach(everything=True)
    if role is Role.RESELLER:
        return Reach(reseller=name) if resellers_allowed else Reach()
    return Reach(account=account)


def narrowed(whole: Reach, account: str | None) -> Reach:
    """`whole` within one account; None narrows nothing."""
    if account is None or whole.nothing:
        return whole
    if whole.account not in (None, account):
        return Reach()
    return Reach(reseller=whole.reseller, account=account)


def token_rights(owner: frozenset[Right], scope: Scope, restricted: bool) -> frozenset[Right]:
    """What a token may do. One that is restricted to an account sees and changes nothing of the host itself."""
    left = owner & _OF_SCOPE[scope]
    return left & _OF_ACCOUNTS if restricted else left
