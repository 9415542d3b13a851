"""The states of a certificate, the worst first, and what is done about each."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from jobs.policy.certificate import Certificate
from jobs.policy.certificate_state import CertificateState, state_of
from jobs.policy.decision import Options, Presented, SiteFacts, decide, touchable
from jobs.policy.names import wanted_names
from jobs.policy.site import Website
from tests.fakes import NOW

NAMES = ("a.test", "shop.a.test")
GOOD = Certificate(NAMES, "1", "f", "CA", NOW, NOW + timedelta(days=90), False, "ecdsa-p256", False)
LATER = NOW + timedelta(days=91)
DUE = NOW + timedelta(days=60)


@pytest.mark.parametrize(
    ("certificate", "now", "state"),
    [
        (None, NOW, "none"),
        (replace(GOOD, self_signed=True, weak=True), LATER, "self-signed"),
        (replace(GOOD, weak=True, revoked_at=NOW), LATER, "expired"),
        (replace(GOOD, weak=True, names=("other.test",), revoked_at=NOW), NOW, "revoked"),
        (replace(GOOD, ari_point=NOW), NOW, "due"),
        (replace(GOOD, weak=True, names=("other.test",)), NOW, "weak"),
        (replace(GOOD, names=("other.test",)), DUE, "wrong"),
        (replace(GOOD, names=("*.other.test",)), NOW, "wrong"),
        (replace(GOOD, names=()), NOW, "wrong"),
        (replace(GOOD, names=("a.test",)), DUE, "due"),
        (replace(GOOD, names=("a.test",)), NOW, "partial"),
        (replace(GOOD, names=("*.a.test",)), NOW, "partial"),
        (GOOD, NOW, "fine"),
        (replace(GOOD, names=("a.test", "*.a.test", "more.test")), NOW, "fine"),
    ],
)
def test_the_worst_that_can_be_said(certificate: Certificate | None, now: datetime, state: str) -> None:
    found = state_of(certificate, NAMES, now)
    assert found.value == state
    assert found.useful == (state in ("due", "partial", "fine"))


def test_a_file_that_holds_none_is_unreadable() -> None:
    assert state_of(None, NAMES, NOW, unreadable=True) is CertificateState.UNREADABLE


SITE = Website("alice", NAMES)


def facts(stored: Certificate | None = None, presented: Presented | None = None) -> SiteFacts:
    return SiteFacts(SITE, wanted_names(SITE, (), ()), stored, {"apache": presented})


def test_a_certificate_of_ours_for_other_names_is_ordered_anew_at_once() -> None:
    found = decide(facts(replace(GOOD, names=("a.example", "b.example", "c.example", "d.example"))), NOW, Options())
    assert (found.action.value, found.code, found.urgency) == ("order", "wrong", 0.0)
    assert "a.example, b.example, c.example and 1 more" in found.reason


@pytest.mark.parametrize(
    ("change", "now", "words"),
    [
        ({"names": ("host.example",)}, NOW, "for host.example, none of which is this website's"),
        ({"weak": True, "key_type": "rsa-1024"}, NOW, "whose key (rsa-1024) is too weak"),
        ({}, LATER, "that expired at 2027-02-22 12:00 UTC"),
        ({}, NOW + timedelta(days=88), "valid until 2027-02-22 12:00 UTC"),
    ],
    ids=["wrong", "weak", "expired", "about to end"],
)
def test_one_of_somebody_else_that_is_of_no_use_is_told_as_such_and_replaced_only_where_allowed(
    change: dict[str, object], now: datetime, words: str
) -> None:
    known = facts(presented=Presented(replace(GOOD, **change)))  # type: ignore[arg-type]
    found = decide(known, now, Options())
    assert (found.action.value, found.code) == ("leave alone", "foreign_invalid")
    assert words in found.reason and "only if the administrator allows" in found.reason
    assert decide(known, now, Options(replace_foreign=True)).action.value == "order"
    assert touchable(known, "apache", now, Options(replace_foreign=True))


def test_one_of_somebody_else_that_covers_one_guessed_name_is_not_wrong() -> None:
    known = facts(presented=Presented(replace(GOOD, names=("mail.a.test",))))
    for options in (Options(), Options(replace_foreign=True)):
        assert decide(known, NOW, options).code == "foreign_certificate"


def test_a_revoked_certificate_of_ours_is_ordered_anew_at_once() -> None:
    found = decide(facts(replace(GOOD, revoked_at=NOW - timedelta(hours=1))), NOW, Options())
    assert (found.action.value, found.code, found.urgency) == ("order", "revoked", 0.0)


@pytest.mark.parametrize(("allowed", "action"), [(False, "leave alone"), (True, "order")])
def test_a_revoked_certificate_of_somebody_else_is_of_no_use(allowed: bool, action: str) -> None:
    shown = Presented(replace(GOOD, issuer="Other CA", revoked_at=NOW))
    found = decide(facts(None, shown), NOW, Options(replace_foreign=allowed))
    assert found.action.value == action
    assert allowed or (found.code == "foreign_invalid" and "its CA has revoked" in found.reason)
