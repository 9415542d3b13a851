"""Decides for one website which of Apache's vhosts present its certificate, and which need a twin that does.

A name that a TLS vhost lists is presented by that one. A name that only plain vhosts list gets a twin of each, at the
addresses where no other website loses its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from jobs.policy.apache_answers import ANY, Answers, leading_name, listed_names
from jobs.policy.apache_config import Vhost


@dataclass(frozen=True, slots=True)
class Twin:
    """A TLS vhost to be: of which plain vhost (its position), for which names, at which addresses (without port)."""

    source: int
    names: tuple[str, ...]
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """`secured`: positions of TLS vhosts that present the website's certificate, each with its names.
    `troubles`: name -> why no vhost can present the certificate for it. Names that Apache lists nowhere are in none."""

    secured: dict[int, tuple[str, ...]] = field(default_factory=dict)
    twins: tuple[Twin, ...] = ()
    troubles: dict[str, str] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        return not (self.secured or self.twins or self.troubles)


@dataclass(frozen=True)
class Landscape:
    """Every vhost but the twins that we wrote, and who answers at the ports of http and https."""

    vhosts: tuple[Vhost, ...]
    plain: Answers
    tls: Answers
    main_name: str | None = None


def landscape(vhosts: Sequence[Vhost], http_port: int, https_port: int, main_name: str | None = None) -> Landscape:
    plain, tls = Answers(vhosts, http_port, main_name), Answers(vhosts, https_port, main_name)
    return Landscape(tuple(vhosts), plain, tls, main_name)


def layout(land: Landscape, names: Sequence[str]) -> Layout:
    """Where the names of one website stand. `names`: those that the website owns, the main one first."""
    secured: dict[int, list[str]] = {}
    troubles: dict[str, str] = {}
    twins: dict[int, dict[tuple[str, ...], list[str]]] = {}
    for name in names:
        presenting = land.tls.everywhere(name)
        for position in dict.fromkeys(presenting.values()):
            trouble = _trouble(land, position, name, names)
            if not trouble:
                secured.setdefault(position, []).append(name)
            elif _stands(land, position, name):
                troubles.setdefault(name, trouble)
        if not presenting:
            for source, addresses in _twin_addresses(land, name).items():
                twins.setdefault(source, {}).setdefault(addresses, []).append(name)
    return Layout(
        {position: tuple(listed) for position, listed in secured.items()},
        tuple(
            Twin(source, _server_name_first(land.vhosts[source], listed), addresses)
            for source, groups in twins.items()
            for addresses, listed in groups.items()
        ),
        troubles,
    )


def _stands(land: Landscape, position: int, name: str) -> bool:
    """Whether Apache has the name at all: a pattern of a TLS vhost of somebody else alone may cover the whole world."""
    return name in listed_names(land.vhosts[position], land.main_name) or bool(land.plain.everywhere(name))


def _trouble(land: Landscape, position: int, name: str, names: Sequence[str]) -> str:
    """Why this vhost can't present the website's certificate for `name`, though it answers it; empty when it can.

    Each vhost presents the certificate of one website only: that of its leading name.
    """
    vhost = land.vhosts[position]
    where = f"the vhost at {vhost.file}:{vhost.line}"
    if not vhost.ssl:
        return f"{name}: {where} stands at the port of https without `SSLEngine on`; switch it on, or take it away"
    leading = leading_name(vhost, land.main_name)
    if leading not in names:
        whose = leading or "nobody"
        return f"{name} is answered by {where}, which is that of {whose}; put a TLS vhost for {name} before it"
    return ""


def _twin_addresses(land: Landscape, name: str) -> dict[int, tuple[str, ...]]:
    """Plain vhost -> the addresses of its twin for `name`.

    A twin takes an address of its own only where TLS vhosts have it already: the first one there would take the
    connections to that address away from every vhost of `*`. And where they have it, `*` alone would not be reached.
    """
    plain = land.plain.everywhere(name)
    targets: dict[str, int] = {}
    for address in sorted(land.tls.addresses - {ANY}):
        source = land.plain.at(address, name)
        if source is not None:
            targets[address] = source
    for address in sorted(plain, key=lambda one: one != ANY):
        if address == ANY or address not in land.tls.addresses:
            targets.setdefault(ANY, plain[address])
    found: dict[int, list[str]] = {}
    for address, source in targets.items():
        found.setdefault(source, []).append(address)
    return {source: tuple(sorted(addresses)) for source, addresses in found.items()}


def _server_name_first(vhost: Vhost, listed: Sequence[str]) -> tuple[str, ...]:
    """Apache's own ServerName stays the first, and a wildcard can't be it."""
    leading = leading_name(vhost)
    return tuple(sorted(listed, key=lambda name: (name.startswith("*."), name != leading)))
