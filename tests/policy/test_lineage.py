"""What another client's files say, and which website gets which of its certificates."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from jobs.policy.certificate import Certificate
from jobs.policy.failure import Failure
from jobs.policy.lineage import (
    Candidate,
    Lineage,
    Offer,
    Proven,
    Shown,
    acme_sh_values,
    certbot_values,
    directory_url,
    is_lineage_name,
    offers,
)
from jobs.policy.other_clients import Client
from tests.fakes import NOW

CONF = """# renew_before_expiry = 30 days
version = 2.1.0
archive_dir = /etc/letsencrypt/archive/mixed.test
cert = /etc/letsencrypt/live/mixed.test/cert.pem

# Options used in the renewal process
[renewalparams]
account = 6ff2f792bc976d3a35923b1bd74a612a
server = https://acme-v02.api.letsencrypt.org/directory
authenticator = webroot
webroot_path = /home/mixed/public_html,
key_type = ecdsa
[[webroot_map]]
www.mixed.test = /home/mixed/public_html
server = /home/%(here)s
"""


def test_a_renewal_configuration_of_certbot_says_its_ca_and_where_the_versions_are() -> None:
    values = certbot_values(CONF)
    assert values["server"] == "https://acme-v02.api.letsencrypt.org/directory", "and not that of the inner section"
    assert values["archive_dir"] == "/etc/letsencrypt/archive/mixed.test"


@pytest.mark.parametrize("text", ["no equals sign here\n", "[renewalparams\nserver = x\n", "\x00\x01", "= value\n"])
def test_a_configuration_that_is_none_is_unreadable(text: str) -> None:
    with pytest.raises(Failure) as caught:
        certbot_values(text)
    assert caught.value.code == "unreadable"


def test_a_configuration_of_acme_sh_is_its_plain_assignments_and_nothing_is_run() -> None:
    text = (
        "Le_Domain='a.test'\nLe_Alt=\"www.a.test\"\nLe_API='https://acme.zerossl.com/v2/DV90'\nLe_Keylength=ec-256\n"
        "Le_ReloadCmd='__ACME_BASE64__START_c2VydmljZQ==__ACME_BASE64__END_'\n"
        "Le_Bad=$(touch /tmp/x)\nLe_Two='a' 'b'\nPATH=/x\n"
    )
    assert acme_sh_values(text) == {
        "Le_Domain": "a.test", "Le_Alt": "www.a.test", "Le_API": "https://acme.zerossl.com/v2/DV90",
        "Le_Keylength": "ec-256", "Le_ReloadCmd": "__ACME_BASE64__START_c2VydmljZQ==__ACME_BASE64__END_",
    }


@pytest.mark.parametrize("text", ["", ".", "..", "a/b", "a..b", "-rf", "a b", "a\nb", "$(x)", "ä.test", "x" * 300])
def test_an_odd_name_is_no_lineages(text: str) -> None:
    assert not is_lineage_name(text)


def test_usual_names_are() -> None:
    assert all(map(is_lineage_name, ("a.test", "a.test-0001", "*.a.test_ecc", "My_Shop")))


def test_an_address_of_a_ca_is_an_address() -> None:
    assert directory_url("https://ca.test/dir") == "https://ca.test/dir"
    assert directory_url("file:///etc/shadow") == directory_url("https://ca.test/ dir") == ""


# --- which website gets what


def proven(name: str, *names: str, **facts: Any) -> Proven:
    certificate = Certificate(
        names or (name,), "1", f"of {name}", "CA: R1", NOW, NOW + timedelta(days=90), False, "ecdsa-p256", False,
        taken_from="certbot",
    )
    return Proven(Lineage(Client.CERTBOT, name), replace(certificate, **facts))


def site(main: str, *more: str, **facts: Any) -> Candidate:
    return Candidate(main, "alice", (main, *more), **facts)


def by_website(found: list[Offer]) -> dict[str, str]:
    return {offer.website: offer.lineage.name for offer in found if offer.adopted}


def why(found: list[Offer]) -> str:
    (offer,) = found
    assert not offer.adopted
    return offer.why


def test_a_lineage_goes_to_the_website_whose_names_it_covers_also_by_a_wildcard() -> None:
    lineages = [proven("a.test", "a.test", "www.a.test", "unused.a.test"), proven("w", "b.test", "*.b.test")]
    found = offers(lineages, [site("a.test", "www.a.test"), site("b.test", "shop.b.test")], NOW)
    assert by_website(found) == {"a.test": "a.test", "b.test": "w"}


def test_one_that_covers_several_websites_goes_to_each() -> None:
    found = offers([proven("all", "a.test", "b.test")], [site("a.test"), site("b.test")], NOW)
    assert by_website(found) == {"a.test": "all", "b.test": "all"}


def test_one_that_lacks_a_name_of_the_website_is_not_taken_and_the_name_is_told() -> None:
    found = offers([proven("a.test")], [site("a.test", "old.a.test")], NOW)
    assert why(found) == "it does not cover old.a.test"
    assert "autossl exclude add alice" in found[0].remedy and "takeover on a.test" in found[0].remedy


def test_of_several_the_one_that_is_presented_is_taken_and_else_the_newest() -> None:
    older = proven("a.test", not_before=NOW - timedelta(days=9))
    newer = proven("a.test-0001", "a.test")
    small = proven("a.test-0002", "x.test", "www.a.test", not_before=NOW + timedelta(days=1))
    lineages = [older, newer, small]
    assert by_website(offers(lineages, [site("a.test")], NOW)) == {"a.test": "a.test-0001"}
    shown = site("a.test", shown=(Shown("of a.test", "CA: R1", "certbot"),))
    found = offers(lineages, [shown], NOW)
    assert by_website(found) == {"a.test": "a.test"}
    assert [offer.why for offer in found if offer.website and not offer.adopted] == [
        "a.test is the one for this website"
    ]
    both = site("a.test", "www.a.test")
    assert by_website(offers([*lineages, proven("two", "a.test", "www.a.test")], [both], NOW)) == {"a.test": "two"}


def test_nothing_is_taken_for_a_website_that_has_one_of_ours_or_that_nobody_would_renew_it_for() -> None:
    good = proven("x", "a.test").certificate
    assert "AutoSSL has one" in why(offers([proven("a.test")], [site("a.test", stored=good)], NOW))
    over = replace(good, not_after=NOW)
    assert by_website(offers([proven("a.test")], [site("a.test", stored=over)], NOW)) == {"a.test": "a.test"}
    off = site("a.test", off="the account is off")
    assert why(offers([proven("a.test")], [off], NOW)) == "the account is off"
    assert "taken over before" in why(offers([proven("a.test")], [site("a.test", had=("of a.test",))], NOW))


def test_a_certificate_that_came_from_elsewhere_is_replaced_only_if_somebody_says_so() -> None:
    paid, copied = Shown("paid", "Paid CA: EV"), Shown("of a.test", "CA: R1")
    older = Shown("former", "CA: R1", "certbot")
    lineages = [proven("a.test")]
    found = offers(lineages, [site("a.test", shown=(paid,))], NOW)
    assert why(found) == "its web server presents another one, of Paid CA: EV"
    assert found[0].remedy.endswith("autossl import certbot --website a.test")
    for known in (site("a.test", shown=(paid,), named=True), site("a.test", shown=(copied,)),
                  site("a.test", shown=(older,))):
        assert by_website(offers(lineages, [known], NOW)) == {"a.test": "a.test"}


def test_names_that_nobody_here_has_are_told() -> None:
    names = [f"n{number}.test" for number in range(5)]
    found = offers([proven("strange", *names)], [site("a.test")], NOW)
    assert why(found).endswith("(n0.test, n1.test, n2.test and 2 more)") and found[0].website == ""
