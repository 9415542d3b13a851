"""Other programs on this host that order certificates: how each is known, what it looks after, what renews it.

A certificate in somebody's care is foreign, whichever CA it came from. Where each program keeps its files is as its own
documentation and its packages for Debian have it; who copies them elsewhere is known by the certificate itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property


class Client(StrEnum):
    """By the name that people know it by."""

    CERTBOT = "certbot"
    ACME_SH = "acme.sh"
    MOD_MD = "mod_md"
    DEHYDRATED = "dehydrated"
    LEGO = "lego"
    CADDY = "Caddy"
    VIRTUALMIN = "Virtualmin"
    HESTIA = "HestiaCP"
    ISPCONFIG = "ISPConfig"
    FROXLOR = "Froxlor"


IMPORTED = (Client.CERTBOT, Client.ACME_SH)
"""Those whose certificates `autossl import` takes over."""


PANELS = (Client.VIRTUALMIN, Client.HESTIA, Client.ISPCONFIG, Client.FROXLOR)


@dataclass(frozen=True)
class Habits:
    """`signs`: files one of which is there where the program is. `store`: patterns of the certificates that it keeps,
    below `/`. `units`: timers of systemd, and `cron`: a word in a line of cron, by which it renews; with neither it
    renews by itself while `signs` are there."""

    signs: tuple[str, ...] = ()
    store: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    cron: str = ""


HABITS: Mapping[Client, Habits] = {
    Client.CERTBOT: Habits(
        signs=("etc/letsencrypt/renewal/*.conf",),
        store=("etc/letsencrypt/live/*/cert.pem",),
        units=("certbot.timer", "snap.certbot.renew.timer", "certbot-renew.timer"),
        cron=r"\bcertbot\b",
    ),
    Client.ACME_SH: Habits(
        signs=("root/.acme.sh/account.conf", "root/.acme.sh/acme.sh", "etc/acme.sh/account.conf"),
        store=("root/.acme.sh/*/fullchain.cer", "etc/acme.sh/*/fullchain.cer"),
        units=("acme.sh.timer", "acme_letsencrypt.timer"),
        cron=r"\bacme\.sh\b",
    ),
    Client.MOD_MD: Habits(
        signs=("etc/apache2/mods-enabled/md.load",), store=("etc/apache2/md/domains/*/pubcert.pem",)
    ),
    Client.DEHYDRATED: Habits(
        signs=("etc/dehydrated/domains.txt", "var/lib/dehydrated/certs/*/cert.pem"),
        store=("var/lib/dehydrated/certs/*/cert.pem", "etc/dehydrated/certs/*/cert.pem"),
        units=("dehydrated.timer",),
        cron=r"\bdehydrated\b",
    ),
    Client.LEGO: Habits(
        signs=("root/.lego/certificates/*.crt", "var/lib/lego/certificates/*.crt", "etc/lego/certificates/*.crt"),
        store=("root/.lego/certificates/*.crt", "var/lib/lego/certificates/*.crt", "etc/lego/certificates/*.crt"),
        units=("lego.timer",),
        cron=r"\blego\b",
    ),
    Client.CADDY: Habits(
        signs=("var/lib/caddy/.local/share/caddy/certificates",),
        store=("var/lib/caddy/.local/share/caddy/certificates/*/*/*.crt",),
    ),
    Client.VIRTUALMIN: Habits(signs=("etc/webmin/virtual-server/config",), store=("etc/ssl/virtualmin/*/ssl.cert",)),
    Client.HESTIA: Habits(
        signs=("usr/local/hestia/conf/hestia.conf",),
        store=("home/*/conf/web/*/ssl/*.pem",),
        cron=r"\bv-update-letsencrypt-ssl\b",
    ),
    Client.ISPCONFIG: Habits(
        signs=("usr/local/ispconfig/server/server.sh",),
        store=("var/www/clients/client*/web*/ssl/*-le.crt",),
        cron=r"/ispconfig/server/server\.sh\b",
    ),
    Client.FROXLOR: Habits(
        signs=("var/www/html/froxlor/lib/userdata.inc.php", "var/www/froxlor/lib/userdata.inc.php"),
        store=("etc/ssl/froxlor-custom/*.crt",),
        cron=r"\bfroxlor",
    ),
}

_BY_PATH: tuple[tuple[Client, re.Pattern[str]], ...] = tuple((client, re.compile(pattern)) for client, pattern in (
    (Client.VIRTUALMIN, r"\A/etc/ssl/virtualmin/"),
    (Client.HESTIA, r"\A/home/[^/]+/conf/(web|mail)/.*ssl"),
    (Client.HESTIA, r"\A/usr/local/hestia/(ssl|data/users/[^/]+/ssl)/"),
    (Client.ISPCONFIG, r"\A/var/www/clients/client\d+/web\d+/ssl/"),
    (Client.ISPCONFIG, r"\A/usr/local/ispconfig/interface/ssl/"),
    (Client.FROXLOR, r"\A/etc/ssl/froxlor-custom/"),
    (Client.CERTBOT, r"\A/etc/letsencrypt/(live|archive)/"),
    (Client.ACME_SH, r"/\.acme\.sh/|\A/etc/acme\.sh/"),
    (Client.MOD_MD, r"/md/(domains|staging|tmp)/"),
    (Client.DEHYDRATED, r"\A/(var/lib|etc)/dehydrated/"),
    (Client.LEGO, r"/\.lego/certificates/|\A/(var/lib|etc)/lego/"),
    (Client.CADDY, r"/caddy/certificates/"),
))
"""Panels first: what they show to a web server is theirs, whichever client they call for it."""

_PLAIN = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_OF_VIRTUALMIN = re.compile(r"\A/home/[^/]+/(domains/[^/]+/)?ssl\.(cert|combined|everything)\Z")
"""Where older versions keep a website's certificate. Anybody might have a file of that name, so it counts only beside
Virtualmin itself."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A certificate in a client's own store. `renewing`: the client still has what it needs to renew it."""

    client: Client
    name: str
    names: tuple[str, ...]
    fingerprint: str
    not_after: datetime
    renewing: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """A client that is here, by `sign`. `renewed_by`: what runs it, `itself`, empty where nothing does, None where that
    can't be told without root."""

    client: Client
    sign: str
    renewed_by: str | None


@dataclass(frozen=True)
class Others:
    """What is known of other clients on this host. `copies`: files elsewhere into which a client writes what it renews.
    """

    found: tuple[Found, ...] = ()
    kept: tuple[Kept, ...] = ()
    copies: Mapping[str, Client] = field(default_factory=dict)

    @cached_property
    def by_fingerprint(self) -> dict[str, Client]:
        return {one.fingerprint: one.client for one in self.kept}

    @property
    def clients(self) -> frozenset[Client]:
        return frozenset(one.client for one in self.found)


NOBODY = Others()


def keeper(path: str | None, fingerprint: str, others: Others) -> Client | None:
    """Who looks after the certificate with this fingerprint, that a configuration names by `path`, if it is known."""
    if path is not None:
        if path in others.copies:
            return others.copies[path]
        for client, pattern in _BY_PATH:
            if pattern.search(path):
                return client
        if Client.VIRTUALMIN in others.clients and _OF_VIRTUALMIN.match(path):
            return Client.VIRTUALMIN
    return others.by_fingerprint.get(fingerprint)


def cron_line(text: str, word: str, systemd: bool) -> bool:
    """Whether a line of a crontab runs what matches `word`. Debian's own for certbot ends at once where systemd runs,
    for there the timer does it."""
    for line in text.splitlines():
        line = line.strip()
        if not line.startswith("#") and re.search(word, line) and not (systemd and "/run/systemd/system" in line):
            return True
    return False


OUT_OF_MOD_MD = (
    "in one change take its MDomain out, and name mod_md's files in its vhost instead (SSLCertificateFile"
    " md/domains/NAME/pubcert.pem, SSLCertificateKeyFile md/domains/NAME/privkey.pem), for a TLS vhost without a"
    " certificate ends Apache at the reload"
)
"""mod_md answers all challenges of its names itself, so nothing can be ordered beside it."""


def left_alone(client: str, not_after: datetime | None) -> str:
    """Of a foreign certificate, for people. `client` may be empty: nobody known."""
    who = f"managed by {client}" if client else "not ordered by AutoSSL"
    until = f", expires {not_after:%Y-%m-%d}" if not_after else ""
    return f"{who}{until}; AutoSSL leaves it alone"


def how_to_take_over(client: str, website: str) -> str:
    """What an administrator types."""
    switch = f"autossl website takeover on {website}"
    if client == Client.MOD_MD:
        return f"{switch}, once Apache's configuration is changed: {OUT_OF_MOD_MD}"
    if client in PANELS:
        return f"{switch}, with its Let's Encrypt switched off in {client}, which puts its own certificate back else"
    if client in IMPORTED:
        return f"autossl import {client} --website {website} (nothing is ordered), or {switch} (a new one is)"
    return switch


def how_to_stop(client: Client, name: str) -> str:
    """How a client's renewal of one certificate is ended without its files, which something may still read."""
    odd = not _PLAIN.match(name)
    if client is Client.CERTBOT and not odd:
        conf = f"/etc/letsencrypt/renewal/{name}.conf"
        return f"End its renewal there: mv {conf} {conf}.off (its files stay)."
    if client is Client.ACME_SH and not odd:
        ecc = " --ecc" if name.endswith("_ecc") else ""
        return f"End its renewal there: acme.sh --remove -d {name.removesuffix('_ecc')}{ecc} (its files stay)."
    if client is Client.MOD_MD:
        return f"End it in Apache's configuration: {OUT_OF_MOD_MD}."
    return f"End its renewal in {client}, or exclude its names here."


def how_to_renew(client: Client) -> str:
    """How a client that nothing runs is made to renew, without a full stop."""
    if client is Client.CERTBOT:
        return "Let its timer run (systemctl enable --now certbot.timer)"
    if client is Client.ACME_SH:
        return "Let cron run it (acme.sh --install-cronjob)"
    return "Let a timer or a cron job run it every day"


def renewed_twice(kept: Iterable[Kept], ours: Mapping[str, str]) -> list[tuple[Kept, str]]:
    """What clients go on renewing though AutoSSL has a certificate for one of its names, with that one's website.
    `ours`: websites by the names on their certificates."""
    found = []
    for one in kept:
        websites = [ours[name] for name in one.names if name in ours]
        if one.renewing and websites:
            found.append((one, websites[0]))
    return found
