"""What a provider says about itself (behaviour section 8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from jobs.policy.limits import Limit
from jobs.policy.persist import Offer


@dataclass(frozen=True, slots=True)
class Specs:
    """Facts about a CA. None means: the CA publishes no figure ("unspecified"); `weekly_limit` 0 means: none.

    Units: `validity` days; `delivery_time` seconds; `weekly_limit` certificates a registered domain and week.
    """

    title: str
    directory: str
    dcv_methods: tuple[str, ...] = ("http-01",)
    ancestor_dcv: bool = False
    max_names: int | None = 100
    delivery_method: str = "api"
    delivery_time: int | None = None
    validity: int | None = 90
    max_redirects: int | None = None
    weekly_limit: int | None = None
    wildcard: bool = False
    eab_required: bool = False
    caa_identities: tuple[str, ...] = ()
    terms_url: str | None = None
    website: str | None = None
    issuer_organizations: tuple[str, ...] = ()
    test: bool = False
    """Its certificates are not trusted by browsers (a staging CA)."""
    limits: tuple[Limit, ...] = ()
    """What the ledger keeps to (`jobs/policy/ledger.py`)."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a CA's directory says about it, and from which address the answer came. Words of the CA, not checked; only
    `persist` is."""

    terms_url: str | None
    eab_required: bool
    caa_identities: tuple[str, ...]
    profiles: tuple[str, ...]
    website: str | None
    address: str
    persist: Offer | None = None
    """How it takes dns-persist-01; None: it doesn't say that it does."""
    date: datetime | None = None
    """What the CA's clock shows, to the second, if it says so."""
