"""What a check has to tell: no hiccup, nothing twice, and everything in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.policy.certificate import Certificate
from jobs.policy.decision import Action
from jobs.policy.failure import LeftOff
from jobs.policy.notify import Event, Kind
from jobs.policy.notify_run import Failed, Provider, Result, Service, events_of, settled_by

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LASTING = 4
"""The first try, and those after 1, 10 and 100 minutes."""

WWW = LeftOff("www.a.example", "dns_nxdomain", "www.a.example: no such name")
REFUSED = Failed("ca_refused", "the CA said no")
DOWN = Failed("ca_unreachable", "timed out", of_provider=True)


def certificate(left: float = 60, names: tuple[str, ...] = ("a.example",)) -> Certificate:
    """Of 90 days, with `left` days left."""
    ends = NOW + timedelta(days=left)
    return Certificate(names, "1", "f", "CA", ends - timedelta(days=90), ends, False, "ecdsa-p256", False)


def result(**changes: Any) -> Result:
    plain = Result(
        "alice", "a.example", "ca", Action.KEEP, "fine", "valid", "kept", frozenset({"a.example", "www.a.example"}),
        certificate(),
    )
    return replace(plain, **changes)


def told(*results: Result, providers: tuple[Provider, ...] = (Provider("ca"),)) -> list[Event]:
    return list(events_of(results, providers, NOW))


def kinds(*results: Result, **more: Any) -> list[Kind]:
    return [event.kind for event in told(*results, **more)]


def test_where_all_is_well_there_is_nothing_to_tell() -> None:
    assert told(result(), result(action=Action.KEEP, code="nothing_gained", left_off=(WWW,))) == []


# --- a certificate came


def issued(**changes: Any) -> Result:
    return result(**{"action": Action.ORDER, "code": "due", "outcome": "installed", "issued": True, **changes})


def test_an_installed_certificate_is_told_with_its_names() -> None:
    (event,) = told(issued(certificate=certificate(90, ("a.example", "www.a.example"))))
    assert (event.kind, event.covered) == (Kind.INSTALLED, ("a.example", "www.a.example"))
    assert event.ends_at == NOW + timedelta(days=90)


def test_uncovered_names_are_told_if_the_website_lists_them() -> None:
    guessed = LeftOff("webmail.a.example", "http_other_server", "elsewhere")
    (event,) = told(issued(left_off=(WWW, guessed)))
    assert (event.kind, event.names) == (Kind.UNCOVERED, (WWW,))
    assert kinds(issued(left_off=(guessed,))) == [Kind.INSTALLED], "a guessed name is nobody's trouble"


def test_a_name_that_was_covered_and_is_not_any_more_is_reduced_coverage() -> None:
    (event,) = told(issued(code="reduced_coverage", left_off=(WWW,), lost=("www.a.example", "mail.a.example")))
    assert event.kind is Kind.REDUCED
    assert event.names == (WWW, LeftOff("mail.a.example", "names_missing", ""))


def test_a_certificate_that_no_service_took_is_not_told_as_installed() -> None:
    services = (Service("apache", "failed", "test failed", "config_test_failed", LASTING),)
    assert kinds(issued(outcome="failed", services=services)) == [Kind.INSTALL]


def test_names_are_told_as_uncovered_only_where_the_certificate_is_in_use() -> None:
    bad, good = Service("apache", "failed", "test failed", "config_test_failed", 1), Service("exim", "installed", "")
    left = {"outcome": "failed", "left_off": (WWW,)}
    assert told(issued(services=(bad,), **left)) == []
    assert kinds(issued(services=(bad, good), **left)) == [Kind.UNCOVERED]


def test_it_is_told_when_uncovered_names_are_tried_again() -> None:
    again = NOW + timedelta(hours=1)
    for event in (*told(issued(left_off=(WWW,), retry_at=again)), *told(issued(lost=("b.example",), retry_at=again))):
        assert event.retry_at == again


# --- something is in the way


OBSTACLES = [
    (Kind.DEFERRED, {"action": Action.DEFER, "code": "deferred", "reason": "www would be lost", "outcome": "deferred"}),
    (Kind.BLOCKED, {"code": "coverage_blocked", "reason": "www would be lost"}),
    (Kind.UNORDERED, {"action": Action.BLOCKED, "code": "all_names_failed", "outcome": "failed"}),
    (Kind.UNORDERED, {"action": Action.ORDER, "code": "due", "outcome": "failed", "failure": REFUSED}),
]


@pytest.mark.parametrize(("kind", "changes"), OBSTACLES)
def test_a_hiccup_at_night_is_nobodys_mail(kind: Kind, changes: dict[str, Any]) -> None:
    for failures in range(1, LASTING):
        assert told(result(failures=failures, **changes)) == []
    assert kinds(result(failures=LASTING, **changes)) == [kind]


@pytest.mark.parametrize(("kind", "changes"), OBSTACLES)
def test_shortly_before_the_end_the_first_failure_is_told(kind: Kind, changes: dict[str, Any]) -> None:
    assert told(result(failures=1, certificate=certificate(9.1), **changes)) == []
    for left in (9, 1, -1):
        assert kinds(result(failures=1, certificate=certificate(left), **changes)) == [kind]


def test_shortly_is_a_tenth_of_the_lifetime_however_short_that_is() -> None:
    def with_left(seconds: float) -> Result:
        ends = NOW + timedelta(seconds=seconds)
        short = replace(certificate(), not_before=ends - timedelta(seconds=60), not_after=ends)
        return result(failures=1, certificate=short, **OBSTACLES[0][1])

    assert told(with_left(7)) == [] and len(told(with_left(6))) == 1


def test_a_website_that_never_had_a_certificate_is_not_about_to_lose_it() -> None:
    new = {"certificate": None, "action": Action.ORDER, "code": "no_certificate", "failure": REFUSED}
    assert told(result(failures=1, **new)) == [] and kinds(result(failures=LASTING, **new)) == [Kind.UNORDERED]


def test_a_revoked_certificate_counts_as_ended() -> None:
    revoked = replace(certificate(), revoked_at=NOW - timedelta(hours=1))
    assert kinds(result(failures=1, certificate=revoked, **OBSTACLES[3][1])) == [Kind.UNORDERED]


def test_what_only_a_person_can_change_is_told_at_once() -> None:
    failure = replace(REFUSED, permanent=True)
    assert kinds(result(failures=1, action=Action.ORDER, failure=failure, outcome="failed")) == [Kind.UNORDERED]


def test_a_foreign_certificate_of_no_use_is_told() -> None:
    assert kinds(result(action=Action.LEAVE, code="foreign_invalid", outcome="left alone")) == [Kind.FOREIGN]
    assert told(result(action=Action.LEAVE, code="foreign_certificate", outcome="left alone")) == []


@pytest.mark.parametrize(
    "waiting",
    [
        {"action": Action.ORDER, "outcome": "pending"},
        {"action": Action.KEEP, "code": "order_pending"},
        {"action": Action.KEEP, "code": "ca_limit_near", "outcome": "waiting"},
        {"action": Action.ORDER, "outcome": "failed", "failure": Failed("ca_rate_limited", "too many")},
    ],
)
def test_what_only_has_to_be_waited_for_is_told_shortly_before_the_end(waiting: dict[str, Any]) -> None:
    assert told(result(failures=50, **waiting)) == []
    assert kinds(result(certificate=certificate(2), **waiting)) == [Kind.UNORDERED]


def test_what_was_stopped_is_told_to_nobody() -> None:
    assert told(result(action=Action.ORDER, outcome="stopped", certificate=certificate(1))) == []


# --- services


def test_a_service_that_lasts_in_failing_is_told() -> None:
    def on(service: Service, **changes: Any) -> list[Event]:
        return told(result(services=(service,), **changes))

    bad = Service("dovecot", "failed", "its test fails", "config_test_failed", 1)
    assert on(bad) == [] and on(replace(bad, state="waiting", attempts=9)) == []
    (event,) = on(replace(bad, attempts=LASTING))
    assert (event.kind, event.service, event.code) == (Kind.INSTALL, "dovecot", "config_test_failed")
    assert len(on(bad, certificate=certificate(3))) == 1


# --- providers


def test_a_provider_that_is_down_is_told_once_for_all_websites() -> None:
    failing = [result(website=f"{number}.example", action=Action.ORDER, outcome="failed", failure=DOWN, failures=1)
               for number in range(50)]
    down = Provider("ca", 3, "ca_unreachable", "timed out", NOW + timedelta(minutes=1))
    assert told(*failing, providers=(down,)) == []
    (event,) = told(*failing, providers=(replace(down, failures=6),))
    assert (event.kind, event.service, event.websites, event.retry_at) == (Kind.PROVIDER, "ca", 50, down.until)


def test_a_provider_that_is_down_is_told_also_where_another_one_issues() -> None:
    down = Provider("first", 9, "ca_unavailable", "503")
    assert kinds(issued(provider="second"), providers=(down, Provider("second"))) == [Kind.INSTALLED, Kind.PROVIDER]


def test_websites_whose_certificates_are_about_to_end_are_named_beside_their_provider() -> None:
    down = Provider("ca", 9, "ca_unreachable", "timed out")
    failing = {"action": Action.ORDER, "outcome": "failed", "failure": DOWN, "failures": 9}
    near, far = result(certificate=certificate(3), **failing), result(website="b.example", **failing)
    assert [(event.kind, event.website) for event in told(near, far, providers=(down,))] == [
        (Kind.UNORDERED, "a.example"), (Kind.PROVIDER, ""),
    ]


def test_a_limit_of_a_provider_is_not_told_as_its_failure() -> None:
    assert told(providers=(Provider("ca", 9, "ca_rate_limited", "too many"),)) == []


def test_new_terms_are_told_before_a_website_has_to_wait() -> None:
    (event,) = told(providers=(Provider("ca", new_terms="https://ca.example/terms"),))
    assert (event.kind, event.websites) == (Kind.TERMS, 0) and "https://ca.example/terms" in event.detail


# --- over


def test_what_is_in_order_again_is_settled() -> None:
    ok = Service("apache", "installed", "unchanged")
    found = settled_by([issued(services=(ok,)), result(website="b.example")], [Provider("ca"), Provider("other", 2)])
    assert found == {"website:a.example", "website:b.example", "install:apache:a.example", "provider:ca", "terms:ca",
                     "terms:other"}
    waiting = result(action=Action.KEEP, code="backoff", services=(replace(ok, state="failed"),))
    assert settled_by([waiting], [Provider("ca", 1, new_terms="x")]) == frozenset()


@pytest.mark.parametrize(("kind", "changes"), OBSTACLES)
def test_what_is_told_and_settled_goes_by_the_same_key(kind: Kind, changes: dict[str, Any]) -> None:
    (event,) = told(result(failures=LASTING, **changes))
    assert event.key in settled_by([result()], [Provider("ca")])


def test_a_provider_that_still_fails_single_websites_is_not_settled() -> None:
    failing = result(action=Action.ORDER, outcome="failed", failure=Failed("ca_unreachable", "timed out"), failures=9)
    (event,) = told(failing)
    assert event.key == "provider:ca" and event.key not in settled_by([failing], [Provider("ca")])
    waits = result(action=Action.KEEP, code="backoff", failures=9)
    assert event.key not in settled_by([waits], [Provider("ca")]), "nobody asked it meanwhile"
