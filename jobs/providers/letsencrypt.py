"""Let's Encrypt."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.policy.specs import Specs
from jobs.ports import AcmeAccount
from jobs.providers.protocol.provider import AcmeProvider

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
)


@dataclass(frozen=True)
class Options:
    """There is nothing to choose."""


class Provider(AcmeProvider):
    def __init__(self, options: Options, account: AcmeAccount | None = None) -> None:
        super().__init__(SPECS, account)
