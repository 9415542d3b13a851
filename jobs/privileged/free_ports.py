"""The verb `introspect` for a port: whether a daemon that is about to listen there could."""

from __future__ import annotations

import errno
import socket

_EVERYWHERE = ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::"))  # noqa: S104 - bound for a moment, never listening


def port_is_free(port: int) -> bool:
    """Whether nobody listens at TCP `port` on any address of this host. The trial never listens itself."""
    for family, address in _EVERYWHERE:
        try:
            with socket.socket(family, socket.SOCK_STREAM) as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    trial.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                trial.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
    return True
