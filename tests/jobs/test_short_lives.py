"""What is kept of failures of short-lived certificates: every date is a matter of the lifetime that is at stake."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

import jobs.validate
import models
from jobs import records
from jobs.policy.due import deferral_ends
from jobs.policy.failure import Failure
from jobs.policy.verdict import Verdict
from tests.fakes import NOW
from tests.jobs.check_host import Host, host

__all__ = ["host"]

NAMES = ("a.test", "www.a.test", "mail.a.test")
MINUTE, SIX_DAYS = timedelta(seconds=60), timedelta(days=6)


def has(host: Host, lifetime: timedelta) -> datetime:
    """The website has a certificate that lives that long, issued now; when it is due."""
    host.ca.instead = host.ca.ca.bundle(NAMES, host.at, lifetime)
    assert host.check(forced=True).outcome == "installed"
    host.ca.instead = None
    return host.at + lifetime / 2


def failing(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    def sees(asked: Any, *_: object) -> dict[str, Verdict]:
        return {
            name: Verdict(name, False, None, "dns_nxdomain", "", False) if name in names
            else Verdict(name, True, "http-01") for name in asked
        }

    monkeypatch.setattr(jobs.validate, "preflight", sees)


def test_a_service_that_fails_is_tried_again_while_what_it_presents_is_valid(host: Host) -> None:
    host.at = has(host, MINUTE)
    host.ca.instead = host.ca.ca.bundle(NAMES, host.at, MINUTE)
    host.service.serves_wrongly.add("a.test")
    assert host.check().outcome == "failed"
    (row,) = models.ServiceState.select()
    assert (row.state, row.retry_at) == ("failed", host.at + timedelta(seconds=3))
    host.service.serves_wrongly.clear()
    host.at = row.retry_at
    assert host.check().outcome == "installed" and host.at < NOW + MINUTE


def test_a_first_installation_that_fails_has_nothing_at_stake(host: Host) -> None:
    host.ca.instead = host.ca.ca.bundle(NAMES, host.at, MINUTE)
    host.service.serves_wrongly.add("a.test")
    host.check()
    (row,) = models.ServiceState.select()
    assert row.retry_at == host.at + timedelta(minutes=1)


def test_an_order_that_hangs_is_asked_for_and_given_up_while_there_is_time(host: Host) -> None:
    host.at = due = has(host, MINUTE)
    host.ca.answer = "pending"
    while host.check().outcome == "pending":
        host.at = host.rows()[-1].run_after
    assert host.at - due >= MINUTE / 3 and host.at < NOW + MINUTE
    host.ca.answer = None
    trouble = host.trouble()
    assert trouble is not None and trouble.code == "order_given_up" and trouble.retry_at is not None
    host.ca.instead = host.ca.ca.bundle(NAMES, trouble.retry_at, MINUTE)
    host.at = trouble.retry_at
    assert host.check().outcome == "installed" and host.at < NOW + MINUTE


def test_a_time_that_the_ca_names_beyond_the_end_is_not_waited_for(host: Host) -> None:
    host.at = has(host, SIX_DAYS)
    host.ca.answer, host.ca.retry_at = "pending", host.at + timedelta(days=5)
    assert host.check().outcome == "pending"
    assert host.rows()[-1].run_after <= host.at + SIX_DAYS / 10


def test_useless_certificates_cost_no_short_lived_one_its_hour(host: Host) -> None:
    host.at = has(host, MINUTE)
    host.ca.names = ("other.test",)
    assert host.check().outcome == "failed"
    trouble = host.trouble()
    assert trouble is not None and trouble.code == "certificate_wrong_names"
    assert trouble.retry_at == host.at + MINUTE / 10
    host.at = has(host, timedelta(days=90)) + timedelta(days=20)
    host.ca.names = ("other.test",)
    assert host.check().outcome == "failed"
    trouble = host.trouble()
    assert trouble is not None and trouble.retry_at == host.at + timedelta(hours=1)


@pytest.mark.parametrize("lifetime", [MINUTE, SIX_DAYS, timedelta(days=90)])
def test_a_deferral_is_looked_at_again_when_it_ends(
    host: Host, monkeypatch: pytest.MonkeyPatch, lifetime: timedelta
) -> None:
    """The last look before may be just before: then the next one by the backoff would come after the expiry."""
    has(host, lifetime)
    failing(monkeypatch, "www.a.test")
    ends = NOW + lifetime
    host.at = ends - min(timedelta(days=3), lifetime / 10) - lifetime / 500
    for _ in range(5):
        assert host.check(forced=True).outcome == "deferred"
    trouble = host.trouble()
    assert trouble is not None and trouble.retry_at is not None
    assert trouble.retry_at == deferral_ends(records.live_certificates()["a.test"])
    host.at = trouble.retry_at
    host.ca.instead = host.ca.ca.bundle(("a.test", "mail.a.test"), host.at, lifetime)
    case = host.check()
    assert (case.outcome, set(case.names)) == ("installed", {"a.test", "mail.a.test"})


def test_a_ca_that_is_down_until_shortly_before_the_end_is_asked_in_time(host: Host) -> None:
    host.at = has(host, SIX_DAYS)
    host.ca.refuses_orders = Failure("ca_unreachable", "no connection")
    back = NOW + SIX_DAYS - timedelta(hours=2)
    while host.at < back:
        assert not host.check().good
        trouble = host.trouble()
        assert trouble is not None and trouble.retry_at is not None and trouble.retry_at > host.at
        host.at = trouble.retry_at
    assert host.at < NOW + SIX_DAYS
    host.ca.refuses_orders = None
    host.ca.instead = host.ca.ca.bundle(NAMES, host.at, SIX_DAYS)
    assert host.check().outcome == "installed"
