"""What a CA may send instead of a certificate: it reaches no service, is kept as a problem, and is nobody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from jobs import records
from jobs.keys import new_key
from jobs.policy.certificate import Bundle
from jobs.policy.keys import KeyType
from jobs.policy.proof import read_certificate
from jobs.wiring import accounts
from tests.fakes import NOW, TestCA, pem
from tests.jobs.check_host import Host, host

__all__ = ["host"]

CA = TestCA()
NAMES = ("a.test", "www.a.test", "mail.a.test")
GOOD = CA.bundle(NAMES)
OLD = NOW - timedelta(days=100)


def of_weak_rsa() -> Bundle:
    key = rsa.generate_private_key(65537, 1024)
    builder = x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(CA.certificate.subject)
    builder = builder.public_key(key.public_key()).serial_number(9).not_valid_before(NOW)
    builder = builder.not_valid_after(NOW + timedelta(days=90))
    names = x509.SubjectAlternativeName([x509.DNSName(name) for name in NAMES])
    leaf = builder.add_extension(names, critical=True).sign(CA.key, hashes.SHA256())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Bundle(key.private_bytes(*form), (pem(leaf), pem(CA.certificate)))


@pytest.mark.parametrize(
    ("bundle", "code", "said"),
    [
        (CA.bundle(()), "certificate_no_san", "it has no DNS name"),
        (CA.bundle(("other.test",)), "certificate_wrong_names", "got other.test"),
        (CA.bundle((*NAMES, "more.test")), "certificate_wrong_names", "more.test"),
        (Bundle(new_key(KeyType.ECDSA_P256), GOOD.chain), "certificate_key_mismatch", "another key"),
        (CA.bundle(NAMES, OLD), "certificate_expired", "got one until"),
        (CA.bundle(NAMES, NOW + timedelta(days=1)), "certificate_not_yet_valid", "is this clock right?"),
        (Bundle(GOOD.privkey, (GOOD.leaf, pem(TestCA("Other").certificate))), "certificate_chain_broken", "not signed"),
        (Bundle(GOOD.privkey, (b"<html>maintenance</html>",)), "unreadable", "a certificate"),
        (Bundle(GOOD.privkey, ()), "certificate_chain_broken", "got none"),
        (of_weak_rsa(), "certificate_weak_key", "2048 bits"),
        (TestCA("(STAGING) Pretend Pear X1").bundle(NAMES), "certificate_test_issuer", "browsers do not trust"),
    ],
    ids=["no SAN", "other names", "more names", "another key", "expired", "of tomorrow", "another chain", "HTML",
         "nothing", "weak key", "staging"],
)
def test_it_is_refused_with_a_sentence_and_another_website_gets_its_own(
    host: Host, bundle: Bundle, code: str, said: str
) -> None:
    accounts.add(host.instance, "bob", None, "default", ["b.test"], None)
    host.ca.instead = bundle
    bad, good = host.check_all()
    assert (bad.outcome, good.outcome) == ("failed", "installed")
    trouble = host.trouble()
    assert trouble is not None and trouble.code == code and said in trouble.text
    assert not (host.instance.place.live / "a.test").exists()
    assert not host.instance.place.link("a.test", "fake").is_symlink()
    assert set(host.service.loaded) == {"b.test"}
    assert set(records.live_certificates()) == {"b.test"}


def test_a_bad_renewal_leaves_the_certificate_that_is_in_use(host: Host) -> None:
    host.check()
    before = host.service.loaded["a.test"]
    host.pass_by(days=61)
    host.ca.instead = Bundle(new_key(KeyType.ECDSA_P256), GOOD.chain)
    case = host.check()
    assert case.outcome == "failed" and case.services["fake"][0] == "installed"
    assert host.service.loaded["a.test"] == before
    assert read_certificate(before).serial == records.live_certificates()["a.test"].serial


@pytest.mark.parametrize(
    "lifetime", [timedelta(seconds=60), timedelta(hours=12), timedelta(days=398)], ids=["60 s", "12 h", "398 d"]
)
def test_any_lifetime_is_installed_and_renewed_in_time(host: Host, lifetime: timedelta) -> None:
    host.ca.instead = CA.bundle(NAMES, NOW, lifetime)
    assert read_subject(host.ca.instead.leaf) == b"", "an empty subject is the rule, for names longer than 64"
    assert host.check().outcome == "installed"
    assert host.check().outcome == "kept"
    host.at = NOW + lifetime * 0.7
    host.ca.instead = CA.bundle(NAMES, host.at, lifetime)
    case = host.check()
    assert (case.decision.code, case.outcome) == ("due", "installed")
    assert host.service.loaded["a.test"] == host.ca.instead.leaf


def read_subject(leaf: bytes) -> bytes:
    return x509.load_pem_x509_certificate(leaf).subject.rfc4514_string().encode()
