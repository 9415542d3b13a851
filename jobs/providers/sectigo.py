"""Sectigo."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.policy.limits import OWN_PACE
from jobs.policy.specs import Specs
from jobs.ports import AcmeAccount
from jobs.providers.protocol.provider import AcmeProvider

SPECS = Specs(
    title="Sectigo",
    directory="https://acme.sectigo.com/v2/DV",
    dcv_methods=("http-01", "dns-01"),
    max_names=1000,
    validity=200,
    weekly_limit=0,
    wildcard=True,
    eab_required=True,
    caa_identities=("sectigo.com",),
    website="https://www.sectigo.com",
    issuer_organizations=("Sectigo Limited",),
    limits=(OWN_PACE,),
)


@dataclass(frozen=True)
class Options:
    """There is nothing to choose."""


class Provider(AcmeProvider):
    def __init__(self, options: Options, account: AcmeAccount | None = None) -> None:
        super().__init__(SPECS, account)
