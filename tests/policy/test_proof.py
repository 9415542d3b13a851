"""A pair is proven before anything moves; each thing that can be wrong has its own code."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from jobs.keys import new_key
from jobs.policy.certificate import Bundle, issued_here
from jobs.policy.failure import Failure
from jobs.policy.keys import KeyType
from jobs.policy.proof import prove, read_certificate, read_der, split_pem
from tests.fakes import NOW, TestCA, pem

CA = TestCA()


def code(bundle: Bundle, names: tuple[str, ...] = ("a.test",), now=NOW, **options: bool) -> str:
    with pytest.raises(Failure) as caught:
        prove(bundle, names, now, **options)
    return caught.value.code


def test_a_good_pair_with_an_empty_subject_is_proven() -> None:
    certificate = prove(CA.bundle(["a.test", "www.a.test"]), ("www.a.test", "a.test"), NOW)
    assert certificate.names == ("a.test", "www.a.test")
    assert certificate.key_type == "ecdsa-p256"
    assert not certificate.self_signed


def test_a_leaf_without_intermediates_is_proven() -> None:
    bundle = CA.bundle(["a.test"])
    prove(Bundle(bundle.privkey, bundle.chain[:1]), ("a.test",), NOW)


def test_a_certificate_without_a_name_is_refused() -> None:
    assert code(CA.bundle([])) == "certificate_no_san"


def test_a_certificate_for_other_names_is_refused_in_both_directions() -> None:
    assert code(CA.bundle(["b.test"])) == "certificate_wrong_names"
    assert code(CA.bundle(["a.test", "evil.test"])) == "certificate_wrong_names"


def test_a_key_that_is_not_ours_is_refused() -> None:
    assert code(Bundle(new_key(KeyType.ECDSA_P256), CA.bundle(["a.test"]).chain)) == "certificate_key_mismatch"


def test_an_expired_certificate_is_refused() -> None:
    assert code(CA.bundle(["a.test"]), now=NOW + timedelta(days=91)) == "certificate_expired"


def test_a_certificate_of_the_future_is_refused_but_a_small_skew_is_not() -> None:
    assert code(CA.bundle(["a.test"]), now=NOW - timedelta(minutes=6)) == "certificate_not_yet_valid"
    prove(CA.bundle(["a.test"]), ("a.test",), NOW - timedelta(minutes=4))


def test_a_certificate_of_60_seconds_is_fine_while_it_lives() -> None:
    bundle = CA.bundle(["a.test"], lifetime=timedelta(seconds=60))
    prove(bundle, ("a.test",), NOW + timedelta(seconds=59))
    assert code(bundle, now=NOW + timedelta(seconds=60)) == "certificate_expired"


def test_a_chain_in_the_wrong_order_or_of_another_ca_is_refused() -> None:
    bundle = CA.bundle(["a.test"])
    assert code(Bundle(bundle.privkey, (bundle.leaf, pem(TestCA("Other").certificate)))) == "certificate_chain_broken"
    assert code(Bundle(bundle.privkey, (bundle.leaf, bundle.leaf))) == "certificate_chain_broken"
    assert code(Bundle(bundle.privkey, ())) == "certificate_chain_broken"


def test_an_issuer_that_is_no_ca_is_refused() -> None:
    middle_key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "no ca")])

    def signed(subject, public, ca_name, signer, names):
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(ca_name).public_key(public)
        builder = builder.serial_number(7).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=9))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), True)
        return builder.sign(signer, hashes.SHA256())

    middle = signed(name, middle_key.public_key(), CA.certificate.subject, CA.key, [])
    bundle = CA.bundle(["a.test"])
    leaf_key = ec.generate_private_key(ec.SECP256R1())
    leaf = signed(x509.Name([]), leaf_key.public_key(), name, middle_key, ["a.test"])
    from cryptography.hazmat.primitives import serialization as s

    private = leaf_key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())
    assert code(Bundle(private, (pem(leaf), pem(middle), bundle.chain[1]))) == "certificate_chain_broken"


def test_a_short_rsa_key_is_weak() -> None:
    key = rsa.generate_private_key(65537, 1024)
    name = x509.Name([])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=9))
    leaf = builder.sign(key, hashes.SHA256())
    certificate = read_certificate(pem(leaf))
    assert certificate.weak
    assert certificate.self_signed


def test_a_staging_certificate_is_refused_where_a_trusted_one_is_expected() -> None:
    staging = TestCA("(STAGING) Pretend Pear X1")
    assert code(staging.bundle(["a.test"]), allow_test=False) == "certificate_test_issuer"
    prove(staging.bundle(["a.test"]), ("a.test",), NOW)


@pytest.mark.parametrize("text", [b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_unreadable_and_nothing_worse(text: bytes) -> None:
    with pytest.raises(Failure) as caught:
        read_certificate(text)
    assert caught.value.code == "unreadable"


def _odd(what: str) -> bytes:
    """DER that anybody can make, and put where it is looked at."""
    leaf = x509.load_pem_x509_certificate(CA.bundle(["a.test"]).leaf)
    der = leaf.public_bytes(serialization.Encoding.DER)
    changes = {
        "a version that there is not": (b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x07"),
        "one extension twice": (b"\x06\x03\x55\x1d\x13", b"\x06\x03\x55\x1d\x11"),
        "a name of a kind that nobody uses": (b"\x82\x06a.test", b"\xa3\x06a.test"),
    }
    before, after = changes[what]
    assert before in der
    return der.replace(before, after, 1)


@pytest.mark.parametrize(
    "what", ["a version that there is not", "one extension twice", "a name of a kind that nobody uses"]
)
def test_a_certificate_that_can_not_be_taken_apart_is_unreadable_and_nothing_worse(what: str) -> None:
    with pytest.raises(Failure) as caught:
        read_der(_odd(what))
    assert caught.value.code == "unreadable"


def test_a_chain_is_split_at_its_certificates_whatever_stands_between() -> None:
    bundle = CA.bundle(["a.test"])
    text = b"comment\r\n" + bundle.chain[0].replace(b"\n", b"\r\n") + b"\n\nsubject=/CN=x\n" + bundle.chain[1]
    assert len(split_pem(text)) == 2
    assert read_certificate(split_pem(text)[0]).names == ("a.test",)


@pytest.mark.parametrize("kind", [KeyType.ECDSA_P256, KeyType.ECDSA_P384, KeyType.RSA_2048])
def test_every_kind_of_key_can_be_made(kind: KeyType) -> None:
    assert b"BEGIN PRIVATE KEY" in new_key(kind)


def test_another_clients_lineage_is_foreign_even_from_our_provider() -> None:
    certificate = read_certificate(TestCA("R11").bundle(["a.test"]).leaf)
    mine = frozenset({certificate.fingerprint})
    assert issued_here(certificate, "", mine, ())
    assert not issued_here(certificate, "", frozenset(), ("Let's Encrypt",))
    named = type(certificate)(
        **{**{f: getattr(certificate, f) for f in certificate.__slots__}, "issuer": "Let's Encrypt: R11"}
    )
    assert issued_here(named, "", frozenset(), ("Let's Encrypt",))
    assert not issued_here(named, "certbot", frozenset(), ("Let's Encrypt",))
