"""The panel as a service: a new certificate reaches the running server through the map and the link alone."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jobs.install import Item, Outcome, install
from jobs.policy.failure import Failure
from jobs.policy.panel_files import MAP, STATE, parse_map, website_for
from jobs.policy.proof import read_certificate
from jobs.policy.site import Website
from jobs.ports import Place
from jobs.services.panel import Options, Service
from jobs.store import live_set, store
from jobs.wiring.instance import create
from panel.server import Panel
from tests.fakes import TestCA

SITE, OTHER = "a.example.com", "b.example.com"


class Host:
    """An instance, its panel service, and a CA."""

    def __init__(self, root: Path) -> None:
        self.place = Place(root / "instance")
        create(self.place.instance)
        self.service = Service(Options(), self.place)
        self.ca = TestCA()

    def item(self, *names: str, website: str = "") -> Item:
        bundle = self.ca.bundle(names)
        certificate = read_certificate(bundle.leaf)
        main = website or names[0]
        stored = store(self.place, main, bundle, certificate, None)
        return Item(Website("alice", (main, *names[1:])), certificate, stored)

    def install(self, *items: Item) -> dict[str, Outcome]:
        outcomes = install(self.service, items, self.place, lambda name, changes: None)
        return {outcome.website: outcome for outcome in outcomes}

    @property
    def map(self) -> dict[str, str]:
        path = self.place.conf / MAP
        return parse_map(path.read_bytes() if path.exists() else None)

    @contextmanager
    def serving(self, *binds: str) -> Iterator[None]:
        panel = Panel(lambda environ, start: [], binds or ("127.0.0.1:0",), self.place)
        panel.start()
        try:
            yield
        finally:
            panel.stop()


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_two_websites_of_one_run_are_served_and_proved(host: Host) -> None:
    one, two = host.item(SITE, f"www.{SITE}", f"*.{SITE}"), host.item(OTHER)
    with host.serving("127.0.0.1:0", "[::1]:0"):
        found = host.install(one, two)
        assert {name: outcome.state for name, outcome in found.items()} == {SITE: "installed", OTHER: "installed"}
        served = host.service.probe(one.website, one.certificate)
        assert len(served) == 3 * 2 and {answer.endpoint.host for answer in served} == {"127.0.0.1", "::1"}
    assert host.map == {SITE: SITE, f"www.{SITE}": SITE, f"*.{SITE}": SITE, OTHER: OTHER}
    assert (host.place.conf / MAP).stat().st_mode & 0o777 == 0o644
    installed = host.service.installed(one.website)
    assert installed is not None and installed.ours and installed.certificate == one.certificate


def test_a_renewal_changes_the_link_and_no_file(host: Host) -> None:
    with host.serving():
        host.install(host.item(SITE))
        written = (host.place.conf / MAP).stat()
        renewed = host.item(SITE)
        assert host.service.install(renewed.website, renewed.certificate) == ()
        assert host.install(renewed)[SITE].state == "installed"
        assert (host.place.conf / MAP).stat() == written


def test_a_stopped_server_waits_and_presents_it_when_it_starts(host: Host) -> None:
    item = host.item(SITE)
    outcome = host.install(item)[SITE]
    assert (outcome.state, outcome.code) == ("waiting", "service_not_running")
    with pytest.raises(Failure, match="not running"):
        host.service.probe(item.website, item.certificate)
    with host.serving():
        served = host.service.probe(item.website, item.certificate)
        assert [answer.leaf is not None for answer in served] == [True]
        assert host.install(item)[SITE].state == "installed"


def test_what_a_dead_server_left_behind_counts_as_not_running(host: Host) -> None:
    (host.place.instance / STATE).write_text('{"addresses": [["127.0.0.1", 1]]}')
    with pytest.raises(Failure) as raised:
        host.service.reload()
    assert raised.value.code == "service_not_running"


def test_a_name_that_moved_is_pointed_to_its_new_website(host: Host) -> None:
    with host.serving():
        host.install(host.item(SITE, "moved.example.com"))
        host.install(host.item(OTHER, "moved.example.com"))
        assert host.map == {SITE: SITE, OTHER: OTHER, "moved.example.com": OTHER}


def test_a_website_that_lost_a_name_to_another_is_proved_by_the_rest(host: Host) -> None:
    one, two = host.item(SITE, "moved.example.com"), host.item(OTHER, "moved.example.com")
    with host.serving():
        found = host.install(one, two)
        assert {outcome.state for outcome in found.values()} == {"installed"}
        assert [answer.endpoint.sni for answer in host.service.probe(one.website, one.certificate)] == [SITE]


def test_names_that_a_certificate_no_longer_covers_leave_the_map(host: Host) -> None:
    host.install(host.item(SITE, f"old.{SITE}"))
    host.install(host.item(SITE, f"new.{SITE}"))
    assert host.map == {SITE: SITE, f"new.{SITE}": SITE}


def test_a_certificate_without_the_main_name_counts_as_installed(host: Host) -> None:
    item = host.item(f"www.{SITE}", website=SITE)
    host.install(item)
    installed = host.service.installed(item.website)
    assert installed is not None and installed.certificate == item.certificate


def test_a_pair_that_does_not_match_is_put_back_and_the_others_are_not_touched(host: Host) -> None:
    with host.serving():
        former, good = host.item(SITE), host.item(OTHER)
        host.install(former)
        broken = host.item(SITE)
        (broken.directory / "privkey.pem").write_bytes((former.directory / "privkey.pem").read_bytes())
        found = host.install(broken, good)
        assert (found[SITE].state, found[SITE].code) == ("failed", "certificate_not_loadable")
        assert found[OTHER].state == "installed"
        assert host.place.link(SITE, "panel").resolve() == live_set(host.place, SITE, former.certificate.serial)
        assert host.map == {SITE: SITE, OTHER: OTHER}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"a.example.com": "/etc"}', '{"A.example.com": "a.example.com"}', '{"a b": "a.b"}']
)
def test_a_map_that_is_none_is_left_alone_and_told(host: Host, text: str) -> None:
    (host.place.conf / MAP).write_text(text)
    outcome = host.install(host.item(SITE))[SITE]
    assert (outcome.state, outcome.code) == ("failed", "config_broken_before")
    assert MAP in outcome.text and "expected" in outcome.text and "remove the file" in outcome.text
    assert (host.place.conf / MAP).read_text() == text


@pytest.mark.parametrize("text", ["{", "[]", '{"addresses": [["127.0.0.1", "x"]]}', '{"addresses": [["::1", 70000]]}'])
def test_a_state_that_is_none_is_told(host: Host, text: str) -> None:
    with host.serving():
        (host.place.instance / STATE).write_text(text)
        with pytest.raises(Failure, match="reading where the panel listens"):
            host.service.reload()


def test_a_server_that_listens_only_in_another_network_is_not_asked(host: Host) -> None:
    with host.serving():
        (host.place.instance / STATE).write_text('{"addresses": []}')
        outcome = host.install(host.item(SITE))[SITE]
    assert (outcome.state, outcome.text) == ("installed", "nothing to probe")


def test_a_hundred_websites_of_one_run(host: Host) -> None:
    items = [host.item(f"site{at}.example.com", f"www.site{at}.example.com") for at in range(100)]
    with host.serving():
        found = host.install(*items)
        assert {outcome.state for outcome in found.values()} == {"installed"} and len(found) == 100
    assert len(host.map) == 200


@pytest.mark.parametrize(
    ("name", "website"),
    [("a.x.test", "one"), ("A.X.test.", "one"), ("b.x.test", "two"), ("c.b.x.test", None), ("x.test", None)],
)
def test_a_name_is_looked_up_exactly_then_by_one_label_of_a_wildcard(name: str, website: str | None) -> None:
    assert website_for({"a.x.test": "one", "*.x.test": "two"}, name) == website


def test_nothing_is_connected_to_when_no_server_runs(host: Host) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0)
        (host.place.instance / STATE).write_text(f'{{"addresses": [["127.0.0.1", {other.getsockname()[1]}]]}}')
        assert host.install(host.item(SITE))[SITE].state == "waiting"
        with pytest.raises(BlockingIOError):
            other.accept()
