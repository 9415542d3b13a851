"""Step 8 on a service that fails in every way it can: what is put back, and whom it concerns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from jobs.install import Item, apply, install
from jobs.policy.certificate import Certificate
from jobs.policy.file_change import FileChange, SharedFile
from jobs.policy.proof import read_certificate
from jobs.policy.site import Website
from jobs.ports import Place
from jobs.store import store
from tests.fakes import NOW, FakeService, TestCA


class Host:
    def __init__(self, root: Path) -> None:
        self.place = Place(root / "instance")
        self.etc = root / "etc"
        self.place.live.mkdir(parents=True)
        self.etc.mkdir()
        self.ca = TestCA()
        self.service = FakeService(self.place, self.etc)
        self.kept: list[str] = []

    def item(self, main: str) -> Item:
        bundle = self.ca.bundle([main], NOW)
        certificate = read_certificate(bundle.leaf)
        return Item(Website("alice", (main,)), certificate, store(self.place, main, bundle, certificate, None))

    def install(self, *items: Item):
        outcomes = install(self.service, items, self.place, lambda name, changes: self.kept.append(name))
        return {outcome.website: outcome for outcome in outcomes}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_many_websites_cost_one_reload(host: Host) -> None:
    before = host.service.reloads
    outcomes = host.install(*[host.item(f"site{number}.test") for number in range(20)])
    assert {outcome.state for outcome in outcomes.values()} == {"installed"}
    assert host.service.reloads == before + 1


class OneMap(FakeService):
    """All websites in one file, which counts how often it is made."""

    def __init__(self, place: Place, etc: Path) -> None:
        super().__init__(place, etc)
        self.forget()
        self.made = 0

    def forget(self) -> None:
        self.planned: list[str] = []

    def install(self, website: Website, certificate: Certificate) -> Sequence[FileChange | SharedFile]:
        self.planned.append(website.main)
        return [SharedFile(self.etc / "all.conf", self._render), *super().install(website, certificate)]

    def _render(self) -> bytes:
        self.made += 1
        return " ".join(self.planned).encode()


def test_a_file_that_many_websites_share_is_made_once_for_all_of_them(host: Host) -> None:
    host.service = OneMap(host.place, host.etc)
    names = [f"site{number}.test" for number in range(20)]
    assert {outcome.state for outcome in host.install(*map(host.item, names)).values()} == {"installed"}
    assert (host.etc / "all.conf").read_text().split() == names and host.service.made == 1


def test_a_shared_file_names_nobody_whom_the_test_refuses(host: Host) -> None:
    host.service = OneMap(host.place, host.etc)
    host.service.refuses = lambda text: "bad.test" in text
    outcomes = host.install(*map(host.item, ("a.test", "bad.test", "b.test", "c.test")))
    assert [name for name, outcome in sorted(outcomes.items()) if outcome.state != "installed"] == ["bad.test"]
    assert "bad.test" not in (host.etc / "all.conf").read_text()


def test_a_configuration_that_was_broken_before_is_not_touched(host: Host) -> None:
    (host.etc / "old.conf").write_text("broken")
    host.service.refuses = lambda text: text == "broken"
    before = host.service.reloads
    outcome = host.install(host.item("a.test"))["a.test"]
    assert (outcome.state, outcome.code) == ("failed", "config_broken_before")
    assert not (host.etc / "a.test.conf").exists()
    assert not host.place.link("a.test", "fake").is_symlink()
    assert host.service.reloads == before


def test_one_website_that_breaks_the_configuration_test_does_not_stop_the_others(host: Host) -> None:
    host.service.refuses = lambda text: "bad.test" in text
    names = ["a.test", "b.test", "bad.test", "c.test", "d.test"]
    outcomes = host.install(*[host.item(name) for name in names])
    assert outcomes["bad.test"].code == "config_test_failed"
    assert "syntax error" in outcomes["bad.test"].text
    assert not (host.etc / "bad.test.conf").exists()
    assert all(outcomes[name].state == "installed" for name in names if name != "bad.test")


def test_a_handshake_that_shows_another_certificate_brings_the_former_one_back(host: Host) -> None:
    first = host.item("a.test")
    host.install(first)
    host.service.serves_wrongly = {"a.test"}
    second = host.item("a.test")
    outcome = host.install(second)["a.test"]
    assert outcome.code == "probe_failed"
    assert second.certificate.serial in outcome.text
    assert host.place.link("a.test", "fake").readlink().name == first.directory.name
    assert host.service.loaded["a.test"] == (first.directory / "cert.pem").read_bytes()
    assert second.directory.exists(), "the bad set is kept aside"


def test_a_failed_handshake_of_one_website_leaves_the_others_with_their_new_certificate(host: Host) -> None:
    olds = [host.item(name) for name in ("a.test", "b.test")]
    host.install(*olds)
    host.service.serves_wrongly = {"b.test"}
    news = [host.item(name) for name in ("a.test", "b.test")]
    outcomes = host.install(*news)
    assert outcomes["a.test"].state == "installed"
    assert outcomes["b.test"].state == "failed"
    assert host.service.loaded["a.test"] == (news[0].directory / "cert.pem").read_bytes()
    assert host.service.loaded["b.test"] == (olds[1].directory / "cert.pem").read_bytes()


def test_a_service_that_is_stopped_is_not_started_and_finds_its_files_later(host: Host) -> None:
    host.service.running = False
    before = host.service.reloads
    outcome = host.install(host.item("a.test"))["a.test"]
    assert (outcome.state, outcome.code) == ("waiting", "service_not_running")
    assert host.service.reloads == before
    assert (host.place.link("a.test", "fake") / "fullchain.pem").exists()


def test_files_outside_the_instance_are_remembered_before_they_change(host: Host) -> None:
    host.install(host.item("a.test"))
    assert host.kept == ["fake"]
    host.install(host.item("a.test"))
    assert host.kept == ["fake", "fake"], "a renewal changes the link only, which the keeper sees too"


def test_a_file_that_cannot_be_written_leaves_nothing_half_done(host: Host) -> None:
    host.etc.chmod(0o777)
    outcome = host.install(host.item("a.test"))["a.test"]
    assert outcome.code == "publish_failed"
    assert "others may write" in outcome.text
    assert not host.place.link("a.test", "fake").is_symlink()


def test_a_bug_in_the_second_try_leaves_nothing_half_done_either(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    olds = [host.item(name) for name in ("a.test", "b.test")]
    host.install(*olds)
    host.service.serves_wrongly = {"b.test"}
    news = [host.item(name) for name in ("a.test", "b.test")]
    real, calls = host.service.reload, []

    def reload() -> None:
        calls.append(1)
        if len(calls) == 3:  # the new ones, the former ones, and a.test alone
            raise ZeroDivisionError
        real()

    monkeypatch.setattr(host.service, "reload", reload)
    with pytest.raises(ZeroDivisionError):
        host.install(*news)
    for old, name in zip(olds, ("a.test", "b.test"), strict=True):
        assert host.place.link(name, "fake").readlink().name == old.directory.name


def test_a_stop_while_files_are_written_puts_back_those_that_were(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jobs.privileged import files

    real, written = files._put, []

    def put(change: object, was: object) -> None:
        if written:
            raise KeyboardInterrupt
        written.append(change)
        real(change, was)  # type: ignore[arg-type]

    monkeypatch.setattr(files, "_put", put)
    with pytest.raises(KeyboardInterrupt):
        host.install(host.item("a.test"))
    assert written and not host.place.link("a.test", "fake").is_symlink()


def test_changes_of_a_service_are_taken_back_after_a_bug_too(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    path, calls = host.etc / "once.conf", []

    def test() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise ZeroDivisionError

    monkeypatch.setattr(host.service, "test", test)
    with pytest.raises(ZeroDivisionError):
        apply(host.service, [FileChange(path, b"x")], host.place, lambda name, changes: None)
    assert not path.exists()
