"""Pebble, the small test CA of Let's Encrypt, validating on the real ports 80 and 443."""

from __future__ import annotations

import json
import ssl
import subprocess
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jobs.demo.daemons import bind, self_signed
from jobs.demo.daemons.starting import LOGS, only_inside, start

PORT = 14000
TO_MANAGEMENT = 1000
"""From its port to the one by which it is asked about what it did."""

_HOME = Path("/var/lib")


@dataclass(frozen=True)
class Behaviour:
    """What this CA is like. Percentages are whole numbers; `validity` in seconds; `eab`: kid -> HMAC key (base64url),
    and then a binding is required. `environment` reaches Pebble last."""

    validity: int = 90 * 86400
    nonce_reject: int = 0
    authorization_reuse: int = 0
    alternate_roots: int = 0
    chain_length: int = 1
    blocked: Sequence[str] = ("blocked.test",)
    eab: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pebble:
    """A running CA. `bundle`: what its own HTTPS is trusted by (not what it issues)."""

    process: subprocess.Popen[bytes]
    bundle: Path
    name: str = "pebble"
    port: int = PORT

    @property
    def directory(self) -> str:
        return f"https://localhost:{self.port}/dir"

    def root(self) -> str:
        """The PEM of the root that its certificates end in; another one at each start."""
        return self._get("roots/0").decode()

    def ordered(self) -> int:
        """How many orders it has made since it was started, by its own log."""
        return (LOGS / "pebble.log").read_text(encoding="utf-8").count('Added order "')

    def issued(self) -> int:
        """How many certificates it has issued since it was started, by its own log."""
        return (LOGS / f"{self.name}.log").read_text(encoding="utf-8").count("Issued certificate serial ")

    def _get(self, path: str) -> bytes:
        context = ssl.create_default_context(cafile=str(self.bundle))
        address = f"https://localhost:{self.port + TO_MANAGEMENT}/{path}"
        with urllib.request.urlopen(address, timeout=10, context=context) as answer:
            content: bytes = answer.read()
        return content


def start_pebble(behaviour: Behaviour = Behaviour(), name: str = "pebble", port: int = PORT) -> Pebble:
    """Start it with the private host's BIND as its resolver, and wait until it answers. Several at once need names and
    ports of their own."""
    only_inside()
    home, management = _HOME / name, port + TO_MANAGEMENT
    home.mkdir(mode=0o755, exist_ok=True)
    bundle, key = home / "https.pem", home / "https.key"
    self_signed.write(bundle, key, ["localhost", "127.0.0.1"])
    config = {
        "listenAddress": f"127.0.0.1:{port}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(bundle),
        "privateKey": str(key),
        "httpPort": 80,
        "tlsPort": 443,
        "ocspResponderURL": "",
        "certificateValidityPeriod": behaviour.validity,
        "domainBlocklist": list(behaviour.blocked),
        "externalAccountBindingRequired": bool(behaviour.eab),
        "externalAccountMACKeys": dict(behaviour.eab),
    }
    (home / "pebble.json").write_text(json.dumps({"pebble": config}), encoding="utf-8")
    environment = {
        "PEBBLE_VA_NOSLEEP": "1",
        "PEBBLE_WFE_NONCEREJECT": str(behaviour.nonce_reject),
        "PEBBLE_AUTHZREUSE": str(behaviour.authorization_reuse),
        "PEBBLE_ALTERNATE_ROOTS": str(behaviour.alternate_roots),
        "PEBBLE_CHAIN_LENGTH": str(behaviour.chain_length),
        **behaviour.environment,
    }
    command = ["pebble", "-config", str(home / "pebble.json"), "-dnsserver", f"{bind.ADDRESS}:{bind.PORT}"]
    return Pebble(start(name, command, [port, management], environment), bundle, name, port)
