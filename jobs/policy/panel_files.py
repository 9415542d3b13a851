"""The two files by which the panel's server and the rest of the product know of each other: pure text to values.

The map says which website's certificate a name gets; the state says where the server listens.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from jobs.policy.site import is_hostname

MAP = "panel.map"
"""In `Place.conf`: JSON, name -> the website (its main name) whose link `live/<website>/panel` is presented for it."""

STATE = "serve.lock"
"""In the instance: locked while a server runs, and then JSON that says where it can be asked."""

SERVICE = "panel"

Address: TypeAlias = tuple[str, int]


def render_map(names: Mapping[str, str]) -> bytes:
    return json.dumps(dict(sorted(names.items())), indent=1).encode() + b"\n"


def parse_map(content: bytes | None) -> dict[str, str]:
    """The names of the map; no file is an empty map. Raises ValueError, which says what was expected and found."""
    if content is None:
        return {}
    try:
        raw = json.loads(content)
    except ValueError as error:
        raise ValueError(f"expected JSON: {error}") from error
    if not isinstance(raw, dict):
        raise ValueError(f"expected a JSON object of names, got {type(raw).__name__}")
    for name, website in raw.items():
        if not (is_hostname(name) and is_hostname(website)):
            raise ValueError(f"expected two host names, got {name!r}: {website!r}")
    return raw


def website_for(names: Mapping[str, str], name: str) -> str | None:
    """The website whose certificate `name` gets: its own entry, else that of `*.` and all labels but the first one."""
    name = name.lower().rstrip(".")
    return names.get(name) or names.get("*." + name.partition(".")[2])


def render_state(addresses: Sequence[Address]) -> bytes:
    return json.dumps({"addresses": [list(address) for address in addresses]}).encode() + b"\n"


def parse_state(content: bytes | None) -> tuple[Address, ...]:
    """Where the server can be asked; nothing while it starts. Raises ValueError."""
    if not content:
        return ()
    raw = json.loads(content)
    if not isinstance(raw, dict) or not isinstance(raw.get("addresses"), list):
        raise ValueError("expected a JSON object with addresses")
    return tuple(_address(entry) for entry in raw["addresses"])


def _address(entry: Any) -> Address:
    match entry:
        case [str() as host, int() as port] if 0 < port < 65536:
            return host, port
    raise ValueError(f"expected a host and a port, got {entry!r}")
