"""Let's Encrypt staging."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from jobs.policy.limits import OWN_PACE, Counted, Limit
from jobs.policy.specs import Specs
from jobs.ports import AcmeAccount
from jobs.providers.protocol.provider import AcmeProvider

LIMITS = (
    OWN_PACE,
    Limit(Counted.ORDERS, 1500, timedelta(hours=3), 1250, timedelta(seconds=8)),
    Limit(Counted.DOMAIN, 30000, timedelta(days=7), 27000, timedelta(seconds=21)),
    Limit(Counted.FAILURES, 200, timedelta(hours=1), 150, timedelta(seconds=18)),
)
"""By https://letsencrypt.org/docs/staging-environment/ as of 2026-08-05, with a margin."""

SPECS = Specs(
    title="Let's Encrypt staging",
    directory="https://acme-staging-v02.api.letsencrypt.org/directory",
    dcv_methods=("http-01", "dns-01"),
    delivery_time=5,
    max_redirects=10,
    weekly_limit=30000,
    wildcard=True,
    caa_identities=("letsencrypt.org",),
    website="https://letsencrypt.org/docs/staging-environment/",
    issuer_organizations=("(STAGING) Let's Encrypt",),
    test=True,
    limits=LIMITS,
)


@dataclass(frozen=True)
class Options:
    """There is nothing to choose."""


class Provider(AcmeProvider):
    def __init__(self, options: Options, account: AcmeAccount | None = None) -> None:
        super().__init__(SPECS, account)
