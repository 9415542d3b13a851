"""Who answered instead of this host, as far as an answer and an address tell it: a CDN, another server, nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from jobs.policy.finding import Finding
from jobs.policy.redirects import AddressKind, address_kind, printable
from jobs.policy.verdict import INSIDE, Outcome

_SIGNS: tuple[tuple[str, str, str], ...] = (
    ("cf-ray", "", "Cloudflare"),
    ("server", "cloudflare", "Cloudflare"),
    ("x-amz-cf-id", "", "Amazon CloudFront"),
    ("server", "cloudfront", "Amazon CloudFront"),
    ("via", "cloudfront.net", "Amazon CloudFront"),
    ("server", "akamai", "Akamai"),
    ("x-akamai-request-id", "", "Akamai"),
    ("x-fastly-request-id", "", "Fastly"),
    ("x-served-by", "cache-", "Fastly"),
    ("server", "bunnycdn", "bunny.net"),
    ("x-sucuri-id", "", "Sucuri"),
    ("server", "sucuri", "Sucuri"),
    ("x-iinfo", "", "Imperva"),
    ("x-cdn", "imperva", "Imperva"),
    ("x-azure-ref", "", "Azure Front Door"),
    ("server", "keycdn", "KeyCDN"),
    ("server", "ddos-guard", "DDoS-Guard"),
    ("server", "qrator", "Qrator"),
)
"""Header, what is in its value in lower case, who sends it. Signs that don't hang on addresses, which change."""

_OF_A_FRONT = frozenset(
    {"http_status", "http_wrong_content", "http_too_large", "http_redirect_loop", "http_too_many_redirects"}
)
"""What goes wrong because somebody in front answers by himself, or asks the host in another way than he was asked."""

_SILENT = frozenset({"http_timeout", "http_connection_refused"})
_MOST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Here:
    """This host's own addresses: those of its interfaces, and public ones at which its own answer came. None: not
    known."""

    addresses: frozenset[str] = frozenset()

    def has(self, address: str) -> bool:
        return address in self.addresses or address_kind(address) is AddressKind.LOOPBACK

    def inside(self, address: str) -> bool:
        """Whether it belongs to what stands behind this host, and out of the Internet's reach: a loopback address too,
        at which programs listen that are nobody else's business."""
        return address_kind(address) is not AddressKind.PUBLIC and address not in self.addresses

    def public(self, ipv6: bool) -> tuple[str, ...]:
        """Its public addresses of one family. Behind a NAT there are none, and nothing can be said of others'."""
        same = (one for one in self.addresses if (":" in one) == ipv6)
        return tuple(sorted(one for one in same if address_kind(one) is AddressKind.PUBLIC))

    def learned(self, outcomes: Iterable[Outcome]) -> Here:
        """With the public addresses at which the right answer came straight from this host: its own behind a NAT. Where
        its interfaces aren't known, that would be a part and taken for the whole."""
        if not self.addresses:
            return self
        right = {one.address for one in outcomes if not one.trouble and not any(hop.front for hop in one.hops)}
        return Here(self.addresses | {one for one in right if address_kind(one) is AddressKind.PUBLIC})


def front_of(headers: Mapping[str, str]) -> str:
    """The CDN or proxy whose signs an answer bears, or "". `headers`: names in lower case."""
    for header, part, front in _SIGNS:
        if header in headers and part in headers[header].lower():
            return front
    via = headers.get("via", "").strip()
    return f"a proxy, {printable(via, 40)}" if via else ""


def explained(name: str, outcome: Outcome, here: Here) -> Outcome:
    """The same outcome of `name`, its trouble in the words of the cause where address and answer give that away."""
    inside = next(filter(here.inside, (outcome.address, *(hop.address for hop in outcome.hops))), None)
    if inside:
        return _silenced(name, outcome, inside)
    if outcome.trouble is None or here.has(outcome.address):
        return outcome
    return replace(outcome, trouble=_cause(outcome, outcome.trouble, here))


def _silenced(name: str, outcome: Outcome, inside: str) -> Outcome:
    """Whoever names a website points it where he likes: of what answers at `inside`, and whether anybody does, he is
    told nothing. It is one and the same trouble, that of an address where no CA comes; only the hops tell more, and
    they are shown to who runs the host."""
    if outcome.trouble is None:
        return replace(outcome, warnings=())
    first = inside == outcome.address
    leads = f"{name}: {inside}" if first else f"{name} redirects to {inside}, which"
    words = f"is a {address_kind(inside)} address; no website of this server answers there, and no CA can reach it"
    connected = outcome.connected and not first
    return Outcome(outcome.address, Finding(INSIDE, f"{leads} {words}"), connected, (), outcome.hops)


def _cause(outcome: Outcome, trouble: Finding, here: Here) -> Finding:
    """Of what went wrong at an address that is none of this host's, as far as it knows."""
    address, expected = outcome.address, here.public(outcome.ipv6)
    front = outcome.hops[-1].front if outcome.hops else ""
    if front and trouble.code in _OF_A_FRONT:
        words = f"the answer bears the signs of {front}, which stands in front of the website"
        return Finding("http_cdn_in_front", f"{trouble.text}; {words}")
    if expected:
        words = f"{address} is none of this host's addresses; expected {' or '.join(expected[:_MOST_SHOWN])}"
        return Finding("http_other_server" if outcome.connected else trouble.code, f"{trouble.text}; {words}")
    if here.addresses and not outcome.ipv6 and trouble.code in _SILENT:
        words = "this host has no public address of its own, so that its router may not let it reach itself by that one"
        return Finding("http_hairpin_nat", f"{trouble.text}; {words}")
    return trouble
