"""Redirects are followed where a CA goes, and nowhere else."""

from __future__ import annotations

import pytest

from jobs.policy.redirects import AddressKind, RedirectRefused, Target, address_kind, next_target, printable

HERE = Target("http", "a.test", "/.well-known/acme-challenge/tok")


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("https://a.test/x", "https://a.test/x"),
        ("http://b.test", "http://b.test/"),
        ("http://b.test:80/x", "http://b.test/x"),
        ("https://b.test:443/x?y=1#z", "https://b.test/x?y=1"),
        ("/x", "http://a.test/x"),
        ("x", "http://a.test/.well-known/acme-challenge/x"),
        ("//B.test/x", "http://b.test/x"),
        (" https://a.test/x ", "https://a.test/x"),
        ("https://a.test/a b", "https://a.test/a%20b"),
        ("https://a.test/\xe4", "https://a.test/%E4"),
        ("https://a.test/%41", "https://a.test/%41"),
        ("https://a.test/\r\nX-Injected: 1", "https://a.test/X-Injected:%201"),
        ("https://a.test/\x00\x7f", "https://a.test/%00%7F"),
    ],
)
def test_it_is_followed(location: str, url: str) -> None:
    target = next_target(HERE, location)
    assert target.url == url
    assert target.path.isascii() and not set(target.path) & set(" \r\n")


@pytest.mark.parametrize(
    ("code", "location"),
    [
        ("http_redirect_refused", ""),
        ("http_redirect_refused", "   "),
        ("http_redirect_refused", "ftp://a.test/"),
        ("http_redirect_refused", "file:///etc/passwd"),
        ("http_redirect_refused", "gopher://a.test/"),
        ("http_redirect_refused", "javascript:alert(1)"),
        ("http_redirect_port", "http://a.test:8080/"),
        ("http_redirect_port", "http://a.test:443/"),
        ("http_redirect_port", "https://a.test:80/"),
        ("http_redirect_port", "http://a.test:0/"),
        ("http_redirect_port", "http://a.test:22/"),
        ("http_redirect_refused", "http://a.test:99999/"),
        ("http_redirect_refused", "http://a.test:x/"),
        ("http_redirect_internal", "http://127.0.0.1/"),
        ("http_redirect_internal", "http://169.254.169.254/latest/meta-data"),
        ("http_redirect_internal", "http://10.0.0.1/"),
        ("http_redirect_internal", "http://[::1]/"),
        ("http_redirect_internal", "http://[fd00::1]/"),
        ("http_redirect_refused", "http://8.8.8.8/"),
        ("http_redirect_refused", "http://[::1"),
        ("http_redirect_refused", "http://2130706433/"),
        ("http_redirect_refused", "http://0x7f.0.0.1/"),
        ("http_redirect_refused", "http://127.1/"),
        ("http_redirect_refused", "http://localhost/"),
        ("http_redirect_refused", "http://user@a.test/"),
        ("http_redirect_refused", "http://user:word@a.test/"),
        ("http_redirect_refused", "http://a_b.test/"),
        ("http_redirect_refused", "http://-a.test/"),
        ("http_redirect_refused", "https:///x"),
        ("http_redirect_refused", "https://a.test/" + "x" * 2000),
    ],
)
def test_it_is_refused(code: str, location: str) -> None:
    with pytest.raises(RedirectRefused) as caught:
        next_target(HERE, location)
    assert caught.value.code == code
    assert HERE.url in caught.value.text


def test_the_ports_of_a_bench_stand_for_80_and_443() -> None:
    assert next_target(HERE, "http://b.test:5002/x", 5002, 5001).url == "http://b.test/x"
    assert next_target(HERE, "https://b.test:5001/x", 5002, 5001).url == "https://b.test/x"
    with pytest.raises(RedirectRefused):
        next_target(HERE, "http://b.test:5001/x", 5002, 5001)


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("8.8.8.8", AddressKind.PUBLIC),
        ("2606:4700::1", AddressKind.PUBLIC),
        ("127.0.0.1", AddressKind.LOOPBACK),
        ("127.8.9.1", AddressKind.LOOPBACK),
        ("::1", AddressKind.LOOPBACK),
        ("::ffff:127.0.0.1", AddressKind.LOOPBACK),
        ("10.0.0.1", AddressKind.PRIVATE),
        ("192.168.1.1", AddressKind.PRIVATE),
        ("100.64.0.1", AddressKind.PRIVATE),
        ("fd00::1", AddressKind.PRIVATE),
        ("::ffff:10.0.0.1", AddressKind.PRIVATE),
        ("fec0::1", AddressKind.PRIVATE),
        ("2002:a00:1::1", AddressKind.PRIVATE),
        ("2002:7f00:1::1", AddressKind.LOOPBACK),
        ("2002:808:808::1", AddressKind.PUBLIC),
        ("64:ff9b::7f00:1", AddressKind.UNUSABLE),
        ("169.254.169.254", AddressKind.UNUSABLE),
        ("fe80::1", AddressKind.UNUSABLE),
        ("0.0.0.0", AddressKind.UNUSABLE),
        ("::", AddressKind.UNUSABLE),
        ("224.0.0.1", AddressKind.UNUSABLE),
        ("255.255.255.255", AddressKind.UNUSABLE),
    ],
)
def test_addresses_are_told_apart(address: str, kind: AddressKind) -> None:
    assert address_kind(address) is kind


def test_text_from_outside_is_shown_clean_and_short() -> None:
    assert printable("Apache\x1b[0m\n<\xe9>", 60) == "Apache?[0m?<?>"
    assert printable("x" * 100, 10) == "xxxxxxx..."
    assert printable("x" * 10, 10) == "x" * 10
