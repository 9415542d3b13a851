"""From what a check leaves behind to messages in the outbox: what is news, to whom, and once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

import jobs.validate
import models
from jobs.policy.digest import moment
from jobs.policy.failure import Failure
from jobs.policy.notify import Event, Kind
from jobs.policy.verdict import Verdict
from jobs.wiring import accounts, options, own_level, plugin_options, run_telling, telling
from jobs.wiring.instance import Instance
from jobs.wiring.own_name import own_name, panel_url
from jobs.wiring.plugins import found
from jobs.wiring.telling import tell
from tests.fakes import NOW
from tests.jobs.check_host import Host
from tests.jobs.check_host import host as host  # a fixture

ADMIN, ALICE, RITA = "root@host.example", "alice@a.example", "rita@resell.example"


class Clock:
    def __init__(self, host: Host) -> None:
        self._host = host

    def __call__(self) -> datetime:
        return self._host.at


@pytest.fixture
def mail(host: Host, monkeypatch: pytest.MonkeyPatch) -> Instance:
    """A host where somebody is told: an administrator of everything, alice of her own account."""
    monkeypatch.setattr(run_telling, "now", Clock(host))
    plugin = found("smtp")
    plugin_options.save(host.instance, plugin, plugin.options(host="mx.example"))
    options.save(host.instance.config, {"admin_addresses": [ADMIN], "notify_user": "all", "notify_admin": "all"})
    accounts.set_contact(host.instance, "alice", ALICE)
    models.Provider.create(name="ca", plugin="custom", current=True, added_at=NOW)
    return host.instance


def check(host: Host) -> dict[str, Any]:
    """One check and what it has to tell: content by recipient."""
    models.Message.delete().execute()
    cases = host.check_all()
    run_telling.tell_of_run(host.instance, host.log, cases, of_all=True)
    return told()


def told() -> dict[str, Any]:
    return {row.recipient: json.loads(row.content) for row in models.Message.select()}


def kinds(content: dict[str, Any]) -> list[str]:
    return [section["kind"] for section in content["sections"]]


def test_a_new_certificate_is_told_to_its_owner_and_to_the_administrator(host: Host, mail: Instance) -> None:
    messages = check(host)
    assert set(messages) == {ADMIN, ALICE}
    assert [kinds(content) for content in messages.values()] == [["installed"], ["installed"]]
    assert messages[ALICE]["audience"] == "owner"
    assert messages[ALICE]["sections"][0]["entries"][0]["covered"] == ["a.test", "www.a.test", "mail.a.test"]
    assert check(host) == {}, "nothing happened since"


def test_what_fails_is_told_once_the_quick_tries_are_over_and_then_weekly(host: Host, mail: Instance) -> None:
    host.ca.refuses_orders = Failure("ca_refused", "the CA said: <b>no</b>")
    told_at = []
    for _ in range(60):
        if check(host):
            told_at.append(host.at - NOW)
        row = models.Problem.get(models.Problem.name == "")
        host.at = row.retry_at
    assert told_at[0] == timedelta(minutes=111)
    pauses = [later - sooner for sooner, later in pairwise(told_at)]
    assert pauses and all(timedelta(days=7) <= pause < timedelta(days=8, hours=12) for pause in pauses)


def test_reasons_that_change_by_the_try_are_counted_together(host: Host, mail: Instance) -> None:
    for number in range(4):
        assert not told()
        host.ca.refuses_orders = Failure(("ca_refused", "validation_failed")[number % 2], "no")
        messages = check(host)
        host.pass_by(days=1)
    assert kinds(messages[ALICE]) == ["cannot be ordered"]


def test_a_name_that_failed_for_long_makes_no_lasting_failure_of_an_orders_first(
    host: Host, mail: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    models.Website.update(names=json.dumps(["a.test", "www.a.test"])).execute()

    def fails(names: Any, *_: object) -> dict[str, Verdict]:
        bad = Verdict("www.a.test", False, None, "dns_nxdomain", "www.a.test: no such name")
        return {name: bad if name == "www.a.test" else Verdict(name, True, "http-01") for name in names}

    monkeypatch.setattr(jobs.validate, "preflight", fails)
    assert kinds(check(host)[ALICE]) == ["installed with uncovered names"]
    for _ in range(6):
        host.pass_by(days=1.01)
        assert check(host) == {}
    host.pass_by(days=55)
    host.ca.refuses_orders = Failure("ca_refused", "no")
    assert check(host) == {}, "a hiccup"
    for minutes in (1, 10, 100):
        host.pass_by(minutes=minutes)
        messages = check(host)
    (entry,) = messages[ALICE]["sections"][0]["entries"]
    assert entry["retry_at"] == moment(host.at + timedelta(days=1)), "the website's own next try"


def test_a_provider_that_fails_now_one_way_and_then_another_is_no_mail_at_every_try(host: Host, mail: Instance) -> None:
    count = 0
    for number in range(14):
        code = ("ca_unreachable", "ca_unavailable")[number % 2]
        event = Event(Kind.PROVIDER, "provider:ca", code, "x", service="ca")
        at = NOW + timedelta(minutes=100 * number)
        count += tell(mail, [event], (), f"run-{number}", at)
    assert count == 2, "one of each kind, in a day"


def test_fifty_websites_that_fail_for_good_are_no_fifty_reminders_a_week(host: Host, mail: Instance) -> None:
    """Each is tried once a day at an hour of its own; the nightly check finds them all waiting."""
    events = [
        Event(Kind.UNORDERED, f"website:s{one}.test", "ca_refused", "no", "alice", f"s{one}.test") for one in range(50)
    ]
    for day in range(22):
        for number, event in enumerate(events):
            tell(mail, [event], (), f"try-{day}-{number}", NOW + timedelta(days=day, minutes=20 * number), of_all=False)
        waiting = [replace(event, waits=True) for event in events]
        tell(mail, waiting, (), f"night-{day}", NOW + timedelta(days=day, hours=20))
    nights = [row.key for row in models.Message.select() if row.key.startswith("night") and ADMIN in row.key]
    tries = [row.key for row in models.Message.select() if row.key.startswith("try") and ADMIN in row.key]
    assert len(tries) == 50 and all(key.startswith("try-0-") for key in tries), "each was news once"
    assert len(nights) == 3, "and all of them together are told again weekly"


def test_a_website_that_waits_is_in_the_weekly_reminder(host: Host, mail: Instance) -> None:
    host.ca.refuses_orders = Failure("ca_refused", "no", permanent=True)
    assert set(check(host)) == {ADMIN, ALICE}
    for _ in range(6):
        host.pass_by(days=1.01)
        assert check(host) == {}, "tried again, and the same"
    host.pass_by(hours=23)
    case = host.check()
    assert case.decision.code == "backoff"
    models.Message.delete().execute()
    run_telling.tell_of_run(host.instance, host.log, [case], of_all=False)
    assert told() == {}
    run_telling.tell_of_run(host.instance, host.log, [case], of_all=True)
    assert set(told()) == {ADMIN, ALICE}


def test_where_nothing_is_news_no_name_server_is_asked(
    host: Host, mail: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def name(panel: Any) -> str:
        asked.append(models.database.in_transaction())
        return "host.example"

    monkeypatch.setattr(telling, "own_name", name)
    event = Event(Kind.SERVED, "served:exim:a.test", "served_older", "x", "alice", "a.test", "exim")
    for number in range(3):
        tell(mail, [event], (), f"run-{number}", NOW)
        tell(mail, [], (), f"other-{number}", NOW)
    assert asked == [False], "once, and while nobody waits for the database"


def test_the_owner_reads_his_own_words_and_the_administrator_all(host: Host, mail: Instance) -> None:
    host.ca.refuses_orders = Failure("store_failed", "/var/lib/autossl/tls: no space", permanent=True)
    messages = check(host)
    entry = {to: content["sections"][0]["entries"][0] for to, content in messages.items()}
    assert entry[ADMIN]["detail"] == "/var/lib/autossl/tls: no space"
    assert entry[ALICE]["detail"] == "" and "nothing that you have to do" in entry[ALICE]["remedy"]


def test_what_is_over_and_comes_back_is_told_anew(host: Host, mail: Instance) -> None:
    refusal = Failure("ca_refused", "no", permanent=True)
    host.ca.refuses_orders = refusal
    assert kinds(check(host)[ALICE]) == ["cannot be ordered"]
    host.pass_by(days=1)
    assert check(host) == {}
    host.pass_by(days=1)
    host.ca.refuses_orders = None
    assert kinds(check(host)[ALICE]) == ["installed"]
    assert {row.gone_at for row in models.Told.select()} == {host.at}
    host.pass_by(days=61)
    host.ca.refuses_orders = refusal
    assert kinds(check(host)[ALICE]) == ["cannot be ordered"]


def test_a_provider_that_is_down_is_the_administrators_matter(host: Host, mail: Instance) -> None:
    host.ca.refuses_orders = Failure("ca_unreachable", "timed out")
    outages = []
    for _ in range(6):
        messages = check(host)
        outages.append(host.at - NOW)
        host.at = models.Problem.get(models.Problem.name == "").retry_at
        if messages:
            break
    assert set(messages) == {ADMIN} and kinds(messages[ADMIN]) == ["provider down"]
    assert timedelta(minutes=111) <= outages[-1] < timedelta(hours=4)


def test_where_it_is_off_or_no_notifier_is_in_use_nothing_is_kept(host: Host, mail: Instance) -> None:
    options.save(mail.config, {"notify_admin": "off"})
    own_level.choose(mail.config, "alice", "off")
    assert check(host) == {}
    plugin = found("smtp")
    plugin_options.save(mail, plugin, plugin.options())
    options.save(mail.config, {"notify_admin": "all"})
    host.ca.refuses_orders = Failure("ca_refused", "no", permanent=True)
    host.pass_by(days=80)
    assert check(host) == {} and models.Told.select().count() == 0
    plugin_options.save(mail, plugin, plugin.options(host="mx.example"))
    host.pass_by(days=1)
    assert set(check(host)) == {ADMIN}, "who was told nothing yet is told then"


def test_a_reseller_with_an_address_hears_of_his_accounts_where_resellers_may_do_that(
    host: Host, mail: Instance
) -> None:
    models.User.create(name="rita", role="reseller", contact=RITA)
    accounts.add(mail, "bob", "bob@b.example", "default", ["b.test"], None)
    models.Account.update(reseller="rita").where(models.Account.name == "alice").execute()
    assert set(check(host)) == {ADMIN, ALICE, "bob@b.example"}
    options.save(mail.config, {"resellers": True})
    host.pass_by(days=61)
    messages = check(host)
    assert set(messages) == {ADMIN, ALICE, RITA, "bob@b.example"}
    assert [entry["account"] for entry in messages[RITA]["sections"][0]["entries"]] == ["alice"]


def test_one_digest_for_who_has_several_accounts(host: Host, mail: Instance) -> None:
    accounts.add(mail, "bob", ALICE.upper(), "default", ["b.test"], None)
    messages = check(host)
    assert len(messages) == 2
    (content,) = [content for to, content in messages.items() if to.lower() == ALICE]
    assert [entry["website"] for entry in content["sections"][0]["entries"]] == ["a.test", "b.test"]


def test_a_contact_that_can_not_be_sent_to_is_left_out(host: Host, mail: Instance) -> None:
    models.Account.update(contact="a@a.example\r\nBcc: x@y.example").execute()
    assert set(check(host)) == {ADMIN}


def test_no_check_fails_because_nobody_can_be_told(
    host: Host, mail: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = host.check_all()
    for trouble in (Failure("config_invalid", "broken"), ZeroDivisionError("bug")):

        def fail(*_: object, trouble: Exception = trouble, **__: object) -> None:
            raise trouble

        monkeypatch.setattr(run_telling, "tell", fail)
        run_telling.tell_of_run(host.instance, host.log, cases, of_all=True)
        run_telling.tell_of_early_end(host.instance, Failure("no_room", "full"))
    said = (host.instance.place.logs / host.log.start / "log.txt").read_text()
    assert "nobody is told of this run: broken" in said and "telling people of this run: ZeroDivisionError: bug" in said


def test_the_same_occasion_is_told_once_also_if_it_is_told_again_after_a_crash(host: Host, mail: Instance) -> None:
    event = [Event(Kind.INSTALLED, "installed:a.test:1", "issued", account="alice", website="a.test")]
    assert tell(mail, event, (), "run-1", NOW) == 2
    assert tell(mail, event, (), "run-1", NOW) == 0
    assert models.Message.select().count() == 2


def test_a_check_that_came_to_no_end_is_told_to_administrators(host: Host, mail: Instance) -> None:
    run_telling.tell_of_early_end(mail, Failure("account_key_missing", "keys/ca.pem is gone"))
    run_telling.tell_of_early_end(mail, Failure("account_key_missing", "keys/ca.pem is gone"))
    run_telling.tell_of_early_end(mail, Failure("provider_disabled", "a person wants it so"))
    assert set(told()) == {ADMIN} and kinds(told()[ADMIN]) == ["host"]
    assert models.Message.select().count() == 1
    host.pass_by(minutes=1)
    check(host)
    assert models.Told.get(models.Told.key == run_telling.ENDED_EARLY).gone_at == host.at


def test_what_the_watch_found_is_told_to_administrators_and_is_over_with_it(host: Host, mail: Instance) -> None:
    models.Problem.create(website="a.test", name="", service="dovecot", code="served_older", text="since yesterday",
                          since=NOW, seen_at=NOW)
    run_telling.tell_of_watch(mail)
    run_telling.tell_of_watch(mail)
    assert set(told()) == {ADMIN} and kinds(told()[ADMIN]) == ["not served"]
    assert models.Message.select().count() == 1
    models.Problem.delete().execute()
    run_telling.tell_of_watch(mail)
    assert models.Told.get().gone_at == NOW


def test_lost_names_are_told_by_their_reason(host: Host, mail: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    models.Website.update(names=json.dumps(["a.test", "www.a.test"])).execute()
    assert kinds(check(host)[ALICE]) == ["installed"]

    def fails(names: Any, *_: object) -> dict[str, Verdict]:
        bad = Verdict("www.a.test", False, None, "dns_nxdomain", "www.a.test: no such name")
        return {name: bad if name == "www.a.test" else Verdict(name, True, "http-01") for name in names}

    monkeypatch.setattr(jobs.validate, "preflight", fails)
    host.pass_by(days=61)
    seen = []
    while host.at < NOW + timedelta(days=89):
        messages = check(host)
        seen += kinds(messages.get(ALICE, {"sections": []}))
        if seen and seen[-1] == "installed with reduced coverage":
            break
        host.at = models.Problem.get(models.Problem.name == "").retry_at
    assert seen[0] == "renewal deferred" and seen[-1] == "installed with reduced coverage"
    assert 3 <= seen.count("renewal deferred") <= 5, "weekly, for four weeks"
    (name,) = messages[ALICE]["sections"][0]["entries"][0]["names"]
    assert (name["name"], name["detail"]) == ("www.a.test", "www.a.test: no such name")


def test_old_memories_go_and_fresh_ones_stay(host: Host, mail: Instance) -> None:
    tell(mail, [Event(Kind.TERMS, "terms:ca", "terms_changed")], (), "run-1", NOW)
    telling.forget(NOW + timedelta(days=14))
    assert models.Told.select().count() == 1
    telling.forget(NOW + timedelta(days=14, seconds=1))
    assert models.Told.select().count() == 0


@pytest.mark.parametrize(
    ("hostname", "bind", "url"),
    [
        ("panel.example.com", "*:2087", "https://panel.example.com:2087"),
        ("panel.example.com", "[::]:443", "https://panel.example.com"),
        ("", "*:2087", ""), ("panel.example.com", "fd:3", ""), ("not a name", "*:2087", ""),
    ],
)
def test_links_are_there_if_the_panels_name_is_configured(
    instance: Instance, hostname: str, bind: str, url: str
) -> None:
    panel = replace(instance.config.panel, hostname=hostname, bind=bind)
    assert panel_url(panel) == url
    assert own_name(panel) == hostname if hostname == "panel.example.com" else "." in own_name(panel)
