"""What stands behind the current provider, what was measured of each, and what is taken up again after a registration.

Registering itself is tested with a real CA in tests/panel/test_cli_provider.py.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

import models
from jobs.policy.failure import Failure
from jobs.wiring import delivery, providers, registration
from jobs.wiring.custom_provider import Custom, faults
from jobs.wiring.instance import Instance, now
from tests.fakes import TestCA, pem


def registered(name: str, plugin: str = "", **values: object) -> None:
    models.Provider.create(name=name, plugin=plugin or name, account_url=f"https://ca.test/{name}", added_at=now(),
                           **values)


def order(provider: str, seconds: float, state: str = "done", kind: str = "order", days_ago: int = 0) -> None:
    began = now() - timedelta(days=days_ago)
    ended = began + timedelta(seconds=seconds)
    models.QueueEntry.create(kind=kind, key=f"{kind}:{provider}", state=state, provider=provider, requested_at=began,
                             run_after=began, finished_at=ended)


def code(call, *arguments: object) -> str:
    with pytest.raises(Failure) as caught:
        call(*arguments)
    return caught.value.code


def behind() -> list[str]:
    return [row.name for row in providers.fallbacks()]


def test_fallbacks_have_the_order_they_were_given(instance: Instance) -> None:
    for name in ("letsencrypt", "zerossl", "google"):
        registered(name)
    assert behind() == []
    assert providers.keep_fallbacks(["google", "letsencrypt", "google"]) == ["google", "letsencrypt"]
    assert behind() == ["google", "letsencrypt"]
    providers.keep_fallbacks(["zerossl"])
    assert behind() == ["zerossl"]
    assert [one["fallback"] for one in providers.list_providers(instance) if one["name"] == "zerossl"] == [1]


def test_only_a_registered_provider_that_is_not_in_use_can_stand_behind(instance: Instance) -> None:
    registered("letsencrypt", current=True)
    registered("google")
    providers.keep_fallbacks(["google"])
    assert code(providers.keep_fallbacks, ["zerossl"]) == "provider_not_registered"
    assert code(providers.keep_fallbacks, ["nobody"]) == "provider_unknown"
    assert code(providers.keep_fallbacks, ["letsencrypt"]) == "option_invalid"
    assert behind() == ["google"]


def test_what_is_in_use_or_built_in_or_at_work_is_not_removed(instance: Instance) -> None:
    registered("local", "custom", options='{"directory": "https://ca.test/dir"}', current=True)
    assert code(providers.remove, instance, "letsencrypt") == "option_invalid"
    assert code(providers.remove, instance, "nobody") == "provider_unknown"
    assert code(providers.remove, instance, "local") == "in_use"
    providers.disable()
    order("local", 1, "waiting")
    assert code(providers.remove, instance, "local") == "in_use"


def test_a_provider_that_was_added_is_removed_and_its_key_kept_aside(instance: Instance) -> None:
    registered("local", "custom", options='{"directory": "https://ca.test/dir"}', fallback=1)
    keys = instance.place.keys
    (keys / "local.pem").write_text("key")
    (keys / "local.eab.json").write_text("{}")
    providers.remove(instance, "local")
    assert behind() == []
    assert "local" not in [one["name"] for one in providers.list_providers(instance)]
    assert not (keys / "local.eab.json").exists() and not (keys / "local.pem").exists()
    assert (keys / "local.former.pem").read_text() == "key"


def test_delivery_is_measured_by_the_newest_orders_that_delivered(instance: Instance) -> None:
    registered("letsencrypt")
    registered("google")
    order("letsencrypt", 4)
    order("letsencrypt", 8)
    order("letsencrypt", 500, "failed")
    order("letsencrypt", 900, kind="check")
    assert delivery.measured() == {"letsencrypt": pytest.approx(6, abs=0.01)}
    for _ in range(delivery.MEASURED):
        order("google", 2)
    order("google", 10_000, days_ago=9)
    assert delivery.measured()["google"] == pytest.approx(2, abs=0.01)


def test_the_measuring_is_answered_by_an_index(instance: Instance) -> None:
    steps = models.database.execute_sql(f"EXPLAIN QUERY PLAN {delivery._AVERAGES}", (1,)).fetchall()
    told = " ".join(str(step[3]) for step in steps)
    assert "queue_entry_provider_kind_state_finished_at" in told
    assert "SCAN queue_entry" not in told and "TEMP B-TREE" not in told


def test_other_terms_than_the_accepted_ones_are_noticed(instance: Instance) -> None:
    registered("letsencrypt", terms_accepted="https://ca.test/1")
    row = models.Provider.get()
    providers.note_terms(row, None)
    assert not providers.show(instance, "letsencrypt")["terms_changed"]
    providers.note_terms(row, "https://ca.test/1")
    assert not providers.show(instance, "letsencrypt")["terms_changed"]
    providers.note_terms(row, "https://ca.test/2")
    assert providers.show(instance, "letsencrypt")["terms_changed"]


def test_what_waited_for_an_account_is_tried_at_the_next_look(instance: Instance) -> None:
    later = now() + timedelta(hours=20)
    for number, cause in enumerate(("terms_changed", "account_gone", "dns_nxdomain")):
        models.Problem.create(website=f"w{number}.test", name="", code=cause, text="", since=now(), seen_at=now(),
                              retry_at=later)
    registration.take_up_again()
    waiting = [row.code for row in models.Problem.select().where(models.Problem.retry_at > now())]
    assert waiting == ["dns_nxdomain"]


def test_all_that_is_wrong_with_a_custom_provider_is_said_at_once() -> None:
    wrong = faults("No Good", Custom("http://ca.test/", ca_pem="nothing", caa="not a domain", max_names=0))
    assert set(wrong) == {"name", "directory", "ca_pem", "caa", "max_names"}
    assert faults("ours", Custom("https://ca.test/dir")) == {}


def test_of_a_pasted_bundle_the_certificates_are_kept_and_a_key_is_refused(instance: Instance) -> None:
    certificate = pem(TestCA().certificate).decode()
    private = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    assert "private key" in faults("ours", Custom("https://ca.test/", ca_pem=certificate + private))["ca_pem"]
    assert faults("ours", Custom("https://ca.test/", ca_pem=f"remark\n{certificate}")) == {}
