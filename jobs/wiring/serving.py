"""What the panel's server needs of the instance: to be its only server, to say where it listens, and a certificate of
its own for names that no website has."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from jobs import privileged
from jobs.policy.failure import Failure
from jobs.policy.panel_files import STATE, Address, render_state
from jobs.policy.site import InvalidName, hostname
from jobs.ports import Place
from jobs.store import write_secret

LIFETIME = timedelta(days=397)
"""Browsers refuse what is valid for longer than 398 days, also where a person has trusted it."""

RENEWED_BEFORE = timedelta(days=30)


class Claim:
    """This process serves the instance, until `release` or its own end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._say(b"")

    def announce(self, addresses: Sequence[Address]) -> None:
        """Say where the server can be asked, for `jobs/services/panel.py`."""
        self._say(render_state(addresses))

    def release(self) -> None:
        self._say(b"")  # the file stays: removing it would let two processes lock two files of the same name
        os.close(self._descriptor)

    def _say(self, content: bytes) -> None:
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, content, 0)


def claim(place: Place) -> Claim:
    """Become the server of the instance. Raises Failure("already_serving"), Failure("instance_not_writable")."""
    path = place.instance / STATE
    try:
        descriptor = privileged.take_lock(path)
    except OSError as error:
        words = f"{path}: locking: {error.strerror}"
        raise Failure("instance_not_writable", words, permanent=True) from error
    if descriptor is None:
        words = f"{place.instance}: a server of this installation is running already; stop that one first"
        raise Failure("already_serving", words, permanent=True)
    return Claim(descriptor)


@dataclass(frozen=True)
class OwnCertificate:
    """A self-signed certificate and its key in one PEM file (0600), so that they can't part."""

    path: Path
    renewed_at: datetime


def own_certificate(place: Place, panel_name: str, now: datetime) -> OwnCertificate:
    """The instance's own certificate: kept while it is sound, names `panel_name` and does not end soon; else made.

    Raises Failure("key_unreadable"), Failure("store_failed").
    """
    path = place.instance / "tls" / "panel.pem"
    try:
        kept = path.read_bytes()
    except FileNotFoundError:
        kept = b""
    except OSError as error:
        raise Failure("key_unreadable", f"{path}: reading the panel's own key: {error.strerror}") from error
    ends = _end(path, kept, panel_name)
    if ends is None or ends - RENEWED_BEFORE <= now:
        write_secret(path, b"".join(self_signed(_names(panel_name), now)))
        ends = now + LIFETIME
    return OwnCertificate(path, ends - RENEWED_BEFORE)


def panel_hostname(text: str) -> str:
    """The configured `panel.hostname` as an A-label name; empty when none is. Raises Failure("config_invalid")."""
    try:
        return hostname(text) if text else ""
    except InvalidName as error:
        words = f"config.toml: panel.hostname: expected a host name, got {text!r}: {error}"
        raise Failure("config_invalid", words, permanent=True) from error


def _end(path: Path, pem: bytes, panel_name: str) -> datetime | None:
    """When the kept certificate ends; None when there is none, it is of no use, or lacks the panel's name."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path, password="")
        covered = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, OSError, x509.ExtensionNotFound):
        return None
    names = covered.get_values_for_type(x509.DNSName)
    return certificate.not_valid_after_utc if not panel_name or panel_name in names else None


def _names(panel_name: str) -> list[str]:
    """The panel's name, this system's, and localhost; without doubles, and without what can't be a name."""
    names = [panel_name] if panel_name else []
    try:
        names.append(hostname(socket.getfqdn()))
    except InvalidName:
        pass  # a system without a full name
    return list(dict.fromkeys([*names, "localhost"]))


def self_signed(names: Sequence[str], now: datetime) -> tuple[bytes, bytes]:
    """The PEM of a new key, and of a certificate for `names` that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "AutoSSL Panel (self-signed)")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM)
