"""Peers' own stores with certificates in them that are good for a long time, and what they do about them at night.

Written as the programs write them (certbot 2.1, lego 4.9, dehydrated 0.7); each proves by its own words that it took
every one of them for its own and found it good.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

from jobs.demo.daemons.pebble import Pebble
from jobs.policy.certificate import Bundle
from tests.bench.issue_host import Site
from tests.bench.peers.programs import Certbot, Dehydrated, Lego
from tests.bench.peers.trust import CONTACT

_RENEWAL = """version = 2.1.0
archive_dir = /etc/letsencrypt/archive/{main}
cert = /etc/letsencrypt/live/{main}/cert.pem
privkey = /etc/letsencrypt/live/{main}/privkey.pem
chain = /etc/letsencrypt/live/{main}/chain.pem
fullchain = /etc/letsencrypt/live/{main}/fullchain.pem

[renewalparams]
account = {account}
authenticator = webroot
webroot_path = {docroot},
server = {server}
key_type = ecdsa
[[webroot_map]]
{main} = {docroot}
"""


class Keeper(Protocol):
    """A peer that looks after what it has."""

    kept: ClassVar[re.Pattern[str]]
    """What it says of one that it leaves as it is."""

    def fill(self, sites: Sequence[Site], ca: Pebble, stands: Mapping[str, Bundle]) -> None:
        """An account, and a certificate of each website in its store."""

    def night(self, sites: Sequence[Site]) -> list[list[str]]:
        """The commands of one night, to be run one after the other."""


class CertbotRenews(Certbot):
    """`certbot renew`."""

    kept = re.compile(r"expires on .* \(skipped\)")

    def fill(self, sites: Sequence[Site], ca: Pebble, stands: Mapping[str, Bundle]) -> None:
        self.prepare((), ca)
        home = Path("/etc/letsencrypt")
        account = next(home.glob("accounts/*/*/*/regr.json")).parent.name
        (home / "renewal").mkdir(exist_ok=True)
        for site in sites:
            bundle, live, archive = stands[site.main], home / "live" / site.main, home / "archive" / site.main
            for folder in (live, archive):
                folder.mkdir(parents=True)
            for name, content in _lineage(bundle).items():
                (archive / f"{name}1.pem").write_bytes(content)
                (live / f"{name}.pem").symlink_to(f"../../archive/{site.main}/{name}1.pem")
            facts = {"main": site.main, "account": account, "docroot": site.docroot, "server": ca.directory}
            (home / "renewal" / f"{site.main}.conf").write_text(_RENEWAL.format(**facts), encoding="utf-8")

    def night(self, sites: Sequence[Site]) -> list[list[str]]:
        return [["certbot", "renew", "-n", "--no-random-sleep-on-renew"]]


class LegoRenews(Lego):
    """`lego renew`, a process for each certificate, as its documentation has it."""

    kept = re.compile(r"expires in \d+ days, .* no renewal")

    def fill(self, sites: Sequence[Site], ca: Pebble, stands: Mapping[str, Bundle]) -> None:
        self.prepare((), ca)
        self._server = ca.directory
        for site in sites:
            bundle, stem = stands[site.main], self.home / "certificates" / site.main
            Path(f"{stem}.crt").write_bytes(bundle.fullchain)
            Path(f"{stem}.key").write_bytes(bundle.privkey)
            known = {"domain": site.main, "certUrl": f"{ca.directory}/{site.main}", "certStableUrl": ""}
            Path(f"{stem}.json").write_text(json.dumps(known), encoding="utf-8")

    def night(self, sites: Sequence[Site]) -> list[list[str]]:
        who = ["--server", self._server, "--accept-tos", "--email", CONTACT, "--path", str(self.home)]
        return [
            ["lego", *who, "--http", "--http.webroot", str(site.docroot), "-d", site.main, "renew"] for site in sites
        ]


class DehydratedKeeps(Dehydrated):
    """`dehydrated -c`."""

    kept = re.compile(r"\(Longer than \d+ days\)")

    def fill(self, sites: Sequence[Site], ca: Pebble, stands: Mapping[str, Bundle]) -> None:
        self.prepare(sites, ca)
        for site in sites:
            folder = self.home / "certs" / site.main
            folder.mkdir(parents=True)
            for name, content in _lineage(stands[site.main]).items():
                (folder / f"{name}-1.pem").write_bytes(content)
                (folder / f"{name}.pem").symlink_to(f"{name}-1.pem")

    def night(self, sites: Sequence[Site]) -> list[list[str]]:
        return [self._command]


def _lineage(bundle: Bundle) -> dict[str, bytes]:
    """By certbot's and dehydrated's names, which are the same."""
    chain = b"".join(bundle.chain[1:])
    return {"cert": bundle.leaf, "chain": chain, "fullchain": bundle.fullchain, "privkey": bundle.privkey}
