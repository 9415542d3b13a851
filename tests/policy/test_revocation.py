"""What a list of revoked certificates says, and which ones are believed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from hypothesis import given
from hypothesis import strategies as st

from jobs.policy.failure import Failure
from jobs.policy.proof import parse
from jobs.policy.revocation import fetchable, list_of, revoked
from tests.fakes import NOW, TestCA, pem

URL = "http://crl.ca.test/1.crl"
CA = TestCA("CA One")
ISSUER = pem(CA.certificate)


def test_the_list_and_who_signs_it_are_read_from_the_chain() -> None:
    bundle = CA.bundle(["a.test"], crl_url=URL)
    assert list_of(bundle.chain) == (URL, bundle.chain[1])
    strange = pem(TestCA("CA One").certificate)
    assert list_of((bundle.leaf, strange, bundle.chain[1])) == (URL, bundle.chain[1])


def test_a_certificate_without_a_list_or_without_its_issuer_is_not_looked_at() -> None:
    assert list_of(CA.bundle(["a.test"]).chain) is None
    bundle = CA.bundle(["a.test"], crl_url=URL)
    assert list_of(bundle.chain[:1]) is None
    assert list_of((bundle.leaf, pem(TestCA("CA One").certificate))) is None
    assert list_of(CA.bundle(["a.test"], crl_url="ldap://ca.test/cn=x").chain) is None


@pytest.mark.parametrize(
    "url",
    [
        "", "https://ca.test/1.crl", "ftp://ca.test/", "file:///etc/shadow", "http:///x", "http://u@ca.test/",
        "http://ca.test:0/", "http://ca.test:70000/", "http://[::1/x", "http://ca.test/a b", "http://ca.test/\r\nX: y",
        "http://ca.test/" + "a" * 500, "http://ca.te\u0455t/",
    ],
)
def test_a_url_that_is_none_of_http_is_not_fetched(url: str) -> None:
    assert not fetchable(url)
    assert fetchable(URL) and fetchable("http://[2001:db8::1]:8080/a?b=c")


def test_a_revoked_certificate_is_found_with_the_time_since_when() -> None:
    ours, other = (parse(CA.bundle([name]).leaf).serial_number for name in ("a.test", "b.test"))
    content = CA.crl(5, ours, 7, since=NOW - timedelta(days=1))
    assert revoked(content, ISSUER, [ours, other], NOW) == {ours: NOW - timedelta(days=1)}
    assert revoked(CA.crl(), ISSUER, [ours], NOW) == {}


def test_a_time_ahead_of_us_counts_as_now() -> None:
    assert revoked(CA.crl(5, since=NOW + timedelta(days=900)), ISSUER, [5], NOW) == {5: NOW}


def test_a_list_that_the_issuer_has_not_signed_is_not_believed() -> None:
    impostor = TestCA("CA One")
    assert impostor.certificate.subject == CA.certificate.subject
    with pytest.raises(Failure, match="signed by 'CN=CA One'") as caught:
        revoked(impostor.crl(5), ISSUER, [5], NOW)
    assert caught.value.code == "crl_unusable"
    with pytest.raises(Failure, match="crl_unusable"):
        revoked(TestCA("CA Two").crl(5), ISSUER, [5], NOW)
    changed = bytearray(CA.crl(5))
    changed[changed.index(b"\x02\x01\x05") + 2] = 6
    with pytest.raises(Failure, match="crl_unusable"):
        revoked(bytes(changed), ISSUER, [6], NOW)


def test_what_is_lifted_again_counts_as_not_revoked() -> None:
    builder = x509.CertificateRevocationListBuilder().issuer_name(CA.certificate.subject)
    reason = x509.CRLReason(x509.ReasonFlags.remove_from_crl)
    entry = x509.RevokedCertificateBuilder(5, NOW).add_extension(reason, False).build()
    made = builder.last_update(NOW).next_update(NOW + timedelta(days=1)).add_revoked_certificate(entry)
    content = made.sign(CA.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    assert revoked(content, ISSUER, [5], NOW) == {}


@given(st.binary(max_size=200), st.integers(0, 150))
def test_whatever_comes_instead_of_a_list_is_refused(noise: bytes, cut: int) -> None:
    for content in (noise, CA.crl(5)[:cut]):
        with pytest.raises(Failure, match="crl_unusable"):
            revoked(content, ISSUER, [5], NOW)
