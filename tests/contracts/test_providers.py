"""Every CA: its facts are those of behaviour section 8, and nothing is asked before there is an account."""

from __future__ import annotations

import socket
from dataclasses import dataclass

import pytest

from jobs import registry
from jobs.abilities import tells_renewals
from jobs.courses import finish
from jobs.policy.failure import Failure
from jobs.policy.score import score
from jobs.policy.specs import Specs
from jobs.ports import OrderRequest

every_provider = pytest.mark.parametrize("name", registry.names("providers"))
UNSPECIFIED = None
NO_LIMIT = 0


@dataclass(frozen=True)
class Row:
    """One row of the table, in its order of columns."""

    title: str
    directory: str
    eab: bool
    wildcard: bool
    names: int
    validity: int
    caa: str
    weekly_limit: int | None
    redirects: int | None
    stars: int


LE = "api.letsencrypt.org/directory"
TABLE = {
    "letsencrypt": Row("Let's Encrypt", f"acme-v02.{LE}", False, True, 100, 90, "letsencrypt.org", 50, 10, 6),
    "letsencrypt_staging": Row(
        "Let's Encrypt staging", f"acme-staging-v02.{LE}", False, True, 100, 90, "letsencrypt.org", 30000, 10, 6
    ),
    "zerossl": Row(
        "ZeroSSL", "acme.zerossl.com/v2/DV90", True, True, 100, 90, "sectigo.com", UNSPECIFIED, UNSPECIFIED, 4
    ),
    "google": Row(
        "Google Trust Services", "dv.acme-v02.api.pki.goog/directory", True, True, 100, 90, "pki.goog",
        UNSPECIFIED, UNSPECIFIED, 4,
    ),
    "sslcom": Row(
        "SSL.com", "acme.ssl.com/sslcom-dv-ecc", True, False, 2, 90, "ssl.com", UNSPECIFIED, UNSPECIFIED, 2
    ),
    "actalis": Row(
        "Actalis", "acme-api.actalis.com/acme/directory", True, False, 2, 90, "actalis.it",
        UNSPECIFIED, UNSPECIFIED, 2,
    ),
    "sectigo": Row(
        "Sectigo", "acme.sectigo.com/v2/DV", True, True, 1000, 200, "sectigo.com", NO_LIMIT, UNSPECIFIED, 5
    ),
}


class Journal:
    def order_created(self, url: str) -> None:
        pytest.fail("an order was made")


def specs_of(name: str, **options: object) -> Specs:
    plugin = registry.load("providers", name)
    found: Specs = plugin.make(plugin.options(**options), None).specs()
    return found


def test_every_provider_but_the_custom_one_has_a_row() -> None:
    assert set(TABLE) == set(registry.names("providers")) - {"custom"}


@pytest.mark.parametrize("name", sorted(TABLE))
@pytest.mark.usefixtures("no_network")
def test_the_facts_are_those_of_the_table(name: str) -> None:
    found = specs_of(name)
    assert found.directory.startswith("https://")
    row = Row(
        found.title, found.directory.removeprefix("https://"), found.eab_required, found.wildcard,
        found.max_names or 0, found.validity or 0, ", ".join(found.caa_identities), found.weekly_limit,
        found.max_redirects, score(found).total,
    )
    assert row == TABLE[name]
    assert registry.load("providers", name).title == found.title
    assert found.test is (name == "letsencrypt_staging")
    assert found.issuer_organizations, "else its certificates would be taken for somebody else's"


@pytest.mark.usefixtures("no_network")
def test_a_custom_ca_says_what_was_set_by_hand() -> None:
    found = specs_of("custom", title="Ours", directory="https://ca.test/dir", caa="ca.test", wildcard=True, max_names=7)
    assert (found.title, found.directory, found.caa_identities) == ("Ours", "https://ca.test/dir", ("ca.test",))
    assert (found.wildcard, found.max_names, found.validity) == (True, 7, None)
    assert (found.eab_required, found.weekly_limit, found.max_redirects) == (False, UNSPECIFIED, UNSPECIFIED)
    assert specs_of("custom").caa_identities == ()
    assert specs_of("custom", max_names=0).max_names is None


@every_provider
@pytest.mark.usefixtures("no_network")
def test_what_the_stars_are_counted_from_makes_sense(name: str) -> None:
    found = specs_of(name)
    assert set(found.dcv_methods) <= {"http-01", "dns-01", "tls-alpn-01"} and "http-01" in found.dcv_methods
    assert len(set(found.dcv_methods)) == len(found.dcv_methods)
    assert found.delivery_method in ("api", "queue", "unspecified")
    for figure in (found.max_names, found.delivery_time, found.validity, found.max_redirects):
        assert figure is None or figure > 0
    assert found.weekly_limit is None or found.weekly_limit >= 0
    assert 0 < score(found).total <= 9


@every_provider
@pytest.mark.usefixtures("no_network")
def test_nothing_is_ordered_without_an_account(name: str) -> None:
    plugin = registry.load("providers", name)
    provider = plugin.make(plugin.options(), None)
    request = OrderRequest(("a.test",), b"no key")
    for ask in (
        lambda: provider.issue(request, {}, Journal()),
        lambda: provider.resume("https://ca.test/order/1", request, {}),
    ):
        with pytest.raises(Failure) as caught:
            finish(ask())
        assert caught.value.code == "account_missing" and caught.value.permanent


@pytest.mark.usefixtures("no_network")
def test_the_guard_against_the_network_guards() -> None:
    with pytest.raises(pytest.fail.Exception), socket.socket() as probe:
        probe.connect(("127.0.0.1", 1))


@every_provider
def test_it_can_be_asked_when_it_would_like_a_renewal(name: str) -> None:
    """Whether the CA does say so is for its directory to tell."""
    plugin = registry.load("providers", name)
    assert tells_renewals(plugin.make(plugin.options(), None))
