"""Orders whose CA, disk or process fails half-way: gone on with, never made twice, and given up in the end."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from typing import Any

import pytest

import models
from jobs import order, records
from jobs.policy.certificate import Bundle
from jobs.policy.failure import Failure
from jobs.ports import OrderRequest, Pending
from tests.fakes import NOW, FakeService
from tests.jobs.check_host import Host, host

__all__ = ["host"]

DOWN = Failure("ca_unreachable", "asking for the order: ca.test: it did not answer in time")


@pytest.mark.parametrize("code", sorted(order.PASSING))
def test_a_failure_that_is_not_about_the_order_leaves_it_to_be_gone_on_with(host: Host, code: str) -> None:
    host.ca.answer = Failure(code, "something passing")
    assert host.check().outcome == "failed"
    (row,) = host.rows()
    assert (row.state, row.order_url) == ("waiting", "https://ca.test/order/1")
    assert row.run_after == NOW + timedelta(minutes=5)
    assert host.keys() == ["a.test.pem"]
    host.ca.answer = None
    host.pass_by(minutes=5)
    assert host.check().outcome == "installed"
    assert (len(host.ca.orders), host.ca.asked) == (1, ["https://ca.test/order/1"])
    assert ([row.state for row in host.rows()], host.keys(), host.trouble()) == (["done"], [], None)


def test_a_refusal_ends_the_order_and_the_next_try_makes_a_new_one(host: Host) -> None:
    host.ca.answer = Failure("ca_refused", "no")
    assert host.check().outcome == "failed"
    assert ([row.state for row in host.rows()], host.keys()) == (["failed"], [])
    host.ca.answer = None
    host.pass_by(minutes=1)
    assert host.check().outcome == "installed"
    assert (len(host.ca.orders), host.ca.asked) == (2, [])


def test_a_ca_that_takes_no_order_is_asked_again_by_the_backoff(host: Host) -> None:
    host.ca.refuses_orders = DOWN
    host.check()
    assert [row.state for row in host.rows()] == ["failed"]
    host.ca.refuses_orders = None
    waiting = host.check()
    assert (waiting.decision.code, waiting.outcome, waiting.good) == ("backoff", "kept", False)
    host.pass_by(minutes=1)
    assert host.check().outcome == "installed"


def test_a_time_that_the_ca_names_is_obeyed_unless_a_person_asks(host: Host) -> None:
    host.ca.answer, host.ca.retry_at = "pending", NOW + timedelta(hours=3)
    assert host.check().outcome == "pending"
    host.ca.answer = None
    host.pass_by(hours=2)
    case = host.check()
    assert (case.decision.code, host.ca.asked) == ("order_pending", [])
    assert "2026-11-24 15:00 UTC" in case.decision.reason
    assert host.check(forced=True).outcome == "installed"


def test_an_order_that_hangs_is_given_up_after_a_week_and_made_anew(host: Host) -> None:
    host.ca.answer = "pending"
    for age, wait in ((0, timedelta(minutes=5)), (1, timedelta(hours=1)), (2, timedelta(days=1))):
        host.at = NOW + timedelta(days=age)
        assert host.check().outcome == "pending"
        assert [row.run_after for row in host.rows()] == [host.at + wait]
    host.at = NOW + timedelta(days=7)
    assert host.check().outcome == "failed"
    trouble = host.trouble()
    assert trouble is not None and trouble.code == "order_given_up" and "of 2026-11-24" in trouble.text
    assert host.keys() == []
    host.ca.answer = None
    host.pass_by(minutes=1)
    assert host.check().outcome == "installed" and len(host.ca.orders) == 2


@pytest.mark.parametrize("where", ["jobs.obtain.prove", "tests.jobs.check_host.CA._finish"])
def test_a_bug_does_not_make_a_second_order_and_does_not_hold_the_website_for_ever(
    host: Host, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(where, _bug)
        for age in (0, 1, 2, 6):
            host.at = NOW + timedelta(days=age)
            assert host.check().outcome == "failed"
            assert [row.state for row in host.rows()] == ["waiting"]
        assert len(host.ca.orders) == 1
        host.at = NOW + timedelta(days=7)
        host.check()
        assert ([row.state for row in host.rows()], host.keys()) == (["failed"], [])
    host.pass_by(days=1)
    assert host.check().outcome == "installed" and len(host.ca.orders) == 2


def test_a_bug_before_the_order_leaves_nothing_that_would_be_gone_on_with(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("tests.jobs.check_host.CA.issue", _bug)
        assert host.check().outcome == "failed"
    assert ([row.state for row in host.rows()], host.keys()) == (["failed"], [])
    trouble = host.trouble()
    assert trouble is not None and trouble.code == "internal_error"
    host.pass_by(minutes=1)
    assert host.check().outcome == "installed" and len(host.ca.orders) == 1


def _bug(*_: object, **__: object) -> None:
    raise ValueError("nobody foresaw this")


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", ["prove", "store", "records.keep_certificate", "order.finish"])
def test_a_process_that_is_killed_after_the_ca_has_issued_downloads_it_again(
    host: Host, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(f"jobs.obtain.{step}", die)
        with pytest.raises(Killed):
            host.check()
    assert records.live_certificates() == {}, "the certificate's row and the order's are changed together"
    assert host.check().outcome == "installed"
    assert (len(host.ca.orders), host.ca.asked) == (1, ["https://ca.test/order/1"])
    assert [row.state for row in host.rows()] == ["done"]


def test_a_process_that_is_killed_before_the_key_is_dropped_leaves_nothing_to_do(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("jobs.order.drop_key", die)
        with pytest.raises(Killed):
            host.check()
    assert host.check().outcome == "installed"
    assert (len(host.ca.orders), host.ca.asked) == (1, [])


def test_an_order_whose_key_is_gone_is_made_anew(host: Host) -> None:
    host.ca.answer = "pending"
    host.check()
    (host.instance.place.keys / "orders" / "a.test.pem").unlink()
    host.ca.answer = None
    host.pass_by(minutes=5)
    assert host.check().outcome == "installed"
    assert (len(host.ca.orders), host.ca.asked) == (2, [])


def test_a_ca_that_issues_what_was_not_ordered_is_not_asked_again_within_the_hour(host: Host) -> None:
    host.ca.names = ("other.test",)
    assert host.check().outcome == "failed"
    trouble = host.trouble()
    assert trouble is not None and (trouble.code, trouble.retry_at) == (
        "certificate_wrong_names", NOW + timedelta(hours=1)
    )
    host.pass_by(minutes=59)
    host.check()
    assert len(host.ca.orders) == 1
    assert not (host.instance.place.live / "a.test").exists()


def test_an_order_for_a_name_that_is_excluded_meanwhile_is_given_up(host: Host) -> None:
    host.check()
    models.Website.update(names=json.dumps(["a.test", "new.test"])).execute()
    host.ca.answer = "pending"
    assert host.check().outcome == "pending"
    for name in ("new.test", "www.new.test", "mail.new.test"):
        models.Exclusion.create(account="alice", name=name)
    host.pass_by(minutes=5)
    assert host.check().outcome == "kept"
    assert ([row.state for row in host.rows()], host.keys(), host.ca.asked) == (["done", "cancelled"], [], [])


def test_the_longest_host_name_can_be_ordered(host: Host) -> None:
    long = ".".join(["a" * 62] * 3 + ["b" * 59, "test"])
    assert len(long) == 253
    models.Website.update(main=long, names=json.dumps([long])).execute()
    host.ca.answer = "pending"
    assert host.check().outcome == "pending"
    host.ca.answer = None
    host.pass_by(minutes=5)
    host.check()  # the service of these tests has a file of that name, which its file system does not take
    assert long in records.live_certificates()[long].names
    assert (host.keys(), len(host.ca.orders)) == ([], 1)


def test_a_name_that_the_ca_refuses_for_good_is_tried_once_a_day(host: Host) -> None:
    models.Website.update(names=json.dumps(["a.test", "bad.test"])).execute()
    refused = {"bad.test": "bad.test: the CA answered: forbidden by policy"}
    real = host.ca.issue

    def issue(request: OrderRequest, solvers: Any, journal: Any) -> Bundle | Pending:
        if "bad.test" in request.names:
            raise Failure("ca_rejected_name", "forbidden", permanent=True, names=refused)
        return real(request, solvers, journal)

    host.ca.issue = issue  # type: ignore[method-assign]
    assert host.check().outcome == "installed"
    assert records.troubles()["a.test"]["bad.test"].retry_at == NOW + timedelta(days=1)


def test_a_certificate_whose_files_are_gone_is_ordered_anew(host: Host) -> None:
    host.check()
    shutil.rmtree(host.instance.place.live / "a.test")
    case = host.check()
    assert (case.decision.code, case.outcome) == ("no_certificate", "installed")
    assert len(host.ca.orders) == 2


def test_a_process_that_is_killed_before_the_reload_has_it_done_by_the_next_check(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(self: FakeService) -> None:
        raise Killed

    def nothing(*_: object) -> None:
        """A process that is killed puts nothing back."""

    with monkeypatch.context() as patch:
        patch.setattr(FakeService, "reload", die)
        patch.setattr("jobs.privileged.restore", nothing)
        with pytest.raises(Killed):
            host.check()
    assert host.service.loaded == {}
    case = host.check()
    assert (case.decision.code, case.services["fake"][0]) == ("not_installed", "installed")
    assert host.service.loaded and len(host.ca.orders) == 1
