"""Every service: what it says on a machine that doesn't have it, and about a website that it has never heard of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from jobs import registry
from jobs.abilities import holds_several
from jobs.policy.certificate import Certificate
from jobs.policy.failure import Failure
from jobs.policy.file_change import FileChange, SharedFile
from jobs.policy.problems import CATALOGUE
from jobs.policy.proof import read_certificate
from jobs.policy.site import Website
from jobs.ports import Place, Served
from tests.contracts.promises import nowhere
from tests.fakes import FakeService, TestCA

UNKNOWN = Website("nobody", ("never-heard-of.autossl.test", "www.never-heard-of.autossl.test"))
every_service = pytest.mark.parametrize("name", [*registry.names("services"), "fake"])


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    return read_certificate(TestCA().bundle(UNKNOWN.names).leaf)


def absent(name: str, place: Place) -> tuple[Any, bool]:
    """The service with all its paths pointing nowhere; and whether it has any (the panel has none)."""
    if name == "fake":
        etc = place.instance / "etc"
        etc.mkdir()
        return FakeService(place, etc), False
    plugin = registry.load("services", name)
    options, movable = nowhere(plugin.options, place.instance.parent)
    return plugin.make(options, place), movable


def tried(call: Callable[..., Any], *arguments: Any) -> Any:
    """The answer, or the Failure; anything else that is raised is a defect of the service."""
    try:
        return call(*arguments)
    except Failure as failure:
        assert failure.code in CATALOGUE and failure.detail, failure
        return failure


def everything(root: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in root.rglob("*")}


@every_service
def test_a_service_that_is_not_on_the_machine_says_so(name: str, place: Place) -> None:
    service, movable = absent(name, place)
    assert service.present() is not movable


@every_service
def test_a_service_whose_files_are_missing_raises_only_failures_and_writes_nothing(
    name: str, place: Place, certificate: Certificate
) -> None:
    service, movable = absent(name, place)
    before = everything(place.instance.parent)
    for _ in range(2):
        service.forget()
        assert isinstance(tried(service.concerns, UNKNOWN), bool | Failure)
        installed = tried(service.installed, UNKNOWN)
        assert installed is None or isinstance(installed, Failure)
        changes = tried(service.install, UNKNOWN, certificate)
        if not isinstance(changes, Failure):
            whole = [change.change() if isinstance(change, SharedFile) else change for change in changes]
            assert all(isinstance(change, FileChange) and change.path.is_absolute() for change in whole)
        if hasattr(service, "setup"):
            assert isinstance(tried(service.setup), Failure | Sequence)
        assert isinstance(tried(service.test), Failure | None)
        reloaded = tried(service.reload)
        assert not movable or isinstance(reloaded, Failure), "a reload of nothing can't succeed"
    assert everything(place.instance.parent) == before


@every_service
def test_nothing_is_served_for_a_website_that_a_service_does_not_know(
    name: str, place: Place, certificate: Certificate
) -> None:
    service, _ = absent(name, place)
    answers = tried(service.probe, UNKNOWN, certificate)
    if not isinstance(answers, Failure):
        assert all(isinstance(answer, Served) and answer.leaf is None for answer in answers)


@every_service
def test_a_question_about_an_unknown_website_is_answered_on_this_very_machine(name: str, place: Place) -> None:
    """Read only: the real configuration of whatever is installed here."""
    service = absent("fake", place)[0] if name == "fake" else _here(name, place)
    if service.present():
        assert isinstance(tried(service.concerns, UNKNOWN), bool | Failure)
        installed = tried(service.installed, UNKNOWN)
        assert installed is None or isinstance(installed, Failure)


def _here(name: str, place: Place) -> Any:
    plugin = registry.load("services", name)
    return plugin.make(plugin.options(), place)


@every_service
def test_a_service_that_holds_several_certificates_a_website_lets_go_of_one_that_it_never_had(
    name: str, place: Place
) -> None:
    service, _ = absent(name, place)
    place.conf.mkdir(exist_ok=True)
    if holds_several(service):
        before = everything(place.instance.parent)
        assert isinstance(tried(service.release, UNKNOWN), Failure | Sequence)
        assert everything(place.instance.parent) == before
    else:
        assert not hasattr(service, "release")
