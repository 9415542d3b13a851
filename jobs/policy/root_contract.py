"""What the root side accepts of the side that it does not trust. Pure: it is told what this host itself says.

Whoever has taken over the unprivileged side may ask for anything that is shaped well. So a website is what this host's
own web servers say it is, a certificate's names have to be of that website and of no other one, and a record in a zone
is one that a CA would look for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from jobs.policy import caa_value, discovery
from jobs.policy.certificate import Certificate
from jobs.policy.delegation import CHALLENGE
from jobs.policy.discovery import Found
from jobs.policy.failure import Failure
from jobs.policy.names import parent
from jobs.policy.site import Website, account_name, hostname

REFUSED = "root_refused"
MOST_NAMES = 1000
"""Of a website or a certificate. More are in use nowhere; the largest cap of a CA is below."""

_OWNER = re.compile(r"\A(?:_[a-z0-9-]{1,62}|[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9_][a-z0-9_-]{0,62})+\Z")
_ANSWER = re.compile(r"\A[A-Za-z0-9_-]{43}\Z")
"""The base64url SHA-256 of a key authorization (RFC 8555 section 8.4)."""

_CAA = re.compile(r'\A(?:0|128) (?:issue|issuewild) "([\x20\x21\x23-\x5b\x5d-\x7e]{1,300})"\Z')


@dataclass(frozen=True)
class Known:
    """The websites that this host's web servers name, by main name, and which of them has each name. `above`: the
    websites (two at most) that have a name below a domain."""

    websites: Mapping[str, Website]
    owners: Mapping[str, str]
    above: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, websites: Collection[Website]) -> Known:
        """A name is in one website only."""
        owners = {name: site.main for site in websites for name in site.names}
        above: dict[str, tuple[str, ...]] = {}
        for name, main in owners.items():
            for domain in _domains(parent(name)):
                so_far = above.get(domain, ())
                if main not in so_far and len(so_far) < 2:
                    above[domain] = (*so_far, main)
        return cls({site.main: site for site in websites}, owners, above)

    def other(self, name: str, whole: str) -> str | None:
        """A website beside `whole` whose vhost answers for a name, or for one that the wildcard `name` covers. It lists
        the name, or a wildcard above it: there `*` is any number of labels, as web servers have it."""
        lists = [name, *(f"*.{domain}" for domain in _domains(parent(name)))]
        found = next((self.owners[one] for one in lists if one in self.owners), None)
        has = [found] if found else list(self.above.get(name[2:], ())) if name.startswith("*.") else []
        return next((main for main in has if main != whole), None)


def known(found: Collection[Found]) -> Known:
    """`found`: what each source of this host says now, put together as the other side's discovery does it."""
    return Known.of(discovery.merge(tuple(found), discovery.Known()).now.websites)


def accepted(asked: Website, host: Known) -> Website:
    """The website that is acted on: by this host's own word where a web server names it, with names that it does not
    know beside those; else what was asked for. It has no name of another website. Its place in a file is never taken
    from the asker.

    Raises Failure("root_refused").
    """
    names, account = _names(asked.names), _account(asked.account)
    if asked.part_of is not None:
        return _part(account, names, asked.part_of, host)
    own, others = host.websites.get(names[0]), {name: host.other(name, names[0]) for name in names}
    if own is not None:
        more = [name for name in names if others[name] is None]
        return replace(own, account=account, names=tuple(dict.fromkeys((*own.names, *more))))
    if names[0].startswith("*."):
        raise refused(f"{names[0]}: no website is called after a wildcard")
    for name, owner in others.items():
        if owner is not None:
            raise refused(f"{names[0]}: {name} belongs to the website {owner} of this host")
    return Website(account, names)


def _part(account: str, names: tuple[str, ...], part_of: str, host: Known) -> Website:
    """A part has some of the names of its website, or names below them, and no other website's. It is called after
    one of them, but never as a website is called that has a certificate of its own."""
    whole = host.websites.get(part_of)
    (main, *_) = stems = whole.names if whole else _names((part_of,))
    if names[0] == main or names[0] in host.websites or names[0].startswith("*."):
        raise refused(f"{names[0]}: a part of {main} is not called so")
    for name in names:
        if host.other(name, main) or not _below(name, stems):
            raise refused(f"{names[0]}: {name} is no name of {main}, of which it is said to be a part")
    return Website(account, names, part_of=main)


def in_vhosts(website: Website, host: Known) -> Website | None:
    """An accepted website as web servers have it: with the names that they list, and no other one. None where they
    don't know it, or where it is a part."""
    own = host.websites.get(website.main)
    return None if website.part_of or own is None else replace(own, account=website.account)


def neighbours(certificate: Certificate, website: Website, host: Known) -> tuple[str, ...]:
    """Main names of websites beside this one that are called as a name of the certificate, or have a name above one:
    with a service that chooses by the name alone, it may be theirs until then. Of those that web servers don't know,
    each is only perhaps a website."""
    above = {domain for name in certificate.names for domain in _domains(name.removeprefix("*."))}
    mains = {host.owners.get(domain, domain) for domain in above if "." in domain}
    return tuple(sorted(mains - {website.main}))


def refuse_strange_names(website: Website, certificate: Certificate, host: Known, trusted: bool = False) -> None:
    """Raises Failure("root_refused") unless each name of the certificate is one of the website, or below one, and no
    other website's. One that this system trusts may name others as well, as those of other ACME clients often do: a CA
    has had the control of each name proven, so nobody is worse off for it.
    """
    if certificate.self_signed:
        raise refused(f"{website.main}: a self-signed certificate is nobody's proof of anything")
    if not 1 <= len(certificate.names) <= MOST_NAMES:
        raise refused(f"{website.main}: its certificate has {len(certificate.names)} names")
    whole = website.part_of or website.main
    own = host.websites.get(whole)
    stems = (*website.names, *(own.names if own else ()))
    if trusted and any(_below(name, stems) for name in certificate.names):
        return
    for name in certificate.names:
        if not _below(name, stems):
            raise refused(f"{website.main}: its certificate names {name[:253]}, which is not below any of its names")
        owner = host.owners.get(name, whole)
        if owner != whole:
            raise refused(f"{website.main}: its certificate names {name}, which belongs to the website {owner}")


def own_names(website: Website, certificate: Certificate, host: Known) -> tuple[str, ...]:
    """The names of a certificate that are the website's, or below its names and no other website's."""
    whole = website.part_of or website.main
    own = host.websites.get(whole)
    stems = (*website.names, *(own.names if own else ()))
    return tuple(
        name for name in certificate.names if _below(name, stems) and host.owners.get(name, whole) == whole
    )


def is_record_name(text: str) -> bool:
    """Whether it can be the name of a record, in lower case and without the final dot."""
    return len(text) <= 253 and _OWNER.match(text) is not None


def refuse_odd_record(name: str, kind: str, value: str, ttl: int) -> None:
    """Raises Failure("root_refused") for what is neither an answer to a challenge nor a CAA record that names a CA.

    Names that begin with `_` have a meaning of their own (DKIM, DMARC), for which one value more is one too many.
    """
    if not is_record_name(name):
        raise refused(f"{name[:80]!r}: expected a name in lower case")
    first, _, rest = name.partition(".")
    if any(label.startswith("_") for label in rest.split(".")) or (first.startswith("_") and first != CHALLENGE):
        raise refused(f"{name}: nothing is written at a name with _ but {CHALLENGE}")
    if kind == "CAA" and first == CHALLENGE:
        raise refused(f"{name}: no CA looks for a CAA record there")
    if not 1 <= ttl <= 86_400:
        raise refused(f"{name}: a TTL of {ttl} seconds")
    if kind == "TXT" and _ANSWER.match(value):
        return
    match = _CAA.match(value) if kind == "CAA" else None
    if match is None or caa_value.read(match[1]).malformed or not caa_value.read(match[1]).issuer:
        raise refused(f"{name}: neither an answer to a challenge nor a CAA record that allows a CA")


def _names(texts: Collection[str]) -> tuple[str, ...]:
    if not 1 <= len(texts) <= MOST_NAMES:
        raise refused(f"a website with {len(texts)} names")
    for text in texts:
        if not _is_name(text):
            raise refused(f"{text[:80]!r}: expected a host name")
    return tuple(dict.fromkeys(texts))


def _is_name(text: str) -> bool:
    try:
        return hostname(text) == text
    except ValueError:
        return False


def _account(text: str) -> str:
    try:
        return account_name(text)
    except ValueError:
        raise refused(f"{text[:80]!r}: expected the name of an account") from None


def _below(name: str, stems: Collection[str]) -> bool:
    bare, bases = name.removeprefix("*."), {one.removeprefix("*.") for one in stems}
    return _is_name(name) and any(domain in bases for domain in _domains(bare))


def _domains(name: str) -> Iterator[str]:
    """A name and every domain above it."""
    while name:
        yield name
        name = parent(name)


def refused(words: str) -> Failure:
    """What the root side says of what it does not do, for whomever."""
    return Failure(REFUSED, words, permanent=True)
