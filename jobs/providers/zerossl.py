"""ZeroSSL."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.policy.limits import OWN_PACE
from jobs.policy.specs import Specs
from jobs.ports import AcmeAccount
from jobs.providers.protocol.provider import AcmeProvider

SPECS = Specs(
    title="ZeroSSL",
    directory="https://acme.zerossl.com/v2/DV90",
    dcv_methods=("http-01", "dns-01"),
    wildcard=True,
    eab_required=True,
    caa_identities=("sectigo.com",),
    website="https://zerossl.com",
    issuer_organizations=("ZeroSSL",),
    limits=(OWN_PACE,),
)


@dataclass(frozen=True)
class Options:
    """There is nothing to choose."""


class Provider(AcmeProvider):
    def __init__(self, options: Options, account: AcmeAccount | None = None) -> None:
        super().__init__(SPECS, account)
