"""SSL.com."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.policy.limits import OWN_PACE
from jobs.policy.specs import Specs
from jobs.ports import AcmeAccount
from jobs.providers.protocol.provider import AcmeProvider

SPECS = Specs(
    title="SSL.com",
    directory="https://acme.ssl.com/sslcom-dv-ecc",
    dcv_methods=("http-01", "dns-01"),
    max_names=2,
    eab_required=True,
    caa_identities=("ssl.com",),
    website="https://www.ssl.com",
    issuer_organizations=("SSL Corporation", "SSL Corp"),
    limits=(OWN_PACE,),
)


@dataclass(frozen=True)
class Options:
    """There is nothing to choose."""


class Provider(AcmeProvider):
    def __init__(self, options: Options, account: AcmeAccount | None = None) -> None:
        super().__init__(SPECS, account)
