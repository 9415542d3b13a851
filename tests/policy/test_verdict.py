"""How the answers of a name's addresses, and what was known before, make one verdict."""

from __future__ import annotations

import pytest

from jobs.policy.finding import Finding
from jobs.policy.preflight_report import Asked, Dns, Report
from jobs.policy.verdict import CERTAIN, Outcome, combine, conclude

WRONG = Finding("http_wrong_content", "somebody else answered")
CERTAIN_CODES = (
    "caa_account_changed",
    "caa_conditions",
    "caa_critical",
    "caa_forbids",
    "caa_forbids_everyone",
    "caa_malformed",
    "name_invalid",
    "wildcard_needs_dns",
)
REFUSED = Finding("http_connection_refused", "connection refused")


def good(address: str) -> Outcome:
    return Outcome(address)


def wrong(address: str) -> Outcome:
    return Outcome(address, WRONG)


def silent(address: str) -> Outcome:
    return Outcome(address, REFUSED, connected=False)


@pytest.mark.parametrize(
    ("outcomes", "code", "warned"),
    [
        ([good("192.0.2.1")], None, []),
        ([good("2001:db8::1"), good("192.0.2.1")], None, []),
        ([silent("2001:db8::1"), good("192.0.2.1")], None, ["stray_aaaa"]),
        ([good("2001:db8::1"), silent("192.0.2.1")], None, ["stray_address"]),
        ([good("192.0.2.1"), silent("192.0.2.2")], None, ["stray_address"]),
        ([silent("2001:db8::2"), good("2001:db8::1")], None, ["stray_address"]),
        ([wrong("2001:db8::1"), good("192.0.2.1")], "ipv6_elsewhere", []),
        ([silent("2001:db8::1"), wrong("192.0.2.1")], "http_wrong_content", ["http_connection_refused"]),
        ([silent("2001:db8::1"), silent("192.0.2.1")], "http_connection_refused", []),
    ],
)
def test_a_wrong_answer_fails_and_a_silent_address_beside_a_right_one_warns(
    outcomes: list[Outcome], code: str | None, warned: list[str]
) -> None:
    trouble, warnings = combine(outcomes)
    assert (trouble.code if trouble else None) == code
    assert [warning.code for warning in warnings if warning != trouble] == warned


def test_a_name_without_findings_passes_by_http_01_and_keeps_its_warnings() -> None:
    seen = Report("a.test", Dns(lookups=(Asked("A", "found", ("192.0.2.1",)),)))
    verdict = conclude("a.test", [], [Finding("stray_aaaa", "words")], seen=seen)
    assert (verdict.passed, verdict.method, verdict.code) == (True, "http-01", "")
    assert verdict.warnings == (Finding("stray_aaaa", "words"),)
    assert verdict.report == ("DNS: a.test: A 192.0.2.1",)


def test_a_finding_fails_a_new_name_and_only_warns_for_one_that_validated_before() -> None:
    new = conclude("a.test", [WRONG])
    assert (new.passed, new.method, new.code, new.text) == (False, None, WRONG.code, WRONG.text)
    known = conclude("a.test", [WRONG], known_good=True)
    assert (known.passed, known.method) == (True, "http-01")
    assert known.warnings == (WRONG,)


@pytest.mark.parametrize("code", CERTAIN_CODES)
def test_what_is_certain_fails_a_known_name_as_well(code: str) -> None:
    assert set(CERTAIN_CODES) == CERTAIN
    verdict = conclude("a.test", [WRONG, Finding(code, "words")], known_good=True)
    assert (verdict.passed, verdict.code) == (False, code)
    assert WRONG in verdict.warnings


def test_a_name_that_does_not_resolve_fails_even_when_it_validated_before() -> None:
    verdict = conclude("a.test", [Finding("dns_nxdomain", "gone")], resolves=False, known_good=True)
    assert (verdict.passed, verdict.resolves, verdict.code) == (False, False, "dns_nxdomain")
