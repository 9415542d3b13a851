"""Web ports.

Whether somebody listens at ports 80 and 443 of this host's own addresses. What a firewall before the host does can't be
seen from here.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator

from jobs.doctor import Host
from jobs.policy.decision import WEB_SERVICES
from jobs.policy.doctor import Result, State

CONNECT = 4.0
"""Seconds; it is this host itself that answers."""


def examine(host: Host) -> Iterator[Result]:
    if not any(service.name in WEB_SERVICES for service in host.services()):
        yield Result(State.NOT_APPLICABLE, "web server", "this host has none that is known here")
        return
    ports = host.config.validation
    for address in host.addresses or ("127.0.0.1",):
        yield _listening(address, ports.http_port, State.WRONG, "Every challenge by HTTP comes to this port.")
        late = State.WRONG if host.secured else State.WARNING
        yield _listening(address, ports.https_port, late, "`autossl setup` opens it, where Apache does not listen yet.")
    for version, seen in (("IPv4", "."), ("IPv6", ":")):
        if not any(seen in address for address in host.addresses):
            yield Result(State.NOT_APPLICABLE, version, "this host has no such address of its own")


def _listening(address: str, port: int, otherwise: State, why: str) -> Result:
    subject = f"port {port} at {address}"
    try:
        with socket.create_connection((address, port), CONNECT):
            return Result(State.FINE, subject, "a connection was taken")
    except OSError as error:
        words = "the connection was not answered" if isinstance(error, TimeoutError) else error.strerror or str(error)
        remedy = f"Start the web server, or let its configuration listen there. {why}"
        return Result(otherwise, subject, words, "a connection", remedy)
