"""A DNS server, and what its answer to one question means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jobs.policy.finding import Finding
from jobs.preflight.message import NXDOMAIN, Answer, number
from jobs.preflight.message import Unusable as Unusable

LONGEST_CHAIN = 11
"""CNAMEs followed; the resolvers of large CAs give up after as many."""

_CNAME, _NS, _SOA, _A, _AAAA = map(number, ("CNAME", "NS", "SOA", "A", "AAAA"))


class Status(StrEnum):
    FOUND = "found"
    NO_DATA = "no data"
    NXDOMAIN = "nxdomain"
    SERVFAIL = "servfail"
    TIMEOUT = "timeout"
    LOOP = "loop"


@dataclass(frozen=True, slots=True)
class Server:
    address: str
    port: int = 53

    def __str__(self) -> str:
        shown = f"[{self.address}]" if ":" in self.address else self.address
        return shown if self.port == 53 else f"{shown}:{self.port}"


@dataclass(frozen=True, slots=True)
class Reply:
    """The meaning of one answer. `owner` is the name at the end of the chain that the answer holds; `target` is
    where that chain goes on, when another server has to be asked. `values` are those that Answer.value reads.

    `bogus` and `lame` say why it is SERVFAIL: signatures that don't hold, servers that don't serve the zone.
    `remarks` are what is odd about the servers; `size` is that of the message which holds the values, in bytes.
    """

    status: Status
    owner: str
    values: tuple[Any, ...] = ()
    target: str | None = None
    trail: tuple[str, ...] = ()
    detail: str = ""
    bogus: bool = False
    lame: bool = False
    remarks: tuple[Finding, ...] = ()
    size: int = 0


@dataclass(frozen=True, slots=True)
class Referral:
    """A server's word that the zone `apex` is at other servers: the addresses that it may tell, which are those of
    names in its own zone, and the other servers' names."""

    apex: str
    glue: tuple[str, ...]
    hosts: tuple[str, ...]


def read(answer: Answer, name: str, kind: str, hops: int = LONGEST_CHAIN) -> Reply:
    """Walk the answer from `name` along at most `hops` CNAMEs to the records of `kind`. Raises Unusable."""
    wanted = number(kind)
    at = name.lower()
    trail: list[str] = []
    while True:
        values = answer.values(at, wanted)
        if values:
            return Reply(Status.FOUND, at, values, trail=tuple(trail), size=len(answer.wire))
        aliases = answer.values(at, _CNAME)
        if not aliases:
            break
        target: str = aliases[0].target
        trail.append(target)
        if target in (name, *trail[:-1]) or len(trail) > LONGEST_CHAIN:
            return Reply(Status.LOOP, at, trail=tuple(trail))
        if len(trail) >= hops:
            return Reply(Status.NO_DATA, at, target=target, trail=tuple(trail))
        at = target
    if answer.code == NXDOMAIN:
        return Reply(Status.NXDOMAIN, at, trail=tuple(trail))
    return Reply(Status.NO_DATA, at, target=None if answer.recursive or not trail else at, trail=tuple(trail))


def zone_above(answer: Answer, name: str) -> str | None:
    """The apex of the zone that holds `name`, as the answer to a question for its SOA tells it; None if it doesn't.

    Raises Unusable.
    """
    for record in answer.answer:
        if record.kind == _SOA and answer.owner(record) == name:
            return name
    if answer.answer:
        return None
    for record in answer.authority:
        if record.kind == _SOA and within(name, apex := answer.owner(record)):
            return apex
    return None


def referral(answer: Answer, name: str, above: str) -> Referral | None:
    """Where a server of the zone `above` sends who asks for `name`. Raises Unusable."""
    if answer.authoritative or answer.answer:
        return None
    found = [(answer.owner(record), record) for record in answer.authority if record.kind == _NS]
    apexes = {owner for owner, _ in found if within(name, owner) and within(owner, above) and owner != above}
    if len(apexes) != 1:
        return None
    (apex,) = apexes
    hosts = dict.fromkeys(answer.value(record).target for owner, record in found if owner == apex)
    glue = [(answer.owner(record), record) for record in answer.additional if record.kind in (_A, _AAAA)]
    told = [(host, answer.value(record).address) for host, record in glue if host in hosts and within(host, above)]
    others = [host for host in hosts if host not in dict(told) and not within(host, apex)]
    return Referral(apex, tuple(dict.fromkeys(address for _, address in told)), tuple(others))


def within(name: str, apex: str) -> bool:
    """Whether `name` is `apex` or lies below it; an escaped dot is no end of a label."""
    above = name.removesuffix(f".{apex}")
    return apex in (".", name) or (above != name and not above.endswith("\\"))
