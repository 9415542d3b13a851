"""One name server that is asked, and by RFC 2136 told to change: every way in which that fails has its own code."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.tsig

from jobs.policy.failure import Failure

_SECONDS = 10.0
_ANSWERS = (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)


@dataclass(frozen=True)
class Found:
    """What a server says about one set. `cname`: where the owner leads, in which case there is no set."""

    values: tuple[dns.rdata.Rdata, ...] = ()
    ttl: int | None = None
    cname: str | None = None


@dataclass(frozen=True)
class Nameserver:
    """`address`: of IPv4 or IPv6. With `key`, everything is signed, and answers that are not count for nothing."""

    address: str
    port: int = 53
    key: dns.tsig.Key | None = field(default=None, repr=False)
    tcp: bool = True

    def __str__(self) -> str:
        return f"the name server {self.address} port {self.port}"

    def look(self, owner: str, kind: str) -> Found:
        """The set as this server has it, never from a cache. CNAMEs are told, not followed. Raises as `_asked` does."""
        answer, name = self._asked(owner, kind), dns.name.from_text(owner)
        for rrset in answer.answer:
            if rrset.name == name and rrset.rdtype == dns.rdatatype.CNAME:
                return Found(cname=str(rrset[0].target).rstrip(".").lower())
            if rrset.name == name and rrset.rdtype == dns.rdatatype.from_text(kind):
                return Found(tuple(rrset), rrset.ttl)
        return Found()

    def serial(self, zone: str) -> int:
        """The serial number of the zone as it is served. Raises Failure as `look` does."""
        values = self.look(zone, "SOA").values
        if not values:
            raise Failure("zone_not_at_server", f"{self} has no SOA record of {zone}")
        number: int = values[0].serial  # type: ignore[attr-defined]
        return number

    def apex(self, owner: str) -> str | None:
        """The zone in which this server has `owner`, by the SOA record in its answer. Raises Failure as `look` does."""
        answer = self._asked(owner, "SOA")
        for rrset in (*answer.answer, *answer.authority):
            if rrset.rdtype == dns.rdatatype.SOA:
                return rrset.name.to_text(omit_final_dot=True).lower()
        return None

    def _asked(self, owner: str, kind: str) -> dns.message.Message:
        """An answer of the server's own.

        Raises Failure("zone_delegated") where it points to other servers, Failure("zone_not_at_server") where it is not
        responsible, and what `exchange` raises.
        """
        query = dns.message.make_query(owner, kind)
        query.flags &= ~dns.flags.RD
        answer = self.exchange(query)
        code = answer.rcode()
        if code not in _ANSWERS:
            refused = code in (dns.rcode.REFUSED, dns.rcode.NOTAUTH)
            words = f"{self}, asked for {owner} {kind}, answers {dns.rcode.to_text(code)}"
            raise Failure("zone_not_at_server" if refused else "dns_backend_server_failed", words)
        if not answer.flags & dns.flags.AA:
            self._refuse_stranger(answer, owner, kind)
        return answer

    def exchange(self, message: dns.message.Message) -> dns.message.Message:
        """Send one message and take its answer, whatever its rcode. Raises Failure for what is none."""
        if self.key is not None:
            message.use_tsig(self.key)
        try:
            answer = self._sent(message)
        except (dns.tsig.PeerError, dns.tsig.BadSignature, dns.exception.DNSException) as error:
            raise self._failure(error) from error
        except (OSError, EOFError) as error:
            said = getattr(error, "strerror", None) or str(error) or "the connection was closed"
            raise Failure("dns_backend_unreachable", f"{self}: {said}") from error
        if self.key is not None and not answer.had_tsig:  # which dnspython minds itself since 2.9
            raise Failure("dns_backend_bad_answer", f"{self}: the answer to a signed question is not signed")
        return answer

    def _sent(self, message: dns.message.Message) -> dns.message.Message:
        if self.tcp:
            return dns.query.tcp(message, self.address, _SECONDS, self.port)
        answer, _ = dns.query.udp_with_fallback(message, self.address, _SECONDS, self.port, ignore_unexpected=True)
        return answer

    def _failure(self, error: Exception) -> Failure:
        name = "" if self.key is None else self.key.name.to_text(omit_final_dot=True)
        match error:
            case dns.exception.Timeout():
                return Failure("dns_backend_timeout", f"{self}: no answer within {_SECONDS:g} s")
            case dns.tsig.PeerBadKey():
                words = f"{self} knows no key named {name!r} of this algorithm (BADKEY)"
                return Failure("dns_backend_key_unknown", words)
            case dns.tsig.PeerBadSignature() | dns.tsig.BadSignature():
                words = f"{self} has another secret for the key {name!r} (BADSIG)"
                return Failure("dns_backend_key_wrong", words)
            case dns.tsig.PeerBadTime() | dns.tsig.BadTime():
                return Failure("dns_backend_clock", f"{self}: its clock and this host's differ too much (BADTIME)")
        return Failure("dns_backend_bad_answer", f"{self}: {type(error).__name__}: {error}")

    def _refuse_stranger(self, answer: dns.message.Message, owner: str, kind: str) -> None:
        asked = f"{self}, asked for {owner} {kind},"
        for rrset in answer.authority:
            if rrset.rdtype == dns.rdatatype.NS and not answer.answer and rrset.name != dns.name.root:
                away = rrset.name.to_text(omit_final_dot=True)
                raise Failure("zone_delegated", f"{asked} points to other name servers: {away} is delegated to them")
        raise Failure("zone_not_at_server", f"{asked} gives no answer of its own: it is not authoritative")


def address_of(server: str, port: int) -> str:
    """The address of a name server that is given by its address or its name, which is looked up now.

    Raises Failure("option_invalid"), Failure("dns_backend_unreachable").
    """
    if not server.strip() or not 0 < port < 65536:
        words = f"name server {server[:80]!r}, port {port}: expected an address or a name, and a port of 1 to 65535"
        raise Failure("option_invalid", words, permanent=True)
    try:
        found = socket.getaddrinfo(server.strip(), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Failure("dns_backend_unreachable", f"name server {server[:80]!r}: its address: {error}") from error
    return str(found[0][4][0])
