"""Let's Encrypt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from jobs.policy.limits import OWN_PACE, Counted, Limit
from jobs.policy.specs import Specs
from jobs.ports import AcmeAccount
from jobs.providers.protocol.provider import AcmeProvider

LIMITS = (
    OWN_PACE,
    Limit(Counted.ORDERS, 300, timedelta(hours=3), 250, timedelta(seconds=36)),
    Limit(Counted.DOMAIN, 50, timedelta(days=7), 45, timedelta(minutes=202)),
    Limit(Counted.SAME_SET, 5, timedelta(days=7), 4, timedelta(hours=34)),
    Limit(Counted.FAILURES, 5, timedelta(hours=1), 3, timedelta(minutes=12)),
)
"""By https://letsencrypt.org/docs/rate-limits/ as of 2026-08-05, with a margin."""

SPECS = Specs(
    title="Let's Encrypt",
    directory="https://acme-v02.api.letsencrypt.org/directory",
    dcv_methods=("http-01", "dns-01"),
    delivery_time=5,
    max_redirects=10,
    weekly_limit=50,
    wildcard=True,
    caa_identities=("letsencrypt.org",),
    website="https://letsencrypt.org",
    issuer_organizations=("Let's Encrypt",),
    limits=LIMITS,
)


@dataclass(frozen=True)
class Options:
    """There is nothing to choose."""


class Provider(AcmeProvider):
    def __init__(self, options: Options, account: AcmeAccount | None = None) -> None:
        super().__init__(SPECS, account)
