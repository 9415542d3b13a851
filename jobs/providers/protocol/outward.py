"""Where a CA's further addresses may lead: one on the Internet names none inside this host's network.

A CA names every address of an order itself. An honest one on the Internet has no reason to name 127.0.0.1 or an address
of the local network; a hostile one would find out by that which services there answer.
"""

from __future__ import annotations

from collections.abc import Iterator

from jobs.policy.failure import Failure
from jobs.policy.redirects import AddressKind, address_kind


class Outward:
    """Of one CA. Safe from several threads."""

    def __init__(self) -> None:
        self._only = False
        """Whether a connection may go to addresses of the Internet only."""
        self._peers: dict[str, str] = {}

    def came_from(self, peer: str) -> None:
        """The CA's directory came from this address; from then on it is known where the CA is."""
        if peer and _is_public(peer):
            self._only = True

    def connected(self, host: str, address: str) -> None:
        """Raises Failure("ca_not_acme") if it lies inside."""
        self.let_past(host, iter([address]))
        self._peers[host] = address

    def peer(self, host: str) -> str:
        """The address at which `host` was connected to last."""
        return self._peers.get(host, "")

    def let_past(self, host: str, addresses: Iterator[str]) -> None:
        """Raises Failure("ca_not_acme") if one of the addresses lies inside."""
        for address in addresses:
            if self._only and not _is_public(address):
                words = f"the CA is on the Internet, and names {host}, whose address {address} is not; it is not asked"
                raise Failure("ca_not_acme", words, permanent=True)


def _is_public(address: str) -> bool:
    return address_kind(address.partition("%")[0]) is AddressKind.PUBLIC
