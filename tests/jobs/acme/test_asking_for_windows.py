"""The tick asks CAs for renewal windows: whom, how often, and what becomes of the answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

import models
from jobs import records, renewals
from jobs.policy.ari import Window, certificate_id
from jobs.policy.due import backstop, due_at
from jobs.policy.proof import parse
from jobs.ports import OrderRequest
from jobs.store import live_set
from jobs.wiring import renewal_windows
from jobs.wiring.renewal_windows import ask_for_windows
from jobs.world import World
from tests.fakes import NOW
from tests.jobs.acme.ari_front import AriFront, Said, ari_front, window
from tests.jobs.acme.pebble import Pebble
from tests.jobs.check_host import Host
from tests.jobs.check_host import host as host

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ACCOUNT = "https://ca.test/acct/1"


@pytest.fixture(scope="module")
def front(pebble: Pebble) -> Iterator[AriFront]:
    with ari_front(pebble.directory_url, pebble.ca_file, pebble.ca_file.with_name("server.key")) as running:
        yield running


@pytest.fixture
def secured(host: Host, front: AriFront, monkeypatch: pytest.MonkeyPatch) -> Host:
    """`a.test` has a certificate of the provider `ca`, which tells windows."""
    front.says.clear()
    front.asked.clear()
    front.offers, front.usual = True, Said(status=404)
    monkeypatch.setattr(renewal_windows, "now", host.clock)
    add_provider("ca", front, current=True)
    plain = host.world

    def with_account(services: Any) -> World:
        world = plain(services)
        return replace(world, ordering=replace(world.ordering, account_url=ACCOUNT))

    monkeypatch.setattr(host, "world", with_account)
    assert host.check().outcome == "installed"
    return host


def add_provider(name: str, front: AriFront, current: bool = False, directory: str = "") -> None:
    options = json.dumps({"directory": directory or front.directory_url, "ca_bundle": str(front.ca_file)})
    models.Provider.create(name=name, plugin="custom", options=options, added_at=NOW, current=current)


def row() -> models.Certificate:
    return models.Certificate.get(models.Certificate.retired_at.is_null())


def ask(host: Host, fraction: float = 0.5) -> models.Certificate:
    ask_for_windows(host.instance, lambda: fraction)
    return row()


def test_a_certificate_is_known_by_its_id_and_account_from_the_moment_it_is_stored(secured: Host) -> None:
    kept = row()
    leaf = (live_set(secured.instance.place, "a.test", kept.serial) / "cert.pem").read_bytes()
    assert kept.ari_id == certificate_id(parse(leaf))
    assert (kept.account_url, kept.ari_next, kept.ari_start) == (ACCOUNT, NOW, None)


def test_a_window_moves_the_due_date_and_is_chosen_once(secured: Host, front: AriFront) -> None:
    opens = NOW + 10 * DAY
    front.usual = window(opens, opens + 2 * DAY, "https://ca.example/why", 2 * 3600)
    kept = ask(secured, 0.25)
    assert front.asked == [kept.ari_id]
    assert (kept.ari_start, kept.ari_end, kept.ari_url) == (opens, opens + 2 * DAY, "https://ca.example/why")
    assert opens < kept.ari_point < opens + 0.5 * DAY and kept.due_at == kept.ari_point
    assert kept.ari_early and kept.ari_failures == 0 and kept.ari_asked_at == NOW
    assert 2 * HOUR <= kept.ari_next - NOW <= DAY  # the CA's two hours begin now, by this host's own clock
    secured.pass_by(days=2)
    again = ask(secured, 0.9)
    assert len(front.asked) == 2 and again.ari_point == kept.ari_point
    front.usual = window(NOW + 5 * DAY, NOW + 6 * DAY)
    secured.pass_by(days=2)
    moved = ask(secured, 0.0)
    assert (moved.ari_point, moved.ari_url) == (NOW + 5 * DAY, None)


def test_a_tick_before_its_time_asks_nobody(secured: Host, front: AriFront) -> None:
    front.usual = window(NOW + 10 * DAY, NOW + 11 * DAY)
    ask(secured)
    for _ in range(5):
        secured.pass_by(seconds=30)
        ask(secured)
    assert len(front.asked) == 1


def test_frequent_ticks_do_not_get_past_the_backoff(secured: Host, front: AriFront) -> None:
    front.usual = Said(b"", 500)
    waits = []
    for _ in range(4):
        kept = ask(secured)
        asked = len(front.asked)
        ask(secured)
        assert len(front.asked) == asked
        waits.append((kept.ari_next - secured.at) / timedelta(minutes=1))
        secured.at = kept.ari_next
    assert waits == [1, 2, 4, 8] and kept.ari_failures == 4


def test_nonsense_changes_nothing_and_is_asked_again_after_six_hours(secured: Host, front: AriFront) -> None:
    front.usual = window(NOW + 10 * DAY, NOW + 11 * DAY)
    good = ask(secured)
    secured.at = good.ari_next
    front.usual = window(NOW + 11 * DAY, NOW + 10 * DAY)
    kept = ask(secured)
    assert (kept.ari_point, kept.ari_start, kept.due_at) == (good.ari_point, good.ari_start, good.due_at)
    assert kept.ari_next == secured.at + 6 * HOUR


def test_a_ca_that_offers_no_windows_is_looked_at_again_after_a_day(secured: Host, front: AriFront) -> None:
    front.offers = False
    kept = ask(secured)
    assert front.asked == [] and kept.ari_next == NOW + DAY and kept.ari_failures == 0
    assert kept.due_at == backstop(records.live_certificates()["a.test"])


@pytest.mark.parametrize("gone", ["removed", "broken"])
def test_a_provider_that_is_gone_is_not_asked_and_keeps_nobody_from_being_asked(
    secured: Host, front: AriFront, gone: str
) -> None:
    add_provider("other", front, directory="" if gone == "removed" else "https://127.0.0.1:1/dir")
    if gone == "removed":
        models.Provider.delete().where(models.Provider.name == "ca").execute()
        models.Provider.update(current=True).execute()
    else:
        models.Provider.update(plugin="nowhere").where(models.Provider.name == "ca").execute()
    kept = ask(secured)
    assert front.asked == [] and kept.ari_next == NOW + DAY


def test_nothing_is_asked_while_autossl_is_disabled(secured: Host, front: AriFront) -> None:
    models.Provider.update(current=False).execute()
    assert ask(secured).ari_next == NOW
    assert front.asked == []


def test_a_certificate_is_asked_about_at_the_provider_that_issued_it(secured: Host, front: AriFront) -> None:
    add_provider("new", front, directory="https://127.0.0.1:1/dir")
    models.Provider.update(current=models.Provider.name == "new").execute()
    front.usual = window(NOW + 10 * DAY, NOW + 11 * DAY)
    assert ask(secured).ari_start == NOW + 10 * DAY


def test_a_ca_that_is_down_is_not_asked_for_each_certificate(secured: Host, front: AriFront) -> None:
    first = row()
    for number in range(60):
        values = {**first.__data__, "id": None, "fingerprint": str(number), "website": f"s{number}.test"}
        models.Certificate.create(**values)
    front.usual = Said(b"", 503)
    ask_for_windows(secured.instance, lambda: 0.5)
    assert len(front.asked) == renewal_windows.BATCH
    rows = list(models.Certificate.select())
    assert {one.ari_failures for one in rows} == {1} and {one.ari_next for one in rows} == {NOW + timedelta(minutes=1)}
    front.usual = window(NOW + 10 * DAY, NOW + 11 * DAY)
    secured.pass_by(minutes=1)
    ask_for_windows(secured.instance, lambda: 0.5)
    assert models.Certificate.select().where(models.Certificate.ari_early).count() == 61


def test_what_a_tick_has_no_time_for_is_asked_by_the_next(
    secured: Host, front: AriFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    front.usual = window(NOW + 10 * DAY, NOW + 11 * DAY)
    with monkeypatch.context() as patch:
        patch.setattr(renewal_windows, "WHOLE", -1.0)
        assert ask(secured).ari_next == NOW
    assert front.asked == []
    assert ask(secured).ari_start == NOW + 10 * DAY


def test_what_was_stored_before_ids_were_kept_is_read_from_its_file(secured: Host, front: AriFront) -> None:
    known = row().ari_id
    models.Certificate.update(ari_id=None, account_url=None).execute()
    front.usual = window(NOW + 10 * DAY, NOW + 11 * DAY)
    assert ask(secured).ari_id == known
    assert ask(secured).ari_start == NOW + 10 * DAY


@pytest.mark.parametrize("damage", ["gone", "garbage"])
def test_what_can_not_be_read_is_not_asked_about_again(secured: Host, front: AriFront, damage: str) -> None:
    models.Certificate.update(ari_id=None).execute()
    path = live_set(secured.instance.place, "a.test", row().serial) / "fullchain.pem"
    path.unlink()
    if damage == "garbage":
        path.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    kept = ask(secured)
    assert (kept.ari_id, kept.ari_next) == ("", None) and front.asked == []


def test_an_answer_about_a_certificate_that_was_replaced_meanwhile_is_dropped(secured: Host, front: AriFront) -> None:
    (question,) = renewals.due(NOW, 10)
    certificate = replace(records.live_certificates()["a.test"], fingerprint="new", serial="7")
    records.keep_certificate("a.test", certificate, "ca", due_at(certificate), NOW)
    late = renewals.ari.Renewal(Window(NOW - DAY, NOW - HOUR), NOW - 2 * HOUR)
    renewals.keep(question, late, NOW)
    assert row().fingerprint == "new" and row().ari_point is None and row().due_at == due_at(certificate)
    former = models.Certificate.get_by_id(question.row)
    assert (former.ari_point, former.ari_asked_at) == (None, None)


def test_the_window_of_an_old_certificate_never_counts_for_the_new_one(secured: Host, front: AriFront) -> None:
    """Else a window in the past would have every new certificate renewed again, until a limit of the CA's is hit."""
    front.says[row().ari_id] = window(NOW - DAY, NOW - HOUR)
    secured.pass_by(hours=30)
    ask(secured)
    assert secured.check().outcome == "installed" and len(secured.ca.orders) == 2
    fresh = row()
    assert (fresh.ari_start, fresh.ari_point, fresh.ari_next) == (None, None, secured.at)
    for _ in range(5):
        ask(secured)
        assert secured.check().outcome in ("", "kept")
    assert len(secured.ca.orders) == 2


def test_a_ca_that_always_says_now_has_us_order_twice_a_day_at_most(secured: Host, front: AriFront) -> None:
    front.usual = window(NOW - DAY, NOW - HOUR)
    secured.pass_by(days=1)
    for _ in range(3 * 24):
        ask(secured)
        secured.check()
        secured.pass_by(hours=1)
    assert 3 <= len(secured.ca.orders) - 1 <= 7


def test_a_row_with_a_window_and_without_a_point_renews_nothing(secured: Host) -> None:
    models.Certificate.update(ari_start=NOW - DAY, ari_end=NOW - HOUR, ari_point=None).execute()
    secured.pass_by(days=2)
    assert secured.check().outcome in ("", "kept") and len(secured.ca.orders) == 1


def test_an_order_in_the_window_says_so_in_the_log_and_what_it_replaces(
    secured: Host, front: AriFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[OrderRequest] = []
    plain = secured.ca.issue

    def issue(request: OrderRequest, solvers: Any, journal: Any) -> Any:
        asked.append(request)
        return plain(request, solvers, journal)

    monkeypatch.setattr(secured.ca, "issue", issue)
    front.usual = window(NOW + DAY, NOW + 3 * DAY)
    former = ask(secured, 0.0)
    secured.at = NOW + DAY + HOUR
    assert records.accounts_due(secured.at) == ["alice"]
    case = secured.check()
    assert (case.outcome, case.decision.code) == ("installed", "due")
    assert case.decision.reason.startswith("due by the CA's renewal window since 2026-11-25 12:00 UTC")
    assert [request.replaces for request in asked] == [former.ari_id]
    (log,) = secured.instance.place.logs.glob("*/log.txt")
    assert "a.test: order: due by the CA's renewal window since" in log.read_text()


@pytest.mark.parametrize("change", ["later", "other account", "other provider", "unknown account"])
def test_an_order_that_may_not_replace_says_nothing_of_it(secured: Host, front: AriFront, change: str) -> None:
    front.usual = window(NOW + DAY, NOW + 3 * DAY)
    ask(secured)

    def said(provider: str = "ca", account: str | None = ACCOUNT, at: datetime = NOW + 2 * DAY) -> dict[str, str]:
        return renewals.replaced({"a.test": ["a.test"]}, provider, account, at)

    assert said() == {"a.test": row().ari_id}
    refused = {
        "later": said(at=NOW + 4 * DAY), "other account": said(account="https://ca.test/acct/2"),
        "other provider": said("other"), "unknown account": said(account=None),
    }
    assert refused[change] == {}
