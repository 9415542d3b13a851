"""Step 3, before any name is tried: what is done about a website, and what is left alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from jobs.policy.certificate import Certificate
from jobs.policy.decision import Action, Options, Presented, SiteFacts, Wait, decide, services_behind, touchable
from jobs.policy.names import wanted_names
from jobs.policy.site import Website
from jobs.policy.verdict import Verdict
from tests.fakes import NOW

SITE = Website("alice", ("a.test", "shop.a.test"))
OURS = Certificate(
    ("a.test", "shop.a.test"), "1", "ours", "CA: R1", NOW, NOW + timedelta(days=90), False, "ecdsa-p256", False
)
LINKED = Presented(OURS, linked=True, ours=True)
THEIRS = replace(OURS, fingerprint="theirs", issuer="Other CA: X1")
SELF_SIGNED = replace(THEIRS, self_signed=True)
PLAIN, ALLOWED, FORCED = Options(), Options(replace_foreign=True), Options(forced=True)


def facts(**known: Any) -> SiteFacts:
    """The site's own names are wanted and nothing beside them; a certificate of ours is in use everywhere."""
    own = tuple(name for name in wanted_names(SITE, (), ()) if name.own)
    given: dict[str, Any] = {"wanted": own, "stored": OURS, "presented": {"apache": LINKED, "dovecot": LINKED}}
    return SiteFacts(SITE, **(given | known))


def decided(known: SiteFacts, now: datetime = NOW, options: Options = PLAIN) -> tuple[str, str]:
    found = decide(known, now, options)
    return found.action.value, found.code


def later(**more: float) -> datetime:
    return NOW + timedelta(**more)


def waits(until: datetime, name: str = "") -> dict[str, Wait]:
    return {name: Wait(until, "ca_unreachable", "the CA did not answer")}


@pytest.mark.parametrize(
    ("known", "now", "expected"),
    [
        (facts(), NOW, ("keep", "fine")),
        (facts(wanted=()), NOW, ("leave alone", "all_excluded")),
        (facts(stored=None, presented={"apache": None}), NOW, ("order", "no_certificate")),
        (facts(), later(days=90), ("order", "expired")),
        (facts(), later(days=60), ("order", "due")),
        (facts(), later(days=59, hours=23), ("keep", "fine")),
        (facts(stored=replace(OURS, weak=True)), NOW, ("order", "weak")),
        (facts(stored=replace(OURS, names=("a.test",))), NOW, ("order", "names_missing")),
        (facts(stored=replace(OURS, names=("a.test",)), waits=waits(later(hours=1), "shop.a.test")), NOW,
         ("keep", "fine")),
        (facts(stored=replace(OURS, names=("a.test", "*.a.test"))), NOW, ("keep", "fine")),
        (facts(presented={"apache": LINKED, "dovecot": None}), NOW, ("install only", "not_installed")),
        (facts(stored=None, waits=waits(later(hours=1))), NOW, ("keep", "backoff")),
        (facts(stored=None, waits=waits(NOW)), NOW, ("order", "no_certificate")),
        (facts(waits=waits(later(hours=1))), NOW, ("keep", "fine")),
    ],
    ids=["fine", "all excluded", "none", "expired", "due", "not quite due", "weak", "names missing",
         "the missing name waits", "a wildcard covers it", "not installed", "backoff", "backoff over",
         "backoff, but nothing to do"],
)
def test_what_is_done(known: SiteFacts, now: datetime, expected: tuple[str, str]) -> None:
    assert decided(known, now) == expected


@pytest.mark.parametrize(
    ("presented", "now", "plain", "allowed"),
    [
        (Presented(THEIRS), NOW, "leave alone", "leave alone"),
        (Presented(THEIRS), later(days=86), "leave alone", "leave alone"),
        (Presented(THEIRS), later(days=87), "leave alone", "order"),
        (Presented(THEIRS), later(days=91), "leave alone", "order"),
        (Presented(replace(THEIRS, weak=True)), NOW, "leave alone", "order"),
        (Presented(None, unreadable=True, detail="gone"), NOW, "leave alone", "order"),
        (Presented(SELF_SIGNED), NOW, "order", "order"),
        (Presented(THEIRS, ours=True), NOW, "order", "order"),
        (None, NOW, "order", "order"),
    ],
    ids=["valid", "4 days left", "3 days left", "expired", "weak", "unreadable", "self-signed",
         "of our provider", "nothing configured"],
)
def test_a_certificate_of_somebody_else_is_replaced_only_where_it_is_allowed_and_of_no_use(
    presented: Presented | None, now: datetime, plain: str, allowed: str
) -> None:
    known = facts(stored=None, presented={"apache": presented, "dovecot": None})
    assert decided(known, now)[0] == plain
    assert decided(known, now, ALLOWED)[0] == allowed
    assert touchable(known, "apache", now, PLAIN) is (plain == "order")


def test_a_foreign_certificate_of_a_mail_service_keeps_only_that_service_from_ours() -> None:
    known = facts(presented={"apache": LINKED, "dovecot": Presented(THEIRS)})
    assert decided(known) == ("keep", "fine")
    assert not touchable(known, "dovecot", NOW, PLAIN)


def test_names_that_a_foreign_certificate_lacks_are_told() -> None:
    known = facts(stored=None, presented={"nginx": Presented(replace(THEIRS, names=("a.test",)))})
    assert "it does not cover shop.a.test" in decide(known, NOW, PLAIN).reason


def test_a_person_does_not_wait_for_the_backoff() -> None:
    assert decided(facts(stored=None, waits=waits(later(days=1))), NOW, FORCED) == ("order", "no_certificate")
    known = facts(stored=replace(OURS, names=("a.test",)), waits=waits(later(hours=1), "shop.a.test"))
    assert decided(known, NOW, FORCED) == ("order", "names_missing")
    late = facts(presented={"dovecot": None}, service_waits={"dovecot": later(hours=1)})
    assert services_behind(late, NOW, PLAIN) == ()
    assert services_behind(late, NOW, FORCED) == ("dovecot",)


def test_an_order_that_is_under_way_is_gone_on_with_at_its_time_and_never_made_anew() -> None:
    known = facts(stored=None, under_way={"a.test": Verdict("a.test", True, "http-01")}, waits=waits(later(days=1)))
    assert decided(known) == ("order", "order_pending")
    known = replace(known, ordered_wait=later(minutes=5))
    assert decided(known) == ("keep", "order_pending")
    assert decided(known, later(minutes=5)) == ("order", "order_pending")
    assert decided(known, NOW, FORCED) == ("order", "order_pending")


@pytest.mark.parametrize(
    ("presented", "wait", "behind"),
    [
        (LINKED, None, False),
        (Presented(THEIRS, linked=True), None, True),
        (Presented(None, linked=True, unreadable=True), None, True),
        (Presented(OURS, ours=True), None, True),
        (None, None, True),
        (Presented(THEIRS), None, False),
        (LINKED, NOW, True),
        (LINKED, later(minutes=1), False),
    ],
    ids=["up to date", "an older set", "a torn link", "ours, but not by the link", "nothing", "foreign",
         "an installation that did not end", "tried again later"],
)
def test_which_services_lag_behind(presented: Presented | None, wait: datetime | None, behind: bool) -> None:
    known = facts(presented={"apache": presented}, service_waits={"apache": wait} if wait else {})
    assert services_behind(known, NOW, PLAIN) == (("apache",) if behind else ())


def test_new_certificates_come_before_renewals_and_those_by_expiry() -> None:
    lifetimes = (24, 40)
    soon, after = (facts(stored=replace(OURS, not_after=later(hours=hours))) for hours in lifetimes)
    found = [decide(known, later(hours=23), PLAIN) for known in (facts(stored=None), soon, after)]
    assert all(one.action is Action.ORDER for one in found)
    assert found[0].urgency < found[1].urgency < found[2].urgency


def test_a_website_whose_certificate_nobody_can_see_gets_no_order_unless_it_has_one_of_ours() -> None:
    unknown = Presented(None, detail="apache2.conf: Syntax error", unknown=True)
    blind = facts(stored=None, presented={"apache": unknown})
    assert decided(blind, options=FORCED) == ("blocked", "config_broken_before")
    assert "Syntax error" in decide(blind, NOW, FORCED).reason
    assert decided(facts(stored=None, presented={"dovecot": unknown})) == ("order", "no_certificate")
    assert decided(facts(presented={"apache": unknown})) == ("install only", "not_installed")


@pytest.mark.parametrize(
    "presented",
    [Presented(THEIRS), Presented(THEIRS, keeper="certbot"), Presented(None, unreadable=True, detail="gone")],
    ids=["valid", "managed by certbot", "unreadable"],
)
def test_a_website_that_was_given_over_gets_a_certificate_of_its_own_whatever_it_has(presented: Presented) -> None:
    known = facts(stored=None, presented={"apache": presented, "dovecot": Presented(THEIRS)})
    assert decided(known)[0] == "leave alone"
    over = replace(known, takeover=True)
    assert decided(over) == ("order", "no_certificate")
    assert touchable(over, "apache", NOW, PLAIN) and touchable(over, "dovecot", NOW, PLAIN)


def test_with_the_switch_off_again_what_was_replaced_stays() -> None:
    assert decided(facts(takeover=True)) == decided(facts(takeover=False)) == ("keep", "fine")


def test_who_looks_after_a_foreign_certificate_is_told() -> None:
    known = facts(stored=None, presented={"apache": Presented(THEIRS, keeper="certbot")})
    assert "a certificate of Other CA: X1 (managed by certbot), valid until" in decide(known, NOW, PLAIN).reason


def test_what_was_taken_over_is_kept_or_installed_and_not_ordered_anew_for_names_that_were_only_guessed() -> None:
    wanted = wanted_names(SITE, (), ())
    assert {"www.a.test", "mail.a.test"} <= {name.fqdn for name in wanted}
    taken = replace(OURS, taken_from="certbot")
    assert decided(facts(wanted=wanted)) == ("order", "names_missing")
    assert decided(facts(wanted=wanted, stored=taken)) == ("keep", "fine")
    seen = {"apache": Presented(taken, ours=True, keeper="certbot")}
    for options in (PLAIN, FORCED):
        assert decided(facts(wanted=wanted, stored=taken, presented=seen), NOW, options) == (
            "install only", "not_installed")
    lacks = replace(taken, names=("a.test",))
    assert decided(facts(wanted=wanted, stored=lacks)) == ("order", "names_missing"), "that is one of its own names"
    assert decided(facts(wanted=wanted, stored=taken), later(days=60)) == ("order", "due")


def test_no_service_gets_a_certificate_that_lacks_what_somebody_elses_secures_there() -> None:
    mail = Presented(replace(THEIRS, names=("a.test", "mail.a.test")))
    wanted = wanted_names(SITE, (), ())
    known = facts(wanted=wanted, stored=replace(OURS, taken_from="certbot"), takeover=True,
                  presented={"apache": Presented(THEIRS), "dovecot": mail, "exim": Presented(SELF_SIGNED)})
    assert services_behind(known, NOW, PLAIN) == ("apache", "exim")
    assert touchable(known, "dovecot", NOW, PLAIN, ("a.test", "mail.a.test"))
    assert not touchable(known, "dovecot", NOW, PLAIN, ("a.test", "shop.a.test"))
    ends = later(days=88)
    assert "dovecot" in services_behind(replace(known, stored=replace(OURS, not_after=later(days=300))), ends, PLAIN), (
        "what is about to end is worth less than what is valid")
