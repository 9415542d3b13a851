"""What answers at an inner address, and how zones are written, is told to who runs the host and never to a customer: on
no page, in no log, by no function of the API. All of it comes from a real plan and is recorded as a check does it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from flask import Flask

import models
from jobs.policy.decision import Action, Options, SiteFacts, decide
from jobs.policy.features import FeatureList
from jobs.policy.finding import Finding
from jobs.policy.plan import plan
from jobs.policy.preflight_report import Asked, Dns, Hop
from jobs.policy.site import NameKind, WantedName, Website
from jobs.policy.specs import Specs
from jobs.policy.verdict import Outcome, Verdict
from jobs.preflight.addresses import Addresses
from jobs.preflight.by_dns import ByDns
from jobs.preflight.seen import Seen, concluded, understood
from jobs.record import record, say_plan
from jobs.report import Case
from jobs.runlog import RunLog
from jobs.wiring import questions
from jobs.wiring.instance import Instance, now
from jobs.wiring.log_pages import Wanted, as_json_lines, as_text, from_byte
from tests.panel.api.api_client import Script, rows
from tests.panel.browser import Browser

INNER, WHERE = "shop.alice.test", "127.0.0.5"
BANNER = "internal-admin/1.2.3"
INSIDE = (BANNER, "status 403", "http_status", "intranet.corp", "/etc/bind", "rfc2136")
NAMES = ("alice.test", INNER)
MEANT = "is a loopback address; no website of this server answers there"


def verdicts() -> dict[str, Verdict]:
    """One name leads to an inner server, which redirects; of the other one the zone can't be written."""
    hops = (Hop(f"http://{INNER}/x", WHERE, status=302, server=BANNER, onward="https://intranet.corp/"),
            Hop(f"https://{INNER}/x", WHERE, status=403, server=BANNER))
    trouble = Finding("http_status", f"https://{INNER}/x at {WHERE}, answered by {BANNER}: expected 200, got 403")
    inner = Outcome(WHERE, trouble, True, (Finding("http_redirect_303", f"{BANNER} redirects with 303"),), hops)
    silent = Outcome("192.0.2.7", Finding("http_timeout", "alice.test at 192.0.2.7: took no connection"), False)
    found = {
        name: Addresses(ipv4=(one.address,), seen=Dns(lookups=(Asked("A", "found", (one.address,)),)))
        for name, one in zip(NAMES, (silent, inner), strict=True)
    }
    seen = understood((Seen(name, found[name], (one,)) for name, one in zip(NAMES, (silent, inner), strict=True)),
                      {"192.0.2.1"})
    written = ByDns(Finding("zone_update_refused", "/etc/bind/alice.zone: rfc2136 was refused"),
                    ("DNS validation: a value at alice.test in alice.test, by rfc2136",))
    ways = {"alice.test": written}
    return {one.name: concluded(one, ways.get(one.name), None, False) for one in seen}


def case(*names: str) -> Case:
    tried = {name: verdict for name, verdict in verdicts().items() if name in names}
    wanted = tuple(WantedName(name, NameKind.ALIAS, own=True) for name in names)
    facts = SiteFacts(Website("alice", NAMES), wanted, None, main_domain=NAMES[0])
    decision, specs = decide(facts, now(), Options()), Specs("CA", "https://ca.test/directory")
    made = plan(decision, facts, tried, specs, now(), Options())
    assert made.action is Action.BLOCKED
    return Case(facts.website, facts, decision, FeatureList("default"), made, verdicts=tried)


@pytest.fixture
def checked(app: Flask, instance: Instance) -> str:
    """The start of the run whose log tells it."""
    with rows():
        log = RunLog(instance.place.logs, now(), now, None)
        models.Run.create(start=log.start, provider="x", scope="*", started_at=now(), finished_at=now())
        one = case(INNER, "alice.test")
        log.say("info", "apache can't be asked: /etc/bind", account="alice", code="config_broken_before")
        say_plan(log, one)
        record(instance.place, log, now(), [one], [], ())
        log.close()
        return log.start


def browser(app: Flask, user: str) -> Browser:
    made = Browser(app)
    made.sign_in(user)
    return made


@pytest.fixture
def customer(app: Flask) -> Browser:
    return browser(app, "alice")


@pytest.fixture
def root(app: Flask) -> Browser:
    return browser(app, "root")


def told(text: str) -> list[str]:
    return [sign for sign in INSIDE if sign in text]


PAGES: dict[str, Callable[[str], str]] = {
    "the name": lambda start: f"/status/alice/name/{INNER}",
    "the names": lambda start: "/status/alice?show=problems",
    "the website": lambda start: "/status/alice/websites/alice.test",
    "the websites": lambda start: "/status/alice/websites",
    "the overview": lambda start: "/",
    "the log": lambda start: f"/logs/{start}",
    "the log as text": lambda start: f"/logs/{start}/log.txt",
    "the log as JSON": lambda start: f"/logs/{start}/log.jsonl",
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
def test_a_customer_reads_on_no_page_what_answers_at_an_inner_address(
    customer: Browser, checked: str, page: Callable[[str], str]
) -> None:
    answer = customer.get(page(checked))
    assert answer.status_code == 200 and not told(answer.text)


@pytest.mark.parametrize("page", ["the name", "the names", "the log", "the log as text"])
def test_he_reads_that_it_is_an_inner_address(customer: Browser, checked: str, page: str) -> None:
    text = customer.get(PAGES[page](checked)).text
    assert MEANT in text and WHERE in text


def test_his_api_tells_him_no_more(alice: Script, checked: str) -> None:
    problems = alice.data("SSL::get_autossl_problems")
    assert {one["domain"] for one in problems} == {"alice.test", INNER} and not told(json.dumps(problems))
    assert any(MEANT in one["problem"] for one in problems)
    log = alice.data("get_autossl_log", start_time=checked)["payload"]
    assert len(log) > 4 and not told(json.dumps(log))
    named = alice.data("get_autossl_problems_for_domain", domain=INNER)
    assert not told(json.dumps(named))


def test_who_runs_the_host_sees_all_of_it(root: Browser, admin: Script, checked: str) -> None:
    for page in ("the log", "the log as text", "the log as JSON"):
        assert set(told(root.get(PAGES[page](checked)).text)) == set(INSIDE) - {"http_status"}
    name = root.get(PAGES["the name"](checked)).text
    assert BANNER in name and "https://intranet.corp/" in name and MEANT in name
    log = json.dumps(admin.data("get_autossl_log", start_time=checked))
    assert BANNER in log and "rfc2136" in log


def test_a_preview_tells_him_no_more(app: Flask, checked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    report = {"provider": "x", "websites": [case(INNER).as_json(), case("alice.test").as_json()]}
    asked = questions.Question("done", now(), now())
    monkeypatch.setattr(questions, "latest", lambda *_: asked)
    monkeypatch.setattr(questions, "planned", lambda *_: report)
    shown = browser(app, "alice").get("/status/alice/preview").text
    assert MEANT in shown and not told(shown)
    assert BANNER in browser(app, "root").get("/status/alice/preview").text


@pytest.mark.parametrize("order", [(INNER, "alice.test"), ("alice.test", INNER)])
def test_the_reason_of_a_website_holds_nothing_that_its_owner_may_not_read(order: tuple[str, str]) -> None:
    made = case(*order).plan
    assert made and made.code == "all_names_failed" and not told(made.reason)


def test_a_log_is_told_without_the_lines_that_are_for_the_host_only(
    app: Flask, instance: Instance, checked: str
) -> None:
    accounts = frozenset({"alice"})
    whole = "".join(as_text(instance, checked, accounts))
    whole += b"".join(as_json_lines(instance, checked, accounts)).decode()
    assert not told(whole) and "seen_inside" not in whole and f"DNS: {INNER}: A {WHERE}" in whole
    info = from_byte(instance, checked, 0, Wanted(frozenset({"info"}), "", accounts), 99).events
    assert info and not told(" ".join(event.text for event in info))
