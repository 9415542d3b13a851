"""How this installation calls itself to others, and where its panel is opened."""

from __future__ import annotations

import re
import socket

from jobs.config import Panel
from jobs.policy.failure import Failure
from jobs.policy.site import InvalidName, hostname
from jobs.wiring.serving import panel_hostname

_PORT = re.compile(r":([0-9]{1,5})\Z")
_HTTPS, _INHERITED = "443", "fd:"
_UNFIT = re.compile(r"[^a-z0-9-]+")


def own_name(panel: Panel) -> str:
    """A host name with a dot: the panel's, else this system's."""
    for text in (_configured(panel), socket.getfqdn()):
        try:
            return hostname(text)
        except InvalidName:
            continue  # none is configured; a system without a full name
    return f"{_UNFIT.sub('-', socket.gethostname().lower()).strip('-')[:63].strip('-') or 'host'}.localdomain"


def panel_url(panel: Panel) -> str:
    """Without a slash at its end; empty where the name by which the panel is opened, or the port, is not configured."""
    name, port = _configured(panel), _PORT.search(panel.bind)
    if not name or port is None or panel.bind.startswith(_INHERITED):
        return ""
    return f"https://{name}" if port.group(1) == _HTTPS else f"https://{name}:{port.group(1)}"


def _configured(panel: Panel) -> str:
    """A name that can't be one is told by whoever serves the panel."""
    try:
        return panel_hostname(panel.hostname)
    except Failure:
        return ""
