"""PowerDNS as Debian has it, at an address of its own beside BIND, with its HTTP API.

For the world of the private host to find its zones, BIND's root has to delegate them:
`bind.start_bind(zones, powerdns.delegations(names))`. Either may be started first.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobs.demo.daemons.starting import only_inside, start, until
from jobs.policy.failure import Failure

ADDRESS, PORT, API_PORT = "127.0.0.53", 53, 8081
API_URL = f"http://127.0.0.1:{API_PORT}"
HOME = Path("/var/lib/powerdns-bench")
"""Its configuration and database; `pdnsutil --config-dir` takes it."""

_SCHEMA = Path("/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql")
_ZONES = "/api/v1/servers/localhost/zones"

_CONFIG = f"""launch=gsqlite3
gsqlite3-database={HOME}/zones.db
gsqlite3-dnssec=yes
local-address={ADDRESS}
local-port={PORT}
webserver=yes
webserver-address=127.0.0.1
webserver-port={API_PORT}
webserver-allow-from=127.0.0.1
api=yes
api-key={{key}}
primary=yes
allow-axfr-ips=127.0.0.0/8
setuid=pdns
setgid=pdns
socket-dir={HOME}
zone-cache-refresh-interval=0
daemon=no
guardian=no
"""
_HEAD = "@ 300 IN SOA ns.{name}. admin.{name}. 1 3600 600 86400 60\n@ 300 IN NS ns.{name}.\nns 300 IN A {address}\n"


@dataclass(frozen=True)
class Zone:
    """`records`: as in a zone file, for instance `("www", "A", "127.0.0.1")`, with a TTL of 300. `kind`: Native, Master
    or Slave, which stays empty. `serials`: how the API raises the serial number (SOA-EDIT-API); empty: not at all."""

    name: str
    records: Sequence[tuple[str, str, str]] = ()
    kind: str = "Native"
    serials: str = "DEFAULT"

    def text(self) -> str:
        rows = [f"{label} 300 IN {kind} {value}\n" for label, kind, value in self.records]
        return "".join([f"$ORIGIN {self.name}.\n", _HEAD.format(name=self.name, address=ADDRESS), *rows])


@dataclass(frozen=True)
class PowerDns:
    """A running PowerDNS, and the key of its API."""

    process: subprocess.Popen[bytes]
    key: str = field(repr=False)

    def make(self, zone: Zone) -> None:
        """Raises Failure("demo_failed") with the server's own words."""
        made = {"name": f"{zone.name}.", "kind": zone.kind, "nameservers": [], "soa_edit_api": zone.serials}
        more = {"masters": ["127.0.0.9"]} if zone.kind == "Slave" else {"zone": zone.text()}
        self.ask("POST", _ZONES, {**made, **more})

    def change(self, zone: str, *sets: Mapping[str, Any]) -> None:
        """As somebody else would by the same API."""
        self.ask("PATCH", f"{_ZONES}/{zone}.", {"rrsets": sets})

    def zone(self, name: str) -> dict[str, Any]:
        """Everything that the API has of a zone, the serial number, comments and disabled records included."""
        found: dict[str, Any] = self.ask("GET", f"{_ZONES}/{name}.")
        return found

    def ask(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-API-Key": self.key, "Content-Type": "application/json"}
        request = urllib.request.Request(API_URL + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                content = answer.read()
        except urllib.error.HTTPError as error:
            raise Failure("demo_failed", f"{method} {path}: {error.code} {error.read(500)!r}") from error
        return json.loads(content) if content else None


def delegations(names: Sequence[str]) -> dict[str, str]:
    """For BIND's root: where these zones are served."""
    return dict.fromkeys(names, ADDRESS)


def start_powerdns(zones: Sequence[Zone], settings: str = "") -> PowerDns:
    """Serve `zones` at ADDRESS. `settings`: further lines of its configuration."""
    only_inside()
    key = secrets.token_urlsafe(24)
    HOME.mkdir(mode=0o750, exist_ok=True)
    database = sqlite3.connect(HOME / "zones.db")
    database.executescript(_SCHEMA.read_text(encoding="utf-8"))
    database.close()
    config = HOME / "pdns.conf"
    config.touch(0o600)
    config.write_text(_CONFIG.format(key=key) + settings, encoding="utf-8")
    for path in (HOME, HOME / "zones.db"):
        shutil.chown(path, "pdns", "pdns")
    made = PowerDns(start("powerdns", ["pdns_server", f"--config-dir={HOME}"], [API_PORT]), key)
    until("the API of PowerDNS", lambda: made.ask("GET", _ZONES) == [])
    for zone in zones:
        made.make(zone)
    return made
