"""Why a resolver fails on a name is told apart: signatures that don't hold, and servers that don't serve the zone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from jobs.policy.preflight_report import kept, read
from jobs.policy.report_words import Mark, sections
from jobs.policy.verdict import Verdict
from jobs.preflight import Setting, preflight
from tests.jobs.preflight.delegations import LOWER, RESOLVER, SILENT, UPPER, Zone, start_internet

pytestmark = pytest.mark.e2e(timeout=90)

WEEK, YESTERDAY = timedelta(days=7), timedelta(days=-1)
ZONES = [
    Zone("good", signed=WEEK, ds="its own"),
    Zone("plain"),
    Zone("unanchored", signed=YESTERDAY),
    Zone("otherkey", signed=WEEK, ds="another"),
    Zone("expired", signed=YESTERDAY, ds="its own"),
    Zone("stripped", ds="another"),
    Zone("lame", [LOWER, UPPER], loaded=False),
    Zone("halflame", [LOWER, SILENT], loaded=False),
    Zone("unloaded", broken=True),
    Zone("unloadedhalf", [LOWER, UPPER], broken=True),
]


@pytest.fixture(scope="module", autouse=True)
def internet() -> None:
    start_internet(ZONES)


@pytest.fixture(params=["the zones' own servers", "the configured resolver"])
def asked(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return () if request.param == "the zones' own servers" else (RESOLVER,)


def look(name: str, asked: tuple[str, ...], responder: Any, known_good: bool = False) -> Verdict:
    setting = Setting(asked, timeout=6, own=frozenset(["192.0.2.1"]), http_port=9)
    return preflight([name], setting, responder, frozenset([name] if known_good else []))[name]


@pytest.mark.parametrize("name", ["www.otherkey.test", "expired.test", "www.expired.test", "alias.stripped.test"])
def test_signatures_that_do_not_hold_are_told_as_that(name: str, asked: tuple[str, ...], responder: Any) -> None:
    verdict = look(name, asked, responder)
    assert (verdict.passed, verdict.code, verdict.resolves) == (False, "dns_dnssec_bogus", True)
    assert f"{name}: looking up its address: {RESOLVER} answered SERVFAIL" in verdict.text
    assert "DNSSEC" in verdict.text


@pytest.mark.parametrize("name", ["lame.test", "www.lame.test", "a.b.lame.test"])
def test_servers_that_all_do_not_serve_the_zone_are_told_as_that(
    name: str, asked: tuple[str, ...], responder: Any
) -> None:
    verdict = look(name, asked, responder)
    assert (verdict.passed, verdict.code, verdict.resolves) == (False, "dns_lame", True)
    assert "the servers that are named for lame.test" in verdict.text
    assert f"{LOWER} answered REFUSED" in verdict.text
    assert f"{UPPER} answers, but is not responsible for lame.test" in verdict.text


@pytest.mark.parametrize(
    ("name", "server"),
    [
        ("www.halflame.test", f"{SILENT} didn't answer within"),
        ("www.unloaded.test", f"{LOWER} answered SERVFAIL"),
        ("www.unloadedhalf.test", f"{LOWER} answered SERVFAIL"),
    ],
)
def test_any_other_failure_is_told_with_the_words_of_each_server(
    name: str, server: str, asked: tuple[str, ...], responder: Any
) -> None:
    verdict = look(name, asked, responder)
    assert (verdict.passed, verdict.code, verdict.resolves) == (False, "dns_servfail", True)
    assert server in verdict.text and "DNSSEC" not in verdict.text


@pytest.mark.parametrize(
    ("name", "code", "resolves"),
    [
        ("missing.good.test", "dns_nxdomain", False),
        ("missing.plain.test", "dns_nxdomain", False),
        ("no.such.zone", "dns_nxdomain", False),
        ("ns0.good.test", "dns_nxdomain", False),
    ],
)
def test_a_name_that_does_not_exist_is_none_of_these(
    name: str, code: str, resolves: bool, asked: tuple[str, ...], responder: Any
) -> None:
    verdict = look(name, asked, responder)
    assert (verdict.passed, verdict.code, verdict.resolves) == (False, code, resolves)


@pytest.mark.parametrize("name", ["www.good.test", "alias.good.test", "www.plain.test", "www.unanchored.test"])
def test_a_good_zone_and_one_whose_signatures_nobody_checks_have_their_addresses(
    name: str, asked: tuple[str, ...], responder: Any
) -> None:
    verdict = look(name, asked, responder)
    assert verdict.code.startswith("http_") and verdict.seen is not None
    assert verdict.seen.dns.lookups[0].addresses == ("192.0.2.1",)


@pytest.mark.parametrize(
    ("name", "state", "words"),
    [
        ("www.expired.test", "dnssec bogus", "the zone's DNSSEC signatures don't hold"),
        ("www.lame.test", "lame delegation", "none of the name servers that are named for the zone serves it"),
    ],
)
def test_the_report_says_it_in_words(
    name: str, state: str, words: str, asked: tuple[str, ...], responder: Any
) -> None:
    verdict = look(name, asked, responder)
    assert verdict.seen is not None and f"DNS: {name}: A {state}; AAAA {state}" in verdict.report
    report = read(kept(verdict.seen))
    assert report == verdict.seen
    shown = sections(report)[0]
    assert (shown.title, shown.mark, [one.code for one in shown.troubles]) == ("DNS", Mark.BAD, [verdict.code])
    assert words in shown.said


def test_a_name_that_validated_before_is_warned_of_and_stays(asked: tuple[str, ...], responder: Any) -> None:
    for name, code in (("www.expired.test", "dns_dnssec_bogus"), ("www.lame.test", "dns_lame")):
        verdict = look(name, asked, responder, known_good=True)
        assert verdict.passed and code in [warning.code for warning in verdict.warnings]
