"""What services present that was not installed by us is kept, shown, and counts as what it is."""

from __future__ import annotations

from datetime import timedelta

import models
from jobs import presented, records, summaries
from jobs.policy.certificate import Certificate
from jobs.policy.decision import Presented
from jobs.policy.name_state import NameState
from jobs.wiring import accounts
from jobs.wiring.coverage import account_status
from jobs.wiring.instance import Instance, now

SITE = "alice.test"


def certificate(*names: str, self_signed: bool = False) -> Certificate:
    start = now()
    ends = start + timedelta(days=80)
    return Certificate(names, "7", "f" * 64, "Other CA: X1", start, ends, self_signed, "rsa-2048", False)


def look(left_alone: bool = False, done: tuple[str, ...] = (), **found: Presented | None) -> None:
    presented.keep([presented.Look(SITE, found, done, left_alone)], now())


def states() -> dict[str, str]:
    return dict(models.ServiceState.select(models.ServiceState.service, models.ServiceState.state).tuples())


def test_a_certificate_of_somebody_elses_secures_the_names_that_it_has(instance: Instance) -> None:
    accounts.add(instance, "alice", None, "default", [SITE, "shop.alice.test"], None)
    other = certificate(SITE)
    look(left_alone=True, apache=Presented(other), dovecot=None)
    (site,) = account_status(instance, "alice")
    found = {row.name: row for row in site.names}
    assert (found[SITE].state, found[SITE].ours, found[SITE].issuer) == (NameState.COVERED, False, "Other CA: X1")
    assert found["shop.alice.test"].state is NameState.WAITING
    assert (site.ours, site.certificate) == (False, other)
    assert [(one.service, one.state, one.certificate) for one in site.services] == [
        ("apache", "foreign", other), ("dovecot", "none", None),
    ]
    summaries.refresh(["alice"], ())
    row = models.Account.get_by_id("alice")
    assert (row.covered, row.expires_at) == (1, other.not_after)


def test_a_self_signed_one_secures_nobody(instance: Instance) -> None:
    accounts.add(instance, "alice", None, "default", [SITE], None)
    look(apache=Presented(certificate(SITE, self_signed=True)))
    (site,) = account_status(instance, "alice")
    assert site.certificate is None and site.services[0].certificate is not None
    assert site.names[0].state is NameState.WAITING


def test_a_failed_installation_stays_with_its_next_try_and_shows_what_is_there_meanwhile(instance: Instance) -> None:
    records.keep_standings({(SITE, "apache"): ("failed", "no", None)}, now())
    look(apache=Presented(certificate(SITE)), done=("apache",))
    look(apache=Presented(certificate(SITE)))
    row = models.ServiceState.get()
    assert (row.state, row.text, row.attempts) == ("failed", "no", 1)
    assert row.retry_at is not None and presented.certificate(row) == certificate_of(row)
    look(left_alone=True, apache=Presented(certificate(SITE)))
    row = models.ServiceState.get()
    assert (row.state, row.retry_at) == ("foreign", None), "what is left alone is not tried again"


def certificate_of(row: models.ServiceState) -> Certificate:
    made = presented.certificate(row)
    assert made is not None and made.names == (SITE,)
    return made


def test_what_was_installed_and_then_replaced_by_hand_is_no_longer_ours(instance: Instance) -> None:
    records.keep_standings({(SITE, "apache"): ("installed", "1 name", None)}, now())
    look(apache=Presented(certificate(SITE), linked=True, ours=True))
    assert states() == {"apache": "installed"} and models.ServiceState.get().presented is None
    look(left_alone=True, apache=Presented(certificate(SITE)))
    assert states() == {"apache": "foreign"}
    look(apache=Presented(None, unreadable=True, detail="no such file"))
    assert (states(), models.ServiceState.get().text) == ({"apache": "unreadable"}, "no such file")


def test_a_service_that_is_gone_from_the_host_is_not_tried_for_ever(instance: Instance) -> None:
    records.keep_standings({(SITE, "exim"): ("failed", "no", None)}, now())
    look(apache=None)
    assert states() == {"apache": "none"}
