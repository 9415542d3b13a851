"""A real Pebble on free ports, with its DNS and a small web server for the challenge directory."""

from __future__ import annotations

import http.server
import json
import os
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.free_ports import free_port

DEADLINE = 20.0


@dataclass
class Pebble:
    directory_url: str
    management_url: str
    dns_url: str
    ca_file: Path
    challenges: Path
    _processes: list[subprocess.Popen]
    _web: http.server.ThreadingHTTPServer
    requests: list[str]
    dns_port: int
    http_port: int
    _start_ca: Callable[[], subprocess.Popen]

    def root(self) -> bytes:
        return self._get(f"{self.management_url}/roots/0")

    def dns(self, action: str, **values: object) -> None:
        """Tell the name server, for instance `dns("set-servfail", host="a.test.")`."""
        body = json.dumps(values).encode()
        urllib.request.urlopen(f"{self.dns_url}/{action}", body, timeout=5).read()

    def stop(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        self._web.shutdown()
        self._web.server_close()

    def kill_ca(self) -> None:
        self._processes[0].kill()
        self._processes[0].wait()

    def restart_ca(self) -> None:
        """It forgets everything: accounts, orders, and its own keys."""
        self.kill_ca()
        self._processes[0] = self._start_ca()
        ports = [urlsplit(url).port or 443 for url in (self.directory_url, self.management_url)]
        _await_ports(*ports)

    def _get(self, url: str) -> bytes:
        context = ssl.create_default_context(cafile=str(self.ca_file))
        return urllib.request.urlopen(url, timeout=5, context=context).read()


def start_pebble(
    tmp: Path, *, validity: int = 7776000, eab: dict[str, str] | None = None, **environment: str
) -> Pebble:
    """Start it; `environment` overrides Pebble's, for instance PEBBLE_WFE_NONCEREJECT="15"."""
    challenges = tmp / "challenges"
    challenges.mkdir(exist_ok=True)
    web, requests = _web(challenges)
    ca_file, key_file, leaf_file = _server_certificate(tmp)
    port, management, dns, dns_management = (free_port() for _ in range(4))
    config = {
        "pebble": {
            "listenAddress": f"127.0.0.1:{port}",
            "managementListenAddress": f"127.0.0.1:{management}",
            "certificate": str(leaf_file),
            "privateKey": str(key_file),
            "httpPort": web.server_port,
            "tlsPort": free_port(),
            "ocspResponderURL": "",
            "certificateValidityPeriod": validity,
            "domainBlocklist": ["blocked.test"],
            "externalAccountBindingRequired": bool(eab),
            "externalAccountMACKeys": eab or {},
        }
    }
    (tmp / "pebble.json").write_text(json.dumps(config))
    quiet = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"}
    servers = ["pebble-challtestsrv", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dns01", f"127.0.0.1:{dns}",
               "-http01", "", "-https01", "", "-tlsalpn01", "", "-management", f"127.0.0.1:{dns_management}"]
    ca = ["pebble", "-config", str(tmp / "pebble.json"), "-dnsserver", f"127.0.0.1:{dns}"]

    def started(name: str, argv: list[str]) -> subprocess.Popen:
        with (tmp / f"{name}.log").open("ab") as log:
            return subprocess.Popen(argv, stdout=log, stderr=log, env={**os.environ, **quiet, **environment})

    processes = [started("ca", ca), started("dns", servers)]
    pebble = Pebble(
        f"https://127.0.0.1:{port}/dir", f"https://127.0.0.1:{management}", f"http://127.0.0.1:{dns_management}",
        ca_file, challenges, processes, web, requests, dns, web.server_port, partial(started, "ca", ca),
    )
    _await_ports(port, management, dns_management)
    return pebble


def _await_ports(*ports: int) -> None:
    deadline, wait = time.monotonic() + DEADLINE, 0.01
    for port in ports:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(wait)
                wait = min(wait * 2, 0.2)


def _web(directory: Path) -> tuple[http.server.ThreadingHTTPServer, list[str]]:
    requests: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            token = self.path.rpartition("/")[2]
            path = directory / token
            body = b""
            with suppress(OSError):  # it may be taken away at this very moment
                body = path.read_bytes()
            requests.append(self.path)
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server, requests


def _server_certificate(tmp: Path) -> tuple[Path, Path, Path]:
    """(trust file, key, certificate) for 127.0.0.1, by a CA of the test's own."""
    import ipaddress
    from datetime import UTC, datetime

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bench server")])
    start = datetime.now(UTC) - timedelta(hours=1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(start)
    builder = builder.not_valid_after(start + timedelta(days=2))
    san = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = builder.add_extension(san, False).add_extension(x509.BasicConstraints(True, None), True)
    certificate = builder.sign(key, hashes.SHA256())
    leaf_file, key_file = tmp / "server.pem", tmp / "server.key"
    leaf_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return leaf_file, key_file, leaf_file


