"""DNS updates (RFC 2136).

A name server that takes updates, signed with a key (TSIG): BIND with a dynamic zone, Knot, PowerDNS and others.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock

import dns.exception
import dns.name
import dns.rcode
import dns.rdata
import dns.tsig
import dns.update

from jobs.dns_backends.system import Nameserver, address_of, held_by, means, rdata_of, zone_name, zone_of
from jobs.dns_backends.system.in_the_way import cname_in_the_way
from jobs.policy.failure import Failure
from jobs.ports import Place, Record

_ALGORITHMS = {
    name: getattr(dns.tsig, name.replace("-", "_").upper())
    for name in ("hmac-sha256", "hmac-sha384", "hmac-sha512", "hmac-sha224", "hmac-sha1", "hmac-md5")
}
_TRIES = 3
"""A set that appears or goes while it is changed is asked for anew, so often."""


@dataclass(frozen=True)
class Options:
    """Switched off until a server and a zone are named."""

    server: str = field(
        default="", metadata={"label": "Server", "help": "Address or name of the server that takes the updates."}
    )
    port: int = field(default=53, metadata={"label": "Port"})
    zones: tuple[str, ...] = field(
        default=(), metadata={"label": "Zones", "help": "Those it may change; what lies below them belongs to them."}
    )
    key_name: str = field(
        default="",
        metadata={"label": "Key name", "help": "As the server's configuration has it. Empty: nothing is signed."},
    )
    key_algorithm: str = field(
        default="hmac-sha256", metadata={"label": "Key algorithm", "help": f"One of {', '.join(_ALGORITHMS)}."}
    )
    key_secret: str = field(default="", metadata={"label": "Key secret", "help": "Base64.", "secret": True})
    tcp: bool = field(
        default=True, metadata={"label": "By TCP", "help": "Else by UDP, and by TCP only where an answer is too long."}
    )


class Backend:
    """Changes one value of a set at a time; the server itself keeps the rest, the serial number and the journal."""

    name = "rfc2136"

    def __init__(self, options: Options, place: Place) -> None:
        self._options = options
        self._turn = Lock()

    def active(self) -> bool:
        return bool(self._options.server and self._options.zones)

    def zone_for(self, name: str) -> str | None:
        return held_by(self._zones, name)

    def add(self, record: Record) -> None:
        """The set is asked for first: the TTL of an update would become that of the whole set, and beside a CNAME BIND
        ignores the rest while it says that all went well. A CNAME that only `*` has lent to the name is none there."""
        value, zone = rdata_of(record), zone_of(self._zones, record, self.name)
        with self._turn:
            for _ in range(_TRIES):
                found = self._server.look(record.name, record.kind)
                if any(means(one, value) for one in found.values):
                    return
                if found.cname is None:  # else the answer tells of the zone in which that ends
                    self._refuse_another_zone(record, zone)
                update = self._update(zone)
                update.absent(record.name + ".", "CNAME")
                if found.ttl is None:
                    update.absent(record.name + ".", record.kind)
                update.add(record.name + ".", record.ttl if found.ttl is None else found.ttl, value)
                if self._sent(update, zone, record) != dns.rcode.YXRRSET:
                    return self._prove_added(record, value, zone)
                if found.cname is not None:
                    raise cname_in_the_way(record, found.cname)
        words = f"{record.name} {record.kind}: somebody else changed the set {_TRIES} times while it was changed here"
        raise Failure("zone_changed_meanwhile", words)

    def remove(self, record: Record) -> None:
        value, zone = rdata_of(record), zone_of(self._zones, record, self.name)
        with self._turn:
            standing = [one for one in self._server.look(record.name, record.kind).values if means(one, value)]
            if standing:
                update = self._update(zone)
                for one in standing:
                    update.delete(record.name + ".", one)
                self._sent(update, zone, record)
                if self._shown(record, value):
                    raise self._not_served(record, "shows it still")

    @cached_property
    def _zones(self) -> tuple[str, ...]:
        return tuple(zone_name(zone) for zone in self._options.zones)

    @cached_property
    def _server(self) -> Nameserver:
        options = self._options
        return Nameserver(address_of(options.server, options.port), options.port, self._key, options.tcp)

    @cached_property
    def _key(self) -> dns.tsig.Key | None:
        """Raises Failure("option_invalid"), which never holds the secret."""
        options = self._options
        if not options.key_name and not options.key_secret:
            return None
        algorithm = _ALGORITHMS.get(options.key_algorithm.strip().lower().removesuffix("."))
        try:
            secret = base64.b64decode("".join(options.key_secret.split()), validate=True)
            name = dns.name.from_text(options.key_name.strip())
        except (binascii.Error, ValueError, dns.exception.DNSException):
            secret, name = b"", dns.name.root
        if algorithm is None or not secret or name == dns.name.root:
            words = f"expected a name, an algorithm of {', '.join(_ALGORITHMS)}, and a secret in base64"
            raise Failure("option_invalid", f"rfc2136: the key: {words}", permanent=True)
        return dns.tsig.Key(name, secret, algorithm)

    def _update(self, zone: str) -> dns.update.UpdateMessage:
        return dns.update.UpdateMessage(zone + ".")

    def _sent(self, update: dns.update.UpdateMessage, zone: str, record: Record) -> dns.rcode.Rcode:
        """NOERROR, or YXRRSET when something stands there that didn't a moment ago. Raises Failure for the rest."""
        code = self._server.exchange(update).rcode()
        if code in (dns.rcode.NOERROR, dns.rcode.YXRRSET):
            return code
        said = f"{self._server}, told to change {record.name} {record.kind} in {zone}, "
        said += f"answers {dns.rcode.to_text(code)}"
        match code:
            case dns.rcode.REFUSED:
                raise self._refusal(said, zone)
            case dns.rcode.NOTAUTH | dns.rcode.NOTZONE:
                raise Failure("zone_not_at_server", f"{said}: it has no such zone, or not as the primary server")
            case dns.rcode.NOTIMP | dns.rcode.FORMERR:
                raise Failure("dns_backend_no_updates", said)
        raise Failure("dns_backend_server_failed", said)

    def _refusal(self, said: str, zone: str) -> Failure:
        """BIND refuses a frozen zone, a static one and a forbidden type with the same word. An update that changes
        nothing tells them apart, as far as that can be: it passes where only this very change is forbidden."""
        if self._server.exchange(self._update(zone)).rcode() == dns.rcode.NOERROR:
            return Failure("zone_update_forbidden", f"{said}, but takes an update of the zone that changes nothing")
        return Failure("zone_update_refused", f"{said}, also to an update that changes nothing")

    def _refuse_another_zone(self, record: Record, zone: str) -> None:
        """A server takes an update of a name that really belongs to a zone below, and hides it there."""
        apex = self._server.apex(record.name)
        if apex is None or not f".{apex}".endswith(f".{zone}"):
            raise Failure("zone_not_at_server", f"{self._server} has no zone {zone}")
        if apex != zone:
            words = f"{self._server} has {record.name} in the zone {apex}, which is not one of those it may change"
            raise Failure("zone_delegated", words, permanent=True)

    def _prove_added(self, record: Record, value: dns.rdata.Rdata, zone: str) -> None:
        if self._shown(record, value):
            return
        target = self._server.look(record.name, record.kind).cname
        update = self._update(zone)
        update.delete(record.name + ".", value)
        self._sent(update, zone, record)
        if target is not None:
            raise cname_in_the_way(record, target)
        raise self._not_served(record, "does not show it; it was told to take it back")

    def _shown(self, record: Record, value: dns.rdata.Rdata) -> bool:
        return any(means(one, value) for one in self._server.look(record.name, record.kind).values)

    def _not_served(self, record: Record, what: str) -> Failure:
        words = f"{self._server} says that it has changed {record.name} {record.kind}, but {what}"
        return Failure("zone_change_not_served", words)
