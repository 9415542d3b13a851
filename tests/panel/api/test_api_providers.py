"""The API's functions about CAs, against a real ACME server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

import models
from jobs.policy.failure import Failure
from jobs.wiring import providers
from jobs.wiring.instance import Instance, now
from panel.api.answers import from_failure
from tests.panel.api.api_client import Script, rows
from tests.panel.directory_server import HMAC, KID, DirectoryServer, pebble


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DirectoryServer]:
    with pebble(tmp_path_factory.mktemp("pebble")) as server:
        yield server


@pytest.fixture(scope="module")
def binding_ca(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DirectoryServer]:
    with pebble(tmp_path_factory.mktemp("pebble-eab"), eab=True) as server:
        yield server


def add(instance: Instance, ca: DirectoryServer) -> str:
    """Adds it as `local`; the address of its terms."""
    with rows():
        providers.add(instance, "local", providers.Custom(ca.directory, ca.ca_bundle))
    return str(terms_of(instance))


def terms_of(instance: Instance) -> str | None:
    with rows():
        row = models.Provider.get(models.Provider.name == "local")
        return providers.make(instance, row).terms_url()


def local(admin: Script) -> dict:
    found = admin.data("get_autossl_providers")["payload"]
    return next(one for one in found if one["module_name"] == "local")


def test_each_provider_has_exactly_the_documented_fields(admin: Script) -> None:
    found = {one["module_name"]: one for one in admin.data("get_autossl_providers")["payload"]}
    shown = found["letsencrypt"]
    assert set(shown) == {"display_name", "module_name", "enabled", "specs", "x_account_id", "x_terms_of_service",
                          "x_terms_of_service_accepted"}
    assert (shown["enabled"], shown["x_account_id"], shown["x_terms_of_service_accepted"]) == (0, None, None)
    specs = shown["specs"]
    assert (specs["SUPPORTS_ANCESTOR_DCV"], specs["MAX_DOMAINS_PER_CERTIFICATE"], specs["DELIVERY_METHOD"],
            specs["VALIDITY_PERIOD"]) == (0, 100, "api", 90 * 86400)
    assert "http" in specs["DCV_METHODS"] and "http-01" not in specs["DCV_METHODS"]


def test_a_ca_is_chosen_with_the_address_of_its_terms_registered_anew_and_disabled(
    admin: Script, instance: Instance, ca: DirectoryServer
) -> None:
    terms = add(instance, ca)
    assert admin.call("set_autossl_provider", provider="Local", x_terms_of_service_accepted=terms).json == {
        "metadata": {"version": 1, "command": "set_autossl_provider", "reason": "OK", "result": 1}
    }
    first = local(admin)
    assert (first["enabled"], first["x_terms_of_service_accepted"]) == (1, terms)
    assert first["x_account_id"].startswith("https://127.0.0.1")
    admin.data("reset_autossl_provider", provider="local", x_terms_of_service_accepted=terms)
    assert local(admin)["x_account_id"] != first["x_account_id"]
    admin.data("disable_autossl")
    assert local(admin)["enabled"] == 0


@pytest.mark.parametrize("accepted", [{}, {"x_terms_of_service_accepted": "https://other.example/terms"},
                                      {"x_terms_of_service_accepted": "1"}])
def test_nothing_but_the_present_terms_is_taken_as_accepted(
    admin: Script, instance: Instance, ca: DirectoryServer, accepted: dict[str, str]
) -> None:
    terms = add(instance, ca)
    status, reason = admin.refused("set_autossl_provider", provider="local", **accepted)
    assert status == 422
    assert terms in reason
    assert (local(admin)["enabled"], local(admin)["x_account_id"]) == (0, None)


def test_an_external_account_binding_is_sent_in_the_body_only_and_never_audited(
    admin: Script, instance: Instance, binding_ca: DirectoryServer
) -> None:
    terms = add(instance, binding_ca)
    sent = {"provider": "local", "x_terms_of_service_accepted": terms, "x_eab_kid": KID}
    assert admin.refused("set_autossl_provider", **sent, x_eab_hmac_key=HMAC)[0] == 422
    assert admin.refused("set_autossl_provider", method="POST", **sent)[0] == 422
    assert local(admin)["x_account_id"] is None
    status, reason = admin.refused("set_autossl_provider", method="POST", **sent, x_eab_hmac_key="short")
    assert status == 422 and "short" not in reason
    admin.data("set_autossl_provider", method="POST", **sent, x_eab_hmac_key=HMAC)
    assert local(admin)["enabled"] == 1
    with rows():
        assert not models.AuditEntry.select().where(models.AuditEntry.object.contains(HMAC[:10])).exists()


def test_an_unknown_ca_is_a_404(admin: Script) -> None:
    for name in ("set_autossl_provider", "reset_autossl_provider"):
        status, reason = admin.refused(name, provider="nowhere")
        assert (status, "nowhere" in reason) == (404, True)
    assert admin.refused("reset_autossl_provider", provider="letsencrypt")[0] == 409


def test_a_ca_that_asks_to_wait_is_a_429_with_the_time(app: Flask) -> None:
    refusal = from_failure(Failure("ca_rate_limited", "too many accounts", now() + timedelta(seconds=90)), host=True)
    assert (refusal.status, refusal.reason) == (429, "too many accounts")
    assert 89 <= int(refusal.headers["Retry-After"]) <= 91
    assert from_failure(Failure("ca_rate_limited", "too many accounts"), host=True).headers == {}
