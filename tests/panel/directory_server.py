"""A real Pebble for commands that register accounts: its directory by HTTPS, trusted by a CA bundle of its own."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.free_ports import free_port

KID, HMAC = "kid-1", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"


@dataclass(frozen=True)
class DirectoryServer:
    directory: str
    ca_bundle: Path


@contextmanager
def pebble(folder: Path, eab: bool = False) -> Iterator[DirectoryServer]:
    """Run Pebble on free loopback ports until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    self_signed(folder)
    port, management = free_port(), free_port()
    (folder / "pebble.json").write_text(json.dumps({"pebble": {
        "listenAddress": f"127.0.0.1:{port}", "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(folder / "wfe.pem"), "privateKey": str(folder / "wfe.key"), "httpPort": 1, "tlsPort": 1,
        "ocspResponderURL": "", "externalAccountBindingRequired": eab, "externalAccountMACKeys": {KID: HMAC},
    }}))
    with (folder / "pebble.log").open("wb") as log:
        process = subprocess.Popen(
            ["pebble", "-config", str(folder / "pebble.json")], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env={"PATH": "/usr/bin:/bin", "PEBBLE_WFE_NONCEREJECT": "0"},
        )
    try:
        _wait(port, folder, process)
        yield DirectoryServer(f"https://127.0.0.1:{port}/dir", folder / "wfe.pem")
    finally:
        process.kill()
        process.wait()


def _wait(port: int, folder: Path, process: subprocess.Popen[bytes]) -> None:
    context = ssl.create_default_context(cafile=str(folder / "wfe.pem"))
    deadline, pause = time.monotonic() + 20, 0.01
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as raw, \
                    context.wrap_socket(raw, server_hostname="127.0.0.1"):
                return
        except OSError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise AssertionError((folder / "pebble.log").read_text()) from None
            time.sleep(pause)
            pause = min(pause * 2, 0.2)


def self_signed(folder: Path, address: str = "127.0.0.1") -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pebble of a test")])
    moment = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - timedelta(hours=1)).not_valid_after(moment + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "wfe.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "wfe.key").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ))
