"""Custom ACME.

Any CA that speaks ACME at an https address, such as one of your own organization.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from jobs.policy.limits import own_pace
from jobs.policy.specs import Specs
from jobs.ports import AcmeAccount
from jobs.providers.protocol.provider import AcmeProvider


@dataclass(frozen=True)
class Options:
    title: str = field(default="Custom ACME", metadata={"label": "Name", "help": "How this CA is called in the panel."})
    directory: str = field(
        default="", metadata={"label": "Directory URL", "help": "The https address of the CA's ACME directory."}
    )
    ca_bundle: str = field(
        default="",
        metadata={"label": "CA bundle", "help": "A PEM file with the root that the CA's own server is trusted by."},
    )
    ca_pem: str = field(
        default="", metadata={"label": "CA bundle as text", "help": "The same as PEM text, instead of a file."}
    )
    caa: str = field(
        default="", metadata={"label": "CAA issuer", "help": "The issuer domain that a CAA record has to name."}
    )
    wildcard: bool = field(
        default=False, metadata={"label": "Wildcards", "help": "Whether the CA issues for *.example.com."}
    )
    ancestor_dcv: bool = field(
        default=False,
        metadata={
            "label": "Ancestor DCV", "help": "Whether it validates a name through a domain above it (RFC 9444)."
        },
    )
    http_only: bool = field(
        default=False,
        metadata={"label": "By HTTP only", "help": "It does not validate by DNS (dns-01), and so issues no wildcards."},
    )
    max_names: int = field(
        default=100, metadata={"label": "Names per certificate", "help": "At most so many names on one certificate."}
    )
    pace: int = field(
        default=0, metadata={"label": "Pace", "help": "Orders begun in ten seconds; 0: as quickly as the CA answers."}
    )


class Provider(AcmeProvider):
    def __init__(self, options: Options, account: AcmeAccount | None = None) -> None:
        specs = Specs(
            title=options.title,
            directory=options.directory,
            dcv_methods=("http-01",) if options.http_only else ("http-01", "dns-01"),
            max_names=options.max_names or None,
            validity=None,
            wildcard=options.wildcard and not options.http_only,
            ancestor_dcv=options.ancestor_dcv,
            caa_identities=(options.caa,) if options.caa else (),
            limits=(own_pace(options.pace),) if options.pace > 0 else (),
        )
        bundle = Path(options.ca_bundle) if options.ca_bundle else options.ca_pem or None
        super().__init__(specs, account, bundle)
