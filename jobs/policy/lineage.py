"""A certificate of another client with its key, as it is taken over: what its files say, and which website gets it."""

from __future__ import annotations

import configparser
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from jobs.policy.certificate import Bundle, Certificate
from jobs.policy.certificate_state import state_of
from jobs.policy.failure import Failure
from jobs.policy.names import covers
from jobs.policy.other_clients import Client

_NAME = re.compile(r"\A[A-Za-z0-9*][A-Za-z0-9._*-]{0,254}\Z")
_VALUE = re.compile(r"""^(Le_[A-Za-z0-9_]{1,60})=(?:'([^'\n]*)'|"([^"\n]*)"|([^\s'"]*))[ \t]*$""", re.MULTILINE)
_URL = re.compile(r"\Ahttps?://[\x21-\x7e]{1,500}\Z")
_SHOWN = 3


@dataclass(frozen=True)
class Lineage:
    """One certificate as `client` keeps it, called `name` there. `server`: the directory of the CA that it came from,
    as the client says; empty: it doesn't say. `renewal`: it is not the first one of its names. `stop`: the command that
    ends its renewal there and leaves the files where they are. `trouble`: why it can't be taken over, for whomever."""

    client: Client
    name: str
    bundle: Bundle | None = None
    server: str = ""
    renewal: bool = False
    stop: str = ""
    trouble: str = ""


@dataclass(frozen=True)
class Proven:
    """A lineage whose pair, names, dates and chain are proven."""

    lineage: Lineage
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class Shown:
    """A good certificate of somebody else's that a web server presents for a website, and who looks after it."""

    fingerprint: str
    issuer: str
    keeper: str = ""


@dataclass(frozen=True)
class Candidate:
    """A website that may get a lineage. `own`: the names that it lists itself and that are not excluded; `stored`: the
    certificate that AutoSSL has for it; `shown`: what is to be replaced; `had`: fingerprints of each one that it ever
    had from here; `off`: why nothing is done for it; `named`: somebody asks for this very website."""

    main: str
    account: str
    own: tuple[str, ...]
    stored: Certificate | None = None
    shown: tuple[Shown, ...] = ()
    had: Collection[str] = ()
    off: str = ""
    named: bool = False


@dataclass(frozen=True)
class Offer:
    """What is done with a lineage for one website, or with none of them (`website` empty), and why."""

    lineage: Lineage
    website: str = ""
    account: str = ""
    certificate: Certificate | None = None
    adopted: bool = False
    why: str = ""
    remedy: str = ""


def is_lineage_name(text: str) -> bool:
    """Whether a client may call a certificate so; nothing else becomes a part of a path or a command."""
    return bool(_NAME.match(text)) and ".." not in text


def certbot_values(text: str) -> dict[str, str]:
    """`server`, `archive_dir` and the like of a renewal configuration. Raises Failure("unreadable")."""
    parser = configparser.ConfigParser(
        delimiters=("=",), comment_prefixes=("#",), interpolation=None, strict=False, default_section="\0"
    )  # that section is none of the file's: no value of one may stand in for another's
    try:
        parser.read_string(f"[lineage]\n{text}")
    except (configparser.Error, ValueError) as error:
        words = str(error).splitlines()[0][:200]
        raise Failure("unreadable", f"its renewal configuration: {words}") from error
    found: dict[str, str] = {}
    for section in ("lineage", "renewalparams"):
        if parser.has_section(section):
            found |= {key: value for key, value in parser.items(section) if value is not None}
    return found


def acme_sh_values(text: str) -> dict[str, str]:
    """The `Le_...` assignments of a domain's configuration; what is no plain assignment is passed over."""
    return {match[1]: match[2] or match[3] or match[4] or "" for match in _VALUE.finditer(text)}


def directory_url(text: str) -> str:
    """The address of a CA, or nothing where it is none."""
    return text if _URL.match(text) else ""


def offers(proven: Sequence[Proven], websites: Sequence[Candidate], now: datetime) -> list[Offer]:
    """What becomes of each lineage, for each website that it has a name of. A website gets one: the one that its web
    server presents, else the newest that covers all of its own names."""
    found: list[Offer] = []
    used: set[str] = set()
    for site in websites:
        having = [one for one in proven if any(covers(one.certificate.names, name) for name in site.own)]
        if not having:
            continue
        used |= {one.certificate.fingerprint for one in having}
        best = max(having, key=lambda one: _rank(one, site))
        found.append(_offer(best, site, {one.certificate.fingerprint for one in having}, now))
        chosen = best.lineage.name
        found += [
            _of(one, site, why=f"{chosen} is the one for this website") for one in having if one is not best
        ]
    unused = [one for one in proven if one.certificate.fingerprint not in used]
    found += [Offer(one.lineage, certificate=one.certificate, why=_nobody(one.certificate)) for one in unused]
    order = {one.lineage.name: number for number, one in enumerate(proven)}
    return sorted(found, key=lambda offer: (order[offer.lineage.name], not offer.adopted))


def _rank(one: Proven, site: Candidate) -> tuple[bool, bool, int, datetime]:
    covered = sum(covers(one.certificate.names, name) for name in site.own)
    shown = any(one.certificate.fingerprint == each.fingerprint for each in site.shown)
    return covered == len(site.own), shown, covered, one.certificate.not_before


def _offer(one: Proven, site: Candidate, theirs: Collection[str], now: datetime) -> Offer:
    """`theirs`: fingerprints of what the client has for this website. A certificate that came from elsewhere, which
    somebody may have paid for, is replaced only if he says so."""
    certificate = one.certificate
    if certificate.fingerprint in site.had:
        return _of(one, site, why="it was taken over before")
    if site.stored is not None and state_of(site.stored, site.own, now).useful:
        return _of(one, site, why=f"AutoSSL has one for this website, until {site.stored.not_after:%Y-%m-%d}")
    if site.off:
        return _of(one, site, why=site.off)
    other = [each for each in site.shown if each.fingerprint not in theirs and each.keeper != one.lineage.client]
    if other and not site.named:
        remedy = f"To have that replaced: autossl import {one.lineage.client} --website {site.main}"
        return _of(one, site, why=f"its web server presents another one, of {other[0].issuer}", remedy=remedy)
    missing = [name for name in site.own if not covers(certificate.names, name)]
    if missing:
        remedy = f"Exclude what nobody uses (autossl exclude add {site.account} NAME), and import again; or have a new"
        remedy += f" certificate ordered: autossl website takeover on {site.main}"
        return _of(one, site, why=f"it does not cover {_few(missing)}", remedy=remedy)
    return Offer(one.lineage, site.main, site.account, certificate, True)


def _of(one: Proven, site: Candidate, why: str, remedy: str = "") -> Offer:
    return Offer(one.lineage, site.main, site.account, one.certificate, False, why, remedy)


def _nobody(certificate: Certificate) -> str:
    return f"no website of this host has one of its names ({_few(certificate.names)})"


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
