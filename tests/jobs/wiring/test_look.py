"""One website's services, asked live: what is served now beside what is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs import records
from jobs.install import Item, install
from jobs.policy.failure import Failure
from jobs.policy.proof import read_certificate
from jobs.policy.site import Website
from jobs.store import store
from jobs.wiring import status
from jobs.wiring.instance import Instance, now
from tests.fakes import NOW, FakeService, TestCA

SITE = Website("alice", ("alice.test", "www.alice.test"))


@pytest.fixture
def service(instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeService:
    etc = tmp_path / "etc"
    etc.mkdir()
    made = FakeService(instance.place, etc)
    monkeypatch.setattr(status, "services", lambda instance: [made])
    return made


def installed(instance: Instance, service: FakeService) -> str:
    """Installs a certificate; its fingerprint."""
    bundle = TestCA().bundle(SITE.names)
    certificate = read_certificate(bundle.leaf)
    records.keep_certificate(SITE.main, certificate, "x", NOW, now())
    directory = store(instance.place, SITE.main, bundle, certificate, None)
    assert install(service, [Item(SITE, certificate, directory)], instance.place, lambda name, changes: None)
    return certificate.fingerprint


def test_what_is_served_is_what_is_installed(instance: Instance, service: FakeService) -> None:
    fingerprint = installed(instance, service)
    (seen,) = status.look(instance, SITE)
    assert seen["installed"]["fingerprint"] == fingerprint
    (answer,) = seen["answers"]
    assert (answer["port"], answer["names"], answer["same"]) == (443, ["alice.test"], True)
    assert answer["served"]["fingerprint"] == fingerprint


def test_an_old_certificate_in_the_daemons_memory_is_another_one(instance: Instance, service: FakeService) -> None:
    installed(instance, service)
    other = TestCA().bundle(SITE.names)
    service.loaded[SITE.main] = other.leaf
    (answer,) = status.look(instance, SITE)[0]["answers"]
    assert answer["same"] is False
    assert answer["served"]["fingerprint"] == read_certificate(other.leaf).fingerprint


def test_no_answer_is_told_with_its_reason(instance: Instance, service: FakeService) -> None:
    installed(instance, service)
    service.serves_wrongly.add(SITE.main)
    (answer,) = status.look(instance, SITE)[0]["answers"]
    assert (answer["served"], answer["same"]) == (None, False) and "handshake failed" in answer["text"]


def test_a_website_without_a_certificate_is_not_asked_for(instance: Instance, service: FakeService) -> None:
    (seen,) = status.look(instance, SITE)
    assert (seen["answers"], seen["installed"], seen["text"]) == ([], None, "nothing is configured for this website")


def test_a_service_that_can_not_be_read_says_so_beside_the_others(
    instance: Instance, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(website: Website) -> bool:
        raise Failure("config_test_failed", "line 7")

    monkeypatch.setattr(service, "concerns", broken)
    (seen,) = status.look(instance, SITE)
    assert (seen["code"], seen["text"]) == ("config_test_failed", "line 7")
