"""acme2certifier: a CA that serves renewalInfo (RFC 9773) of its own, validating on port 80 by the private host's BIND.

`python -m tests.e2e.acme2certifier_ca FOLDER` serves until it is ended.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import Popen

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from jobs.demo.daemons import bind, self_signed
from jobs.demo.daemons.starting import only_inside, start

PORT = 14030
ROOT = Path(__file__).resolve().parents[2]
RETRY_AFTER = 7200

_CONFIG = """[DEFAULT]
server_name: 127.0.0.1:{port}
dns_server_list: ["{dns}"]
dns_validation_pause_timer: 0

[CAhandler]
handler_module: acme2certifier.cahandlers.openssl_ca_handler
issuing_ca_key: {folder}/ca.key
issuing_ca_cert: {folder}/ca.pem
issuing_ca_crl: {folder}/ca.crl
ca_cert_chain_list: ["{folder}/ca.pem"]
cert_validity_days: 90
cert_save_path: {folder}/issued

[DBhandler]
handler_module: acme2certifier.dbhandlers.wsgi_handler
dbfile: {folder}/acme.db

[Directory]
tos_url: https://ca.test/terms

[Renewalinfo]
retry_after_timeout: {retry_after}
renewalthreshold_pctg: {percent}
"""


@dataclass(frozen=True)
class Acme2Certifier:
    """A running one. `bundle`: what its own HTTPS is trusted by."""

    process: Popen[bytes]
    bundle: Path
    directory: str = f"https://127.0.0.1:{PORT}/directory"


def start_acme2certifier(folder: Path, percent: float) -> Acme2Certifier:
    """Start it and wait until it answers. `percent`: of the lifetime, after which it would like a renewal."""
    only_inside()
    (folder / "issued").mkdir(parents=True)
    bundle = folder / "https.pem"
    self_signed.write(bundle, folder / "https.key", ["127.0.0.1"])
    _write_ca(folder)
    values = {"port": PORT, "dns": bind.ADDRESS, "folder": folder, "retry_after": RETRY_AFTER, "percent": percent}
    (folder / "acme_srv.cfg").write_text(_CONFIG.format(**values))
    environment = {
        "ACME2CERTIFIER_BASE_DIR": str(folder), "ACME_SRV_CONFIGFILE": str(folder / "acme_srv.cfg"),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "tests.e2e.acme2certifier_ca", str(folder)]
    return Acme2Certifier(start("acme2certifier", command, [PORT], environment, folder), bundle)


def _write_ca(folder: Path) -> None:
    """The issuing CA, its key and its (empty) list of revoked certificates, without which it issues nothing."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "acme2certifier CA")])
    began = datetime.now(UTC) - timedelta(days=1)
    builder = x509.CertificateBuilder(
        issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=x509.random_serial_number(),
        not_valid_before=began, not_valid_after=began + timedelta(days=3650),
    )
    builder = builder.add_extension(x509.BasicConstraints(True, None), True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    certificate = builder.sign(key, hashes.SHA256())
    crl = x509.CertificateRevocationListBuilder(name, began, began + timedelta(days=30)).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "ca.crl").write_bytes(crl.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    (folder / "ca.key").write_bytes(private)


def _serve(folder: Path) -> None:
    from acme2certifier.share.acme2certifier_wsgi import application
    from werkzeug.serving import run_simple

    os.chdir(folder)
    pair = (str(folder / "https.pem"), str(folder / "https.key"))
    run_simple("127.0.0.1", PORT, application, threaded=True, ssl_context=pair)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
