"""Fakes for the ports: they keep the contracts of `jobs/ports.py` on plain files and memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jobs.policy.certificate import Bundle, Certificate
from jobs.policy.failure import Failure
from jobs.policy.file_change import FileChange
from jobs.policy.proof import read_certificate
from jobs.policy.site import Website
from jobs.policy.zone_rights import ZoneRights
from jobs.ports import Endpoint, Installed, Place, Served, Waits

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
P = ParamSpec("P")
T = TypeVar("T")


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


class TestCA:
    """A root that signs leaves in this process."""

    __test__ = False

    def __init__(self, common_name: str = "Test Root") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = _build(
            common_name, [], self.key.public_key(), self.key, None, NOW, timedelta(days=3650), True
        )

    def bundle(
        self,
        names: Sequence[str],
        not_before: datetime = NOW,
        lifetime: timedelta = timedelta(days=90),
        crl_url: str | None = None,
    ) -> Bundle:
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = _build(
            "", names, key.public_key(), self.key, self.certificate.subject, not_before, lifetime, False, crl_url
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return Bundle(private, (pem(leaf), pem(self.certificate)))

    def crl(self, *serials: int, since: datetime = NOW) -> bytes:
        """The list (DER) of these as revoked, signed."""
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.certificate.subject)
        builder = builder.last_update(NOW).next_update(NOW + timedelta(days=7))
        for serial in serials:
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _build(
    common_name: str, names: Sequence[str], public, signer, issuer, not_before, lifetime, ca: bool,
    crl_url: str | None = None,
) -> x509.Certificate:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else []
    subject = x509.Name(attributes)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_before + lifetime)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=not subject
        )
    if not ca:
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        builder = builder.add_extension(authority, critical=False)
    if crl_url:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl_url)], None, None, None)
        builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    return builder.sign(signer, hashes.SHA256())


class FakeService:
    """A daemon whose configuration is one file a website; it reads files and links only when it reloads."""

    name = "fake"

    def __init__(self, place: Place, etc: Path) -> None:
        self.place = place
        self.etc = etc
        self.running = True
        self.reloads = 0
        self.refuses: Callable[[str], bool] = lambda text: False
        """Given a website's configuration text: does the configuration test fail?"""
        self.serves_wrongly: set[str] = set()
        self.loaded: dict[str, bytes] = {}
        self.reload_now()

    def present(self) -> bool:
        return True

    def forget(self) -> None:
        pass

    def concerns(self, website: Website) -> bool:
        return True

    def installed(self, website: Website) -> Installed | None:
        link = self.place.link(website.main, self.name)
        if not (self.etc / f"{website.main}.conf").exists() or not link.exists():
            return None
        leaf = (link / "cert.pem").read_bytes()
        return Installed(link / "fullchain.pem", read_certificate(leaf), True)

    def install(self, website: Website, certificate: Certificate) -> Sequence[FileChange]:
        path = self.etc / f"{website.main}.conf"
        text = f"names {' '.join(website.names)}\n".encode()
        if path.exists() and path.read_bytes() == text:
            return ()
        return (FileChange(path, text),)

    def test(self) -> None:
        for path in sorted(self.etc.glob("*.conf")):
            if self.refuses(path.read_text()):
                raise Failure("config_test_failed", f"{path.name}: syntax error")

    def reload(self) -> None:
        if not self.running:
            raise Failure("service_not_running", "fake: not running")
        self.reload_now()

    def reload_now(self) -> None:
        self.reloads += 1
        self.loaded = {
            path.stem: (self.place.link(path.stem, self.name) / "cert.pem").read_bytes()
            for path in self.etc.glob("*.conf")
            if self.place.link(path.stem, self.name).exists()
        }

    def probe(self, website: Website, certificate: Certificate) -> Sequence[Served]:
        endpoint = Endpoint("127.0.0.1", 443, website.main)
        leaf = self.loaded.get(website.main)
        if leaf is None or website.main in self.serves_wrongly:
            return [Served(endpoint, None, f"{endpoint}: handshake failed")]
        der = x509.load_pem_x509_certificate(leaf).public_bytes(serialization.Encoding.DER)
        return [Served(endpoint, der)]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def rights_to(*zones: str) -> ZoneRights:
    """For tests of what is done in a zone, not of whose it is: whoever is asked for has these."""
    return ZoneRights(assigned=dict.fromkeys(zones, ""))


def at_once(answer: Callable[P, T]) -> Callable[P, Waits[T]]:
    """What a fake answers, as the course of an order that never has to wait."""

    @wraps(answer)
    def course(*arguments: P.args, **named: P.kwargs) -> Waits[T]:
        yield from ()
        return answer(*arguments, **named)

    return course
