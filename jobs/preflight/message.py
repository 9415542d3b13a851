"""DNS messages as bytes (RFC 1035 section 4, RFC 6891): a question made, an answer read.

Everything that is read here may be hostile. Whatever stands in it, reading ends with an Answer or with Malformed, and
costs little: at most MOST_RECORDS records, and compression pointers that lead backwards only. Only the values that
somebody asks for are read, most kinds of them by dnspython.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, NamedTuple

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

MOST_RECORDS = 1000
"""In one message; no honest answer to a question of ours comes near it."""

HEADER = 12
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
NOTAUTH = 9

_PAYLOAD = 1232
"""Bytes of an answer that is not cut into fragments on its way (the figure of the DNS flag day 2020)."""

_IN, _OPT, _EDE = 1, 41, 15
_FAMILIES = {1: (socket.AF_INET, 4), 28: (socket.AF_INET6, 16)}
_NAMING = frozenset({2, 5})
"""NS and CNAME."""

_HEAD, _COUNTS = struct.Struct("!HHHHHH"), struct.Struct("!HHHHH")
_FIXED, _PAIR = struct.Struct("!HHIH"), struct.Struct("!HH")
_EDNS = b"\0" + _FIXED.pack(_OPT, _PAYLOAD, 0, 0)
_PLAIN_LABEL = re.compile(rb"\A[A-Za-z0-9_*-]+\Z")
_PLAIN_NAME = re.compile(r"\A[a-z0-9_*-]{1,63}(?:\.[a-z0-9_*-]{1,63})*\Z")
_LONGEST_PLAIN_NAME = 253


QR, AA, TC, RD, RA, CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0010
"""Bits of the second word of the header: answer, authoritative, cut short; may recurse, can recurse, unchecked."""

_OPCODE = 0x7800


class ExtendedError(NamedTuple):
    """What a server adds to its answer (RFC 8914)."""

    code: int
    text: str


class Unusable(Exception):
    """This server gave no answer that can be used; another one may. `silent`: it gave none at all. `code` and
    `extended_errors` are those of an answer that said no more than that something failed."""

    def __init__(
        self, detail: str, silent: bool = False, code: int | None = None,
        extended_errors: tuple[ExtendedError, ...] = (),
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.silent = silent
        self.code = code
        self.extended_errors = extended_errors


class Malformed(Unusable):
    """The bytes are no DNS message, or hold a record that can't be read."""


class Record(NamedTuple):
    """Where a record stands in the message: its owner's name, and its value with a length."""

    owner_at: int
    kind: int
    value_at: int
    length: int


class Address(str):
    """The value of an A or AAAA record. By far the most frequent ones: they are read here, and are texts, which the
    garbage collector need not look through."""

    __slots__ = ()

    @property
    def address(self) -> str:
        return str(self)


class Host(str):
    """The value of an NS or CNAME record, as `text_of` writes names."""

    __slots__ = ()

    @property
    def target(self) -> str:
        return str(self)


@dataclass(slots=True)
class Answer:
    """A message whose records were counted and bounded; names and values are read when they are asked for.

    `code` with the upper bits of EDNS. `authority` and `additional` belong to the sections of these names; only
    records of the class IN are kept. `seconds` from the last sending of the question.
    """

    wire: bytes
    flags: int
    code: int
    answer: list[Record]
    authority: list[Record]
    additional: list[Record]
    extended_errors: tuple[ExtendedError, ...] = ()
    seconds: float = 0.0
    _names: dict[int, str] = field(default_factory=dict)

    @property
    def authoritative(self) -> bool:
        return bool(self.flags & AA)

    @property
    def recursive(self) -> bool:
        """Whether the server would have asked others for it."""
        return bool(self.flags & RA)

    def owner(self, record: Record) -> str:
        """As `text_of` writes it. Raises Malformed."""
        text = self._names.get(record.owner_at)
        if text is None:
            text = self._names[record.owner_at] = name_at(self.wire, record.owner_at)[0]
        return text

    def value(self, record: Record) -> Any:
        """An Address, a Host, or dnspython's rdata. Raises Malformed."""
        family, size = _FAMILIES.get(record.kind, (None, 0))
        if family:
            if record.length != size:
                raise Malformed(f"an address of {record.length} bytes")
            return Address(socket.inet_ntop(family, self.wire[record.value_at : record.value_at + size]))
        if record.kind in _NAMING:
            text, end = name_at(self.wire, record.value_at)
            if end != record.value_at + record.length:
                raise Malformed("a name that is not as long as it says")
            return Host(text)
        kind = dns.rdatatype.RdataType.make(record.kind)
        try:
            return dns.rdata.from_wire(dns.rdataclass.IN, kind, self.wire, record.value_at, record.length)
        except dns.exception.DNSException as error:
            raise Malformed(f"a record of the kind {dns.rdatatype.to_text(kind)} that can't be read") from error

    def values(self, owner: str, kind: int) -> tuple[Any, ...]:
        """The values of a set of the answer section, each once. Raises Malformed."""
        found = [self.value(record) for record in self.answer if record.kind == kind and self.owner(record) == owner]
        return tuple(dict.fromkeys(found)) if len(found) > 1 else tuple(found)


@cache
def number(kind: str) -> int:
    """Of a record type by its name, such as "AAAA"."""
    return int(dns.rdatatype.from_text(kind))


def question(name: str, kind: str) -> bytes:
    """The question section for the records of `kind` of `name`. Raises Malformed for a name that can't be written."""
    return _written(name) + _PAIR.pack(number(kind), _IN)


@lru_cache(1024)
def _written(name: str) -> bytes:
    text = name.lower()
    if len(text) <= _LONGEST_PLAIN_NAME and _PLAIN_NAME.match(text):
        return b"".join(bytes((len(label),)) + label for label in text.encode("ascii").split(b".")) + b"\0"
    try:
        wire = dns.name.from_text(text).to_wire()
    except (dns.exception.DNSException, UnicodeError) as error:
        raise Malformed(f"{name!r} can't be written as a name in DNS") from error
    return wire or b"\0"


def query(identity: bytes, asked: bytes, flags: int, edns: bool) -> bytes:
    """A whole message with one question. `identity` is two bytes."""
    return b"".join((identity, _COUNTS.pack(flags, 1, 0, 0, int(edns)), asked, _EDNS if edns else b""))


def answers(wire: bytes, asked: bytes) -> bool:
    """Whether `wire` is an answer to this very question, byte for byte. A server that could not read the question may
    leave it out, as long as all it says is an error."""
    if len(wire) < HEADER:
        return False
    _, flags, questions, *others = _HEAD.unpack_from(wire)
    if flags & (QR | _OPCODE) != QR:
        return False
    if questions == 1:
        return wire.startswith(asked, HEADER)
    return questions == 0 and not any(others) and flags & 0xF in (FORMERR, SERVFAIL, NOTIMP, REFUSED)


def parse(wire: bytes, asked: bytes, seconds: float = 0.0) -> Answer:
    """Read the frame of a message that `answers` took for one to `asked`. Raises Malformed."""
    _, flags, questions, *counts = _HEAD.unpack_from(wire)
    if sum(counts) > MOST_RECORDS:
        raise Malformed(f"{sum(counts)} records; more than {MOST_RECORDS} are not read")
    answer = Answer(wire, flags, flags & 0xF, [], [], [], seconds=seconds)
    at = HEADER + (len(asked) if questions else 0)
    try:
        for count, section in zip(counts, (answer.answer, answer.authority, answer.additional), strict=True):
            for _ in range(count):
                at = _one_record(answer, section, at)
    except (IndexError, struct.error) as error:
        raise Malformed("it ends within a record") from error
    return answer


def _one_record(answer: Answer, section: list[Record], at: int) -> int:
    """Take in the record at `at`; returns where the next one begins."""
    owner_at, wire = at, answer.wire
    while (length := wire[at]) and length < 64:
        at += length + 1
    if 64 <= length < 192:
        raise Malformed("a label of an unknown kind")
    at += 2 if length else 1
    size: int
    kind, group, ttl, size = _FIXED.unpack_from(wire, at)
    at += _FIXED.size
    if at + size > len(wire):
        raise Malformed("it ends within a record")
    if kind == _OPT:
        if section is answer.additional:
            answer.code |= ttl >> 24 << 4
            answer.extended_errors += tuple(_extended_errors(wire[at : at + size]))
    elif group == _IN:
        section.append(Record(owner_at, kind, at, size))
    return at + size


def _extended_errors(options: bytes) -> Iterator[ExtendedError]:
    at = 0
    while at < len(options):
        option, size = _PAIR.unpack_from(options, at)
        at += _PAIR.size
        if option == _EDE and size >= 2:
            body = options[at : at + size]
            yield ExtendedError(int.from_bytes(body[:2], "big"), body[2:].decode("utf-8", "replace"))
        at += size


def name_at(wire: bytes, at: int) -> tuple[str, int]:
    """The name that begins at `at`, and where what follows it begins. Raises Malformed, also for pointers that don't
    lead backwards."""
    labels: list[bytes] = []
    size, lowest, end = 1, at, 0
    try:
        while length := wire[at]:
            if length >= 192:
                end = end or at + 2
                at = (length & 63) << 8 | wire[at + 1]
                if at >= lowest:
                    raise Malformed("a name that points to itself")
                lowest = at
                continue
            label = wire[at + 1 : at + 1 + length]
            size += length + 1
            if length > 63 or len(label) < length or size > 255:
                raise Malformed("a name that is too long")
            labels.append(label)
            at += length + 1
    except IndexError as error:
        raise Malformed("it ends within a name") from error
    end = end or at + 1
    if labels and all(map(_PLAIN_LABEL.match, labels)):
        return b".".join(labels).decode("ascii").lower(), end
    return text_of(dns.name.Name([*labels, b""])), end


def text_of(name: dns.name.Name) -> str:
    """A name in lower case, without the final dot; the root is "."."""
    return name.to_text(omit_final_dot=True).lower()
