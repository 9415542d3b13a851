"""Looks at zones of the bench's BIND as a stranger would: by transfer, and by the bytes of the file."""

from __future__ import annotations

import time
from collections.abc import Callable

import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.xfr
import pytest

from jobs.policy.failure import Failure

ADDRESS = "127.0.0.1"


def transferred(zone: str, address: str = ADDRESS) -> set[tuple[str, int, str]]:
    """Every record that is served: owner, TTL, kind and value; of SOA all but the serial number."""
    found = set()
    for rrset in _answers(zone, address):
        for value in rrset:
            text = value.to_text()
            if rrset.rdtype == dns.rdatatype.SOA:
                fields = text.split()
                text = " ".join([*fields[:2], *fields[3:]])
            found.add((rrset.name.to_text(), rrset.ttl, f"{dns.rdatatype.to_text(rrset.rdtype)} {text}"))
    return found


def _answers(zone: str, address: str) -> list[dns.rrset.RRset]:
    """named answers a transfer with SERVFAIL while it is busy with the zone (loading it, say)."""
    limit = time.monotonic() + 5
    while True:
        try:
            return [rrset for message in dns.query.xfr(address, zone, relativize=False) for rrset in message.answer]
        except dns.xfr.TransferError as error:
            if error.rcode != dns.rcode.SERVFAIL or time.monotonic() > limit:
                raise
            time.sleep(0.05)


def failure_of(call: Callable[[], object]) -> Failure:
    with pytest.raises(Failure) as caught:
        call()
    return caught.value
