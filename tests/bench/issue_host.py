"""Inside a private host: websites as customers have them, with a name server and Apache, for whoever is to issue."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from jobs.demo.daemons import apache, bind
from jobs.demo.inside import PUBLIC_ADDRESS

_FIRST_USER = 20_000
_HOMES = Path("/home")


@dataclass(frozen=True)
class Site:
    """One website, of an account of its own. `names`: the main one first."""

    user: str
    names: tuple[str, ...]

    @property
    def main(self) -> str:
        return self.names[0]

    @property
    def docroot(self) -> Path:
        return _HOMES / self.user / "public_html"


def prepare(count: int, names: int) -> list[Site]:
    """So many websites with so many names each; BIND and Apache serve them."""
    sites = [_site(number, names) for number in range(count)]
    bind.start_bind([_zone(site) for site in sites])
    _users(sites)
    apache.self_sign()
    apache.add_vhosts("sites", "".join(apache.plain_vhost(site.docroot, *site.names) for site in sites))
    apache.start_apache()
    return sites


def _site(number: int, names: int) -> Site:
    domain = f"site{number}.test"
    return Site(f"site{number}", (domain, *(f"name{label}.{domain}" for label in range(1, names))))


def _zone(site: Site) -> bind.Zone:
    labels = [name.removesuffix(f".{site.main}") for name in site.names[1:]]
    return bind.Zone(site.main, [(label, "A", PUBLIC_ADDRESS) for label in ("@", *labels)])


def _users(sites: list[Site]) -> None:
    """In the file itself: a thousand times `useradd` takes minutes."""
    lines = []
    for uid, site in enumerate(sites, _FIRST_USER):
        lines.append(f"{site.user}:x:{uid}:{uid}::/home/{site.user}:/usr/sbin/nologin\n")
        site.docroot.mkdir(parents=True)
        os.chown(site.docroot, uid, uid)
    with Path("/etc/passwd").open("a", encoding="utf-8") as passwd:
        passwd.writelines(lines)
