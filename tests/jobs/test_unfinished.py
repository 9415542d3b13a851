"""A process that dies in the middle of an installation: the next one puts back what the service's test refuses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from jobs import install, privileged, unfinished
from jobs.policy.certificate import Certificate
from jobs.policy.file_change import FileChange
from jobs.policy.proof import prove
from jobs.policy.site import Website
from jobs.ports import Place
from jobs.store import store
from tests.fakes import NOW, FakeService, TestCA


class Killed(BaseException):
    """The process ends here."""


class OneFile(FakeService):
    """All websites in one file, as Dovecot's; its test opens what the file names."""

    def install(self, website: Website, certificate: Certificate) -> Sequence[FileChange]:
        self.planned = {**getattr(self, "planned", {}), website.main: str(self.place.link(website.main, self.name))}
        return (FileChange(self.etc / "all.conf", "\n".join(self.planned.values()).encode()),)

    def missing(self) -> list[str]:
        path = self.etc / "all.conf"
        return [line for line in path.read_text().splitlines() if not Path(line).exists()] if path.exists() else []


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path / "instance")
    place.live.mkdir(parents=True)
    (tmp_path / "etc").mkdir()
    return place


def item(place: Place, name: str) -> install.Item:
    bundle = TestCA().bundle([name])
    certificate = prove(bundle, (name,), NOW)
    return install.Item(Website("alice", (name,)), certificate, store(place, name, bundle, certificate, None))


def dies_in(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> None:
    """From here on nothing is put back either: a process that was killed does nothing more."""

    def die(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(owner, name, die)
    monkeypatch.setattr(privileged, "restore", lambda formers: None)


def test_what_the_test_refuses_is_put_back_by_the_next_process_and_nothing_else(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = FakeService(place, tmp_path / "etc")
    assert [one.state for one in install.install(service, [item(place, "a.test")], place, lambda *_: None)] == [
        "installed"]
    before = (service.etc / "a.test.conf").read_bytes(), place.link("a.test", "fake").readlink()
    website = Website("alice", ("a.test", "bad.test"))
    bad = install.Item(website, *(getattr(item(place, "a.test"), one) for one in ("certificate", "directory")))
    with monkeypatch.context() as patch:
        dies_in(patch, service, "reload")
        with pytest.raises(Killed):
            install.install(service, [bad], place, lambda *_: None)
    service.refuses = lambda text: "bad.test" in text
    (told,) = unfinished.put_back(place, [service])
    assert told.code == "configuration_put_back" and "syntax error" in told.text and "a.test.conf" in told.text
    assert ((service.etc / "a.test.conf").read_bytes(), place.link("a.test", "fake").readlink()) == before
    assert unfinished.put_back(place, [service]) == [] and list(place.backups.iterdir()) == []


def test_what_the_test_accepts_stays(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = FakeService(place, tmp_path / "etc")
    with monkeypatch.context() as patch:
        dies_in(patch, service, "reload")
        with pytest.raises(Killed):
            install.install(service, [item(place, "a.test")], place, lambda *_: None)
    assert len(list(place.backups.iterdir())) == 1
    assert unfinished.put_back(place, [service]) == []
    assert (service.etc / "a.test.conf").exists() and list(place.backups.iterdir()) == []


def test_a_file_that_somebody_changed_since_is_left_to_him(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = FakeService(place, tmp_path / "etc")
    path = service.etc / "a.test.conf"
    with monkeypatch.context() as patch:
        dies_in(patch, service, "reload")
        with pytest.raises(Killed):
            install.apply(service, [FileChange(path, b"ours")], place, lambda *_: None)
    path.write_text("theirs")
    service.refuses = lambda text: True
    (told,) = unfinished.put_back(place, [service])
    assert path.read_text() == "theirs" and told.code == "config_test_failed"


def test_an_installation_that_ended_leaves_nothing_to_put_back(place: Place, tmp_path: Path) -> None:
    service = FakeService(place, tmp_path / "etc")
    service.serves_wrongly = {"bad.test"}
    outcomes = install.install(service, [item(place, "a.test"), item(place, "bad.test")], place, lambda *_: None)
    assert {one.website: one.state for one in outcomes} == {"a.test": "installed", "bad.test": "failed"}
    assert list(place.backups.iterdir()) == []


def test_a_file_for_several_websites_never_stands_there_before_all_of_their_links(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = OneFile(place, tmp_path / "etc")
    published = privileged.publish
    seen: list[list[str]] = []

    def one_by_one(changes: Sequence[FileChange]) -> tuple[privileged.Former, ...]:
        formers: tuple[privileged.Former, ...] = ()
        for change in changes:
            formers += published([change])
            seen.append(service.missing())
        return formers

    monkeypatch.setattr(privileged, "publish", one_by_one)
    install.install(service, [item(place, f"{letter}.test") for letter in "abc"], place, lambda *_: None)
    assert seen == [[]] * 4


def test_a_service_that_is_gone_has_nothing_to_put_back(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = FakeService(place, tmp_path / "etc")
    unfinished.note(place, service.name, [FileChange(service.etc / "x", b"x")])
    assert unfinished.put_back(place, []) == [] and list(place.backups.iterdir()) == []
