"""Caddy's ACME server: a second CA, of another make than Pebble, validating on port 80 by the system's resolver.

Its certificates live for 12 hours and have no subject; its directory says nothing of itself. It checks no CAA records.
"""

from __future__ import annotations

import ssl
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from jobs.demo.daemons.starting import only_inside, start, until

PORT = 9443
_HOME = Path("/var/lib/caddy-ca")
_NAME = "two"

_CADDYFILE = f"""{{
	admin off
	storage file_system {_HOME}/data
	skip_install_trust
	http_port 8880
	auto_https disable_redirects
	local_certs
	pki {{
		ca {_NAME} {{
			name "CA Two"
		}}
	}}
}}
https://localhost:{PORT} {{
	tls {{
		issuer internal {{
			ca {_NAME}
		}}
	}}
	acme_server {{
		ca {_NAME}
	}}
}}
"""


@dataclass(frozen=True)
class CaddyCa:
    """A running CA. `bundle`: its root, which its own HTTPS is trusted by as well."""

    process: subprocess.Popen[bytes]
    bundle: Path
    directory: str = f"https://localhost:{PORT}/acme/{_NAME}/directory"

    def root(self) -> str:
        """The PEM of the root that its certificates end in."""
        return self.bundle.read_text(encoding="ascii")


def start_caddy_ca() -> CaddyCa:
    """Start it, and wait until its directory can be had. Names are looked up as /etc/resolv.conf says: by BIND."""
    only_inside()
    _HOME.mkdir(mode=0o755, exist_ok=True)
    config = _HOME / "Caddyfile"
    config.write_text(_CADDYFILE, encoding="utf-8")
    environment = {key: str(_HOME) for key in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    command = ["caddy", "run", "--config", str(config), "--adapter", "caddyfile"]
    process = start("caddy", command, [PORT], environment, _HOME)
    ca = CaddyCa(process, _HOME / "data" / "pki" / "authorities" / _NAME / "root.crt")
    until("the directory of Caddy's CA", lambda: _answers(ca), lambda: process.poll() is not None)
    return ca


def _answers(ca: CaddyCa) -> bool:
    """Its own certificate is made after its port is open."""
    if not ca.bundle.exists():
        return False
    context = ssl.create_default_context(cafile=str(ca.bundle))
    try:
        urllib.request.urlopen(ca.directory, timeout=5, context=context).close()
    except urllib.error.URLError:
        return False
    return True
