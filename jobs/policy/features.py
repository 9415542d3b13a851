"""What an account may have by its feature list, and whether AutoSSL looks after it (behaviour section 1)."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.policy.keys import KeyType
from jobs.policy.site import Account, AccountState

DEFAULT = "default"
"""The feature list and the package of every account that has no other."""

ENABLED, DISABLED = "enabled", "disabled"


@dataclass(frozen=True, slots=True)
class FeatureList:
    """A named set of defaults. `service_names` None and `key_type` None: as the installation's options say."""

    name: str = DEFAULT
    autossl: bool = True
    service_names: tuple[str, ...] | None = None
    wildcard: bool = False
    key_type: KeyType | None = None


@dataclass(frozen=True, slots=True)
class Entitlement:
    """An account with what decides about it: its package's feature list, and its override (None: no override)."""

    account: Account
    features: FeatureList = FeatureList()
    override: str | None = None

    @property
    def enabled(self) -> bool:
        """The override wins over the feature list."""
        return self.features.autossl if self.override is None else self.override == ENABLED


def why_skipped(entitlement: Entitlement) -> str:
    """Why a check leaves the account out; empty when it does not."""
    if entitlement.account.state is AccountState.SUSPENDED:
        return "skipped: the account is suspended"
    if entitlement.override == DISABLED:
        return "skipped: AutoSSL is disabled for this account"
    if not entitlement.enabled:
        return f"skipped: AutoSSL is disabled by the feature list {entitlement.features.name}"
    return ""
