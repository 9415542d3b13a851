"""Ports that a test can give to a program of its own."""

from __future__ import annotations

import contextlib
import secrets
import socket

_BELOW_EPHEMERAL = range(10_000, 32_768)
"""Linux gives outgoing connections ports from 32768 on (`ip_local_port_range`). A port of those, found free and let go
of, is taken by any connection of the other tests before the program has it: "address already in use", once in a while.
"""


def free_port(*addresses: str) -> int:
    """A port that is free at each of `addresses` (IPv4 or IPv6; 127.0.0.1 when none is given), for TCP and UDP."""
    while True:
        port = secrets.choice(_BELOW_EPHEMERAL)
        with contextlib.ExitStack() as stack:
            try:
                for address in addresses or ("127.0.0.1",):
                    family = socket.AF_INET6 if ":" in address else socket.AF_INET
                    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                        stack.enter_context(socket.socket(family, kind)).bind((address, port))
            except OSError:
                continue
            return port
