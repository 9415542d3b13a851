"""Resolvers.

Each resolver is asked for a name that matters here. Without them no name can be looked at before it is ordered.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

from jobs.doctor import Host
from jobs.policy.doctor import Result, State
from jobs.policy.failure import Failure
from jobs.policy.problems import problem
from jobs.preflight.resolver import servers, system_servers
from jobs.preflight.wire import Server

SECONDS = 3.0
_ANSWERS = (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)


def examine(host: Host) -> Iterator[Result]:
    configured = host.config.dns.resolvers
    try:
        asked = servers(configured) if configured else system_servers()
    except Failure as failure:
        yield Result(State.WRONG, "resolvers", failure.detail, "a resolver", problem(failure.code).remedy)
        return
    name = _name(host)
    for server in asked:
        yield _examined(server, name)


def _name(host: Host) -> str:
    """A name that has to be found: a website's own, else the provider's."""
    if host.websites:
        return host.websites[0].main.removeprefix("*.")
    directory = urlsplit(host.provider.directory).hostname if host.provider else None
    return directory or "."


def _examined(server: Server, name: str) -> Result:
    subject, expected = f"resolver {server}", f"an answer for {name}"
    question = dns.message.make_query(name, dns.rdatatype.A, use_edns=0, want_dnssec=True, payload=1232)
    try:
        answer, _ = dns.query.udp_with_fallback(question, server.address, SECONDS, server.port)
    except (dns.exception.DNSException, OSError, ValueError) as error:
        late = isinstance(error, dns.exception.Timeout)
        words = f"no answer within {SECONDS:g} s" if late else f"no answer: {error}"
        remedy = "See that the resolver runs, or name another one in /etc/resolv.conf or config.toml (dns.resolvers)."
        return Result(State.WRONG, subject, words, expected, remedy)
    code = dns.rcode.to_text(answer.rcode())
    if answer.rcode() not in _ANSWERS:
        remedy = "Ask it by hand (`dig`), and see whether it may resolve for this host and reaches the name's servers."
        return Result(State.WRONG, subject, f"{code} for {name}", expected, remedy)
    if answer.edns < 0:
        remedy = "Use a resolver that knows EDNS: without it CAA and DNSSEC answers may be cut off."
        return Result(State.WARNING, subject, f"{code}, and it does not know EDNS (RFC 6891)", expected, remedy)
    checks = "it checked the DNSSEC signatures" if answer.flags & dns.flags.AD else "no DNSSEC signature was checked"
    return Result(State.FINE, subject, f"{code} for {name}; {checks}")
