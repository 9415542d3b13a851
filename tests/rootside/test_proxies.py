"""Services, sources and zones of the root side, as the steps of a check meet them: what is asked, and how often."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from jobs.abilities import expect, holds_several
from jobs.install import ActsElsewhere, Item, acts_elsewhere, install, release
from jobs.policy.failure import Failure
from jobs.policy.proof import read_certificate
from jobs.policy.site import Account, Website
from jobs.ports import Endpoint, Installed, Place, Record, Served
from jobs.rootside import proxies, verbs
from jobs.rootside.client import Conversation
from jobs.rootside.proxies import RemoteBackend, RemoteService, RemoteSource
from jobs.rootside.values import decoded, encoded
from jobs.rootside.verbs import VERBS, FoundThere, Outcome, Seen, ServiceFacts, Told
from jobs.store import store
from tests.contracts.promises import broken_promises
from tests.fakes import TestCA

NAMED_LATER = {"name"}
"""An instance gets it from the other side."""

CA = TestCA()
SITES = [Website("alice", (f"{name}.test",)) for name in ("a", "b", "c")]
SEEN = Seen(True, Installed(Path("/x/fullchain.pem"), None, True, "odd"))


@dataclass
class Talk:
    """The other side, as a function of verb and words. Both cross as they would over the socket."""

    answer: Callable[[str, Any], Any]
    asked: list[tuple[str, Any]] = field(default_factory=list)
    stored: dict[Path, str] = field(default_factory=dict)

    def ask(self, verb: str, words: Any = verbs.NoWords()) -> Any:  # noqa: B008
        contract = VERBS[verb]
        arrived = decoded(contract.asked, json.loads(json.dumps(encoded(words))))
        self.asked.append((verb, arrived))
        return decoded(contract.answer, json.loads(json.dumps(encoded(self.answer(verb, arrived)))))

    def count(self, verb: str) -> int:
        return [one for one, _ in self.asked].count(verb)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "instance")
    made.live.mkdir(parents=True)
    return made


def service(place: Place, answer: Callable[[str, Any], Any], several: bool = False, sets_up: bool = False) -> Any:
    talk = Talk(answer)
    made = RemoteService(ServiceFacts("dovecot", several, sets_up), place, cast(Conversation, talk))
    return made


def item(place: Place, website: Website) -> Item:
    bundle = CA.bundle(website.names)
    certificate = read_certificate(bundle.leaf)
    return Item(website, certificate, store(place, website.main, bundle, certificate, None))


def everything_seen(verb: str, words: Any) -> Any:
    return tuple(SEEN for _ in words.websites)


def installed_all(verb: str, words: Any) -> Any:
    if verb == "store":
        return "ab"
    return tuple(Outcome("dovecot", one.website.main, "installed") for one in words.items)


def no_keeper(service: str, changes: Any) -> None:
    raise AssertionError("nothing of a service is changed in this process")


# --- what it is


def test_a_remote_service_keeps_the_promises_of_its_port_and_of_acting_elsewhere() -> None:
    more = {"expect", "let_go", "put"}
    assert {one.partition(":")[0] for one in broken_promises(RemoteService, "services")} - NAMED_LATER == more
    wrong = broken_promises(RemoteService, "services", ActsElsewhere)
    assert not [one for one in wrong if "no port knows" not in one]


def test_a_remote_source_and_a_remote_backend_keep_theirs() -> None:
    for made, port in ((RemoteSource, "accounts"), (RemoteBackend, "dns_backends")):
        assert {one.partition(":")[0] for one in broken_promises(made, port)} - NAMED_LATER == set()


@pytest.mark.parametrize("several", [True, False])
@pytest.mark.parametrize("sets_up", [True, False])
def test_it_has_the_abilities_that_the_service_has_there(place: Place, several: bool, sets_up: bool) -> None:
    made = service(place, everything_seen, several, sets_up)
    assert acts_elsewhere(made) and made.present()
    assert holds_several(made) is several and hasattr(made, "setup") is sets_up


# --- questions


def test_websites_that_are_expected_are_asked_for_at_once(place: Place) -> None:
    made = service(place, everything_seen)
    expect(made, SITES)
    for website in SITES:
        assert made.concerns(website) and made.installed(website) == SEEN.installed
    assert [len(words.websites) for _, words in made.talk.asked] == [3]
    expect(made, SITES)
    assert made.talk.count("see") == 1


def test_a_website_that_was_not_expected_is_asked_for_once(place: Place) -> None:
    made = service(place, everything_seen)
    for _ in range(3):
        made.concerns(SITES[0])
        made.installed(SITES[0])
    assert made.talk.count("see") == 1


def test_after_forgetting_the_other_side_reads_anew_at_the_next_question_and_no_further_one(place: Place) -> None:
    made = service(place, everything_seen)
    made.concerns(SITES[0])
    made.forget()
    for website in SITES:
        made.concerns(website)
    assert [words.forget for _, words in made.talk.asked] == [False, True, False, False]


def test_a_trouble_with_one_website_is_its_own(place: Place) -> None:
    def answer(verb: str, words: Any) -> Any:
        bad = Seen(True, None, Told("unreadable", "no such file", True))
        return tuple(bad if website == SITES[1] else SEEN for website in words.websites)

    made = service(place, answer)
    expect(made, SITES)
    assert made.concerns(SITES[0])
    for question in (made.concerns, made.installed):
        with pytest.raises(Failure, match="no such file") as told:
            question(SITES[1])
        assert (told.value.code, told.value.permanent) == ("unreadable", True)


@pytest.mark.parametrize(("names", "portions"), [(1, [200, 50]), (100, [100, 100, 50]), (6000, [1] * 250)])
def test_many_websites_are_asked_for_in_portions_for_which_a_question_has_room(
    place: Place, names: int, portions: list[int]
) -> None:
    many = [Website("alice", tuple(f"n{name}.s{at}.test" for name in range(names))) for at in range(250)]
    made = service(place, everything_seen)
    made.talk = Counting()
    made.expect(many)
    assert made.talk.sizes == portions


class Counting:
    def __init__(self) -> None:
        self.sizes: list[int] = []

    def ask(self, verb: str, words: Any) -> Any:
        self.sizes.append(len(words.websites))
        return tuple(SEEN for _ in words.websites)


def test_test_reload_and_probe_are_done_there(place: Place) -> None:
    leaf = Served(Endpoint("127.0.0.1", 993, "a.test"), b"leaf")
    made = service(place, lambda verb, words: (leaf,) if verb == "probe" else None)
    certificate = read_certificate(CA.bundle(["a.test"]).leaf)
    made.test()
    made.reload()
    assert list(made.probe(SITES[0], certificate)) == [leaf]
    assert [verb for verb, _ in made.talk.asked] == ["test", "reload", "probe"]
    assert made.talk.asked[-1][1].certificate == certificate


def test_what_setup_would_write_is_told_without_its_content(place: Place) -> None:
    made = service(place, lambda verb, words: ("/etc/dovecot/x",), sets_up=True)
    (change,) = made.setup()
    assert (change.path, change.content, change.link) == (Path("/etc/dovecot/x"), None, None)


# --- changes


def test_what_is_installed_gets_its_link_here_so_that_its_set_counts_as_used(place: Place) -> None:
    def answer(verb: str, words: Any) -> Any:
        if verb == "store":
            return "ab"
        states = ("installed", "waiting", "failed")
        mains = [one.website.main for one in words.items]
        return tuple(Outcome("dovecot", main, state) for main, state in zip(mains, states, strict=True))

    made, items = service(place, answer), [item(place, website) for website in SITES]
    outcomes = install(made, items, place, no_keeper)
    assert [outcome.state for outcome in outcomes] == ["installed", "waiting", "failed"]
    links = [place.link(website.main, "dovecot") for website in SITES]
    assert [link.is_symlink() for link in links] == [True, True, False]
    assert links[0].readlink() == Path(items[0].directory.name)
    assert made.talk.count("store") == 3 and made.talk.count("install") == 1


def test_the_pair_arrives_as_it_is_stored_here(place: Place) -> None:
    made, one = service(place, installed_all), item(place, SITES[0])
    install(made, [one], place, no_keeper)
    sent = made.talk.asked[0][1]
    assert sent.privkey == (one.directory / "privkey.pem").read_bytes()
    assert b"".join(sent.chain) == (one.directory / "fullchain.pem").read_bytes()
    assert made.talk.asked[1][1].items == (verbs.Stored(SITES[0], "ab"),)


def test_a_pair_is_sent_once_for_all_services_of_a_run(place: Place) -> None:
    made, one = service(place, installed_all), item(place, SITES[0])
    other = RemoteService(ServiceFacts("exim", False, False), place, made.talk)
    for each in (made, other):
        install(each, [one], place, no_keeper)
    assert made.talk.count("store") == 1 and made.talk.count("install") == 2


def test_a_pair_that_is_refused_there_keeps_no_other_from_its_service(place: Place) -> None:
    def answer(verb: str, words: Any) -> Any:
        if verb == "store" and words.website == SITES[1]:
            raise Failure("root_refused", "not this one")
        return installed_all(verb, words)

    made = service(place, answer)
    outcomes = {one.website: one for one in install(made, [item(place, one) for one in SITES], place, no_keeper)}
    assert (outcomes["b.test"].state, outcomes["b.test"].code) == ("failed", "root_refused")
    assert outcomes["a.test"].state == outcomes["c.test"].state == "installed"
    assert not place.link("b.test", "dovecot").is_symlink()


def test_a_set_that_has_gone_here_is_an_outcome_and_no_more(place: Place) -> None:
    made, one = service(place, installed_all), item(place, SITES[0])
    (one.directory / "privkey.pem").unlink()
    (outcome,) = install(made, [one], place, no_keeper)
    assert (outcome.state, outcome.code) == ("failed", "store_failed")
    assert made.talk.count("install") == 0


def test_after_an_installation_everything_is_asked_anew(place: Place) -> None:
    def answer(verb: str, words: Any) -> Any:
        return everything_seen(verb, words) if verb == "see" else installed_all(verb, words)

    made = service(place, answer)
    expect(made, SITES)
    install(made, [item(place, SITES[0])], place, no_keeper)
    made.concerns(SITES[1])
    assert made.talk.asked[-1][1].forget is True


def test_a_part_is_let_go_of_there(place: Place) -> None:
    part = Website("alice", ("www.a.test",), part_of="a.test")
    made = service(place, lambda verb, words: True, several=True)
    release(made, part, place, no_keeper)
    assert made.talk.asked == [("release", verbs.Release("dovecot", part))]


def test_nobody_changes_such_a_service_in_this_process(place: Place) -> None:
    made = service(place, everything_seen, several=True)
    with pytest.raises(NotImplementedError):
        made.install(SITES[0], read_certificate(CA.bundle(["a.test"]).leaf))
    with pytest.raises(NotImplementedError):
        made.release(SITES[0])


def test_installing_many_takes_a_few_questions(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxies, "_INSTALLED_AT_ONCE", 2)
    made = service(place, installed_all)
    assert len(made.put([item(place, website) for website in SITES])) == 3
    assert [len(words.items) for verb, words in made.talk.asked if verb == "install"] == [2, 1]


# --- sources and zones


def test_a_source_is_asked_once_for_everything() -> None:
    found = FoundThere((Account("alice"),), (SITES[0],), ("a remark",))
    talk = Talk(lambda verb, words: found)
    source = RemoteSource("apache", cast(Conversation, talk))
    assert (source.present(), list(source.accounts()), list(source.websites()), list(source.remarks())) == (
        True, [Account("alice")], [SITES[0]], ["a remark"],
    )
    assert talk.asked == [("find", verbs.Source("apache"))]


def test_a_source_that_fails_there_fails_here() -> None:
    def fail(verb: str, words: Any) -> Any:
        raise Failure("config_broken_before", "line 3")

    source = RemoteSource("apache", cast(Conversation, Talk(fail)))
    for question in (source.accounts, source.websites):
        with pytest.raises(Failure, match="line 3"):
            question()


def test_records_are_put_and_taken_away_there() -> None:
    talk = Talk(lambda verb, words: "a.test" if verb == "zone_for" else None)
    backend = RemoteBackend("bind_zonefile", cast(Conversation, talk))
    record = Record("_acme-challenge.a.test", "TXT", "x" * 43, 60)
    assert backend.active() and backend.zone_for("www.a.test") == "a.test"
    backend.add(record)
    backend.remove(record)
    assert talk.asked == [("zone_for", verbs.Name("www.a.test")), ("add_record", record), ("remove_record", record)]
