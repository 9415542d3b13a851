"""Whether a certificate and a key belong together, as far as the files tell."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from jobs.policy.pair_check import pair_trouble
from tests.fakes import TestCA

ONE, OTHER = TestCA().bundle(["a.test"]), TestCA().bundle(["a.test"])
KEY = serialization.load_pem_private_key(ONE.privkey, None)
SEC1 = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
LOCKED = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x"))
PARAMETERS = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"


@pytest.mark.parametrize(("certificate", "key"), [
    (ONE.fullchain, ONE.privkey), (ONE.leaf, SEC1), (ONE.privkey + ONE.fullchain, ONE.privkey + ONE.fullchain),
    (b"a comment\n" + ONE.leaf, PARAMETERS + SEC1), (ONE.leaf.replace(b"\n", b"\r\n"), ONE.privkey),
    (ONE.leaf, LOCKED), (ONE.leaf, ONE.privkey.replace(b"MI", b"XX", 1)),
])
def test_what_belongs_together_or_cannot_be_judged_is_not_taken_for_wrong(certificate: bytes, key: bytes) -> None:
    assert pair_trouble(certificate, key) == ""


@pytest.mark.parametrize(("certificate", "key", "words"), [
    (ONE.leaf, OTHER.privkey, "the key is not that of the certificate"),
    (OTHER.leaf + ONE.leaf, ONE.privkey, "the key is not that of the certificate"),
    (ONE.leaf[: len(ONE.leaf) // 2], ONE.privkey, "no whole certificate"), (b"", ONE.privkey, "no whole certificate"),
    (ONE.leaf, ONE.privkey[:-30], "no whole private key"), (ONE.leaf, ONE.leaf, "no whole private key"),
])
def test_what_would_end_apache_is_told(certificate: bytes, key: bytes, words: str) -> None:
    assert words in pair_trouble(certificate, key)


def test_a_key_of_another_kind_does_not_match() -> None:
    other = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    assert pair_trouble(ONE.leaf, other) == "the key is not that of the certificate"
