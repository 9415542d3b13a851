"""What a monitoring system watches: figures of rows, of which none is of what is nobody's trouble here."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import models
from jobs import outbox, queue, records
from jobs.policy.certificate import Certificate
from jobs.policy.coverage import UNUSED
from jobs.policy.ledger import take
from jobs.policy.limits import Counted
from jobs.policy.name_state import ends_soon
from jobs.providers import letsencrypt
from jobs.wiring import backup, order_counts, retention
from jobs.wiring.database_copies import keep_copy
from jobs.wiring.instance import Instance, now
from jobs.wiring.measures import Certificates, Measures, ProviderFacts, measure
from tests.panel import seed
from tests.panel.queries import plan, recorded

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def account(name: str, **values: Any) -> None:
    models.Account.create(**{"name": name, "source": "manifest", "found_at": NOW, **values})


def secured(name: str, left: timedelta, lifetime: timedelta = 90 * DAY, owner: str | None = None, **site: Any) -> None:
    """A website of `owner` (else an account of its own) with a certificate that has so much `left`."""
    if owner is None:
        account(f"of-{name}")
    models.Website.create(account=owner or f"of-{name}", main=name, names="[]", source="x", found_at=NOW, **site)
    models.Certificate.create(
        website=name, serial="ab", fingerprint=name, names="[]", issuer="x", provider="ca",
        not_before=NOW + left - lifetime, not_after=NOW + left, due_at=NOW, stored_at=NOW,
    )


def ends(instance: Instance, at: datetime = NOW) -> Certificates:
    return measure(instance, at).certificates


def test_a_fresh_installation_has_figures_and_nothing_to_watch(instance: Instance) -> None:
    found = measure(instance, NOW)
    assert (found.accounts, found.websites, found.names) == (0, 0, {"excluded": 0})
    assert found.certificates == Certificates(0, 0, {7: 0, 14: 0, 30: 0}, 0, None)
    assert set(found.queue.values()) == {0} and len(found.queue) == 6 and found.overdue == timedelta(0)
    assert [*found.services, *found.checks, *found.providers, *found.problems, *found.orders] == []
    assert (found.ticked, found.copied, found.backed_up) == (None, None, None)


def test_names_are_covered_or_missing_as_checks_have_counted_them(instance: Instance) -> None:
    seed.accounts(20, 3)
    models.Exclusion.create(account=seed.account_name(1), name="www.shop1.example.com")
    found = measure(instance, now())
    assert (found.accounts, found.websites) == (20, 20)
    assert found.names == {"covered": 32, "missing": 16, "excluded": 1}


class TestEnds:
    def test_each_is_counted_within_every_number_of_days_that_it_has_left(self, instance: Instance) -> None:
        for number, days in enumerate((-1, 1, 6.9, 7.1, 13, 29, 31, 80)):
            secured(f"site{number}.test", days * DAY)
        assert ends(instance) == Certificates(8, 1, {7: 2, 14: 4, 30: 5}, 2, NOW - DAY)

    def test_what_was_replaced_does_not_count(self, instance: Instance) -> None:
        secured("a.test", DAY)
        models.Certificate.update(retired_at=NOW).execute()
        assert ends(instance) == Certificates(0, 0, {7: 0, 14: 0, 30: 0}, 0, None)

    @pytest.mark.parametrize(
        "values",
        [{"state": "suspended"}, {"override": "disabled"}, {"gone_at": NOW}, {"package": "closed"}],
        ids=["suspended", "switched off", "gone", "without the feature"],
    )
    def test_an_end_that_nobody_works_against_is_no_alarm(self, instance: Instance, values: dict[str, Any]) -> None:
        models.FeatureList.create(name="off", autossl=False)
        models.Package.create(name="closed", feature_list="off")
        account("alice", **values)
        secured("a.test", -DAY, owner="alice")
        secured("b.test", 60 * DAY)
        assert ends(instance) == Certificates(2, 0, {7: 0, 14: 0, 30: 0}, 0, NOW + 60 * DAY)

    @pytest.mark.parametrize("package", ["default", "never heard of"])
    def test_an_override_opens_what_the_default_closes(self, instance: Instance, package: str) -> None:
        models.FeatureList.update(autossl=False).where(models.FeatureList.name == "default").execute()
        account("alice", package=package)
        account("bob", package=package, override="enabled")
        secured("a.test", DAY, owner="alice")
        secured("b.test", DAY, owner="bob")
        assert ends(instance).ending == {7: 1, 14: 1, 30: 1}

    def test_a_website_that_is_gone_or_has_a_certificate_of_somebody_elses_is_no_alarm(
        self, instance: Instance
    ) -> None:
        secured("gone.test", DAY, gone_at=NOW)
        secured("foreign.test", DAY)
        secured("mail.test", DAY)
        secured("snakeoil.test", DAY)
        for website, service, self_signed in (
            ("foreign.test", "apache", False), ("mail.test", "dovecot", False), ("snakeoil.test", "nginx", True)
        ):
            presented = json.dumps({"self_signed": self_signed})
            models.ServiceState.create(
                website=website, service=service, state="foreign", presented=presented, checked_at=NOW
            )
        assert ends(instance).ending[7] == 2 and ends(instance).soonest == NOW + DAY

    @pytest.mark.parametrize("lifetime", [timedelta(seconds=60), timedelta(hours=5), 6 * DAY, 90 * DAY, 398 * DAY])
    @pytest.mark.parametrize("part", [0.5, 0.101, 0.099, 0.02, 0.01, 0.001])
    def test_the_end_is_near_by_the_rule_of_the_pages(
        self, instance: Instance, lifetime: timedelta, part: float
    ) -> None:
        left = lifetime * part
        secured("a.test", left, lifetime)
        one = Certificate(("a.test",), "ab", "a", "x", NOW + left - lifetime, NOW + left, False, "", False)
        assert ends(instance).near_end == int(ends_soon(one) <= NOW)

    def test_the_rule_tells_seconds_apart(self, instance: Instance) -> None:
        secured("a.test", 7 * DAY + timedelta(seconds=2))
        assert ends(instance).near_end == 0
        assert ends(instance, NOW + timedelta(seconds=4)).near_end == 1


def test_problems_are_labelled_by_the_catalogue_and_by_nothing_else(instance: Instance) -> None:
    account("alice")
    models.Website.create(account="alice", main="a.test", names="[]", source="x", found_at=NOW)
    for name, code in (("", "all_names_failed"), ("a", "dns_half"), ("b", "dns_half"), ("c", UNUSED), ("d", "fine"),
                       ("e", 'from_the_future"} 1\n'), ("f", "another_of_tomorrow")):
        models.Problem.create(website="a.test", name=name, code=code, text="x", since=NOW, seen_at=NOW)
    assert measure(instance, NOW).problems == {
        ("all_names_failed", "error"): 1, ("dns_half", "warning"): 2, ("unknown", "error"): 2,
    }


class TestQueue:
    def test_checks_and_orders_count_and_questions_do_not(self, instance: Instance) -> None:
        queue.request_check(None, False, NOW)
        queue.update(queue.request_order("a.test", "alice", "ca", {}, NOW)[0], state="waiting", run_after=NOW + DAY)
        queue.finish(queue.request_order("b.test", "alice", "ca", {}, NOW)[0], "done", "", NOW)
        models.QueueEntry.create(kind="preview", key="preview:x", requested_at=NOW - DAY, run_after=NOW - DAY)
        found = measure(instance, NOW)
        assert {key: number for key, number in found.queue.items() if number} == {
            ("check", "queued"): 1, ("order", "waiting"): 1,
        }

    def test_it_is_overdue_from_when_it_could_have_been_done(self, instance: Instance) -> None:
        row, _ = queue.request_check(None, False, NOW)
        assert measure(instance, NOW + timedelta(hours=2)).overdue == timedelta(hours=2)
        queue.update(row, state="running")
        assert measure(instance, NOW + timedelta(hours=2)).overdue == timedelta(0)
        order = queue.request_order("a.test", "alice", "ca", {}, NOW - 5 * DAY)[0]
        queue.update(order, state="waiting", run_after=NOW + timedelta(hours=1))
        assert measure(instance, NOW).overdue == timedelta(0)
        assert measure(instance, NOW + timedelta(hours=3)).overdue == timedelta(hours=2)


def test_the_last_check_of_all_is_told_for_each_result_and_those_of_accounts_are_not(instance: Instance) -> None:
    for hours, scope, result in ((50, "*", "done"), (26, "*", "done"), (25, "*", "failed"), (1, "alice", "stopped")):
        began = NOW - timedelta(hours=hours)
        row = records.start_run(f"{began}", scope, "ca", began)
        records.finish_run(row, result, {}, began + timedelta(minutes=hours))
    records.start_run("now", "*", "ca", NOW)
    checks = measure(instance, NOW).checks
    assert [(one.result, NOW - one.finished, one.seconds) for one in checks] == [
        ("done", timedelta(hours=26) - timedelta(minutes=26), 26 * 60),
        ("failed", timedelta(hours=25) - timedelta(minutes=25), 25 * 60),
    ]


class TestProviders:
    def test_pauses_are_told_while_they_last(self, instance: Instance) -> None:
        seed.provider()
        models.Provider.update(blocked_since=NOW, blocked_until=NOW + DAY, blocked_code="x", blocked_text="x").execute()
        paused = [measure(instance, NOW + after).providers[0].paused for after in (timedelta(0), DAY)]
        assert paused == [True, False]

    def test_what_the_cas_limit_leaves_is_counted_from_the_ledger(self, instance: Instance) -> None:
        seed.provider()
        specs = letsencrypt.Provider(letsencrypt.Options()).specs()
        limit = next(one for one in specs.limits if one.counted is Counted.ORDERS)
        assert measure(instance, NOW).providers == [ProviderFacts("letsencrypt", True, False, limit.capacity)]
        full_at = take(limit, take(limit, NOW, NOW), NOW)
        models.Budget.create(provider="letsencrypt", counted=Counted.ORDERS, key="", full_at=full_at)
        models.Budget.create(provider="letsencrypt", counted=Counted.DOMAIN, key="a.test", full_at=NOW + DAY)
        assert measure(instance, NOW).providers[0].orders_left == limit.capacity - 2

    def test_one_whose_plugin_is_gone_hides_none_of_the_others(self, instance: Instance) -> None:
        seed.provider()
        models.Provider.create(name="gone", plugin="of_yesterday", added_at=NOW)
        models.Provider.create(name="odd", plugin="custom", options='{"nonsense": 1}', added_at=NOW)
        found = measure(instance, NOW).providers
        assert [(one.name, one.orders_left is None) for one in found] == [
            ("gone", True), ("letsencrypt", False), ("odd", True),
        ]


class TestOrders:
    def ended(self, provider: str, state: str, when: datetime, count: int = 1) -> None:
        for number in range(count):
            row = queue.request_order(f"{provider}{state}{when}{number}", "alice", provider, {}, when)[0]
            queue.finish(row, state, "", when)

    def test_they_are_counted_by_provider_and_result(self, instance: Instance) -> None:
        self.ended("ca", "done", NOW, 3)
        self.ended("ca", "failed", NOW)
        self.ended("ca", "cancelled", NOW)
        self.ended("other", "done", NOW)
        queue.request_order("a.test", "alice", "ca", {}, NOW)
        assert measure(instance, NOW).orders == {("ca", "done"): 3, ("ca", "failed"): 1, ("other", "done"): 1}

    def test_the_sum_outlives_the_rows(self, instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(order_counts, "BATCH", 2)
        moment = now()
        for age in (200, 100, 1):
            self.ended("ca", "done", moment - age * DAY, 3)
            self.ended("ca", "cancelled", moment - age * DAY)
        before = order_counts.count()
        retention.keep_tidy(instance)
        assert models.QueueEntry.select().count() == 4
        self.ended("ca", "failed", moment - 100 * DAY)
        order_counts.forget(moment - 90 * DAY)
        assert before == {("ca", "done"): 9}
        assert order_counts.count() == {("ca", "done"): 9, ("ca", "failed"): 1}
        assert models.QueueEntry.select().count() == 4

    def test_a_crash_in_between_counts_nothing_twice(
        self, instance: Instance, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.ended("ca", "done", NOW - 100 * DAY, 3)

        def crash(*values: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(models.QueueEntry, "delete", crash)
            order_counts.forget(NOW)
        assert order_counts.count() == {("ca", "done"): 3}


def test_messages_that_wait_and_that_were_given_up_are_counted(instance: Instance) -> None:
    for number in range(4):
        assert outbox.put(f"{number}", "mail", "a@a.test", f"{number}@x", "Subject", {}, NOW)
    rows = list(models.Message.select())
    outbox.close_sent(rows[0], "", NOW)
    models.Message.update(state="failed").where(models.Message.id == rows[1].id).execute()
    assert measure(instance, NOW).messages == {"waiting": 2, "failed": 1}


def test_backups_are_told_by_when_they_were_made(instance: Instance, tmp_path: Path) -> None:
    keep_copy(instance)
    found = measure(instance, now())
    assert found.copied is not None and now() - found.copied < timedelta(minutes=1) and found.backed_up is None
    (tmp_path / "kept").mkdir(mode=0o700)
    backup.backup(instance, tmp_path / "kept" / "autossl.tgz", keys=True, logs=False)
    made = measure(instance, now()).backed_up
    assert made is not None and now() - made < timedelta(minutes=1)


class TestCost:
    def looked(self, instance: Instance) -> Sequence[tuple[str, tuple[object, ...]]]:
        with recorded() as said:
            measure(instance, now())
        return list(said)

    def test_the_number_of_queries_does_not_depend_on_how_much_there_is(self, instance: Instance) -> None:
        seed.provider()
        counts = []
        for first, more in ((0, 10), (10, 200)):
            seed.accounts(more, first=first)
            counts.append(len(self.looked(instance)))
        assert counts[0] == counts[1] <= 30

    def test_each_is_answered_by_an_index(self, instance: Instance) -> None:
        seed.provider()
        seed.accounts(50)
        looked = self.looked(instance)
        grown = ("account", "website", "certificate", "problem", "service_state", "queue_entry", "run", "message",
                 "exclusion", "budget")
        mine = [one for one in looked if any(f'FROM "{table}"' in one[0] for table in grown)]
        assert len(mine) >= 14
        for sql, values in mine:
            assert not [step for step in plan(sql, values) if re.match(r"SCAN (?!.*(INDEX|\())", step)], sql

    def test_the_search_for_what_ends_soon_begins_with_what_ends_soon(self, instance: Instance) -> None:
        seed.accounts(50)
        mine = [one for one in self.looked(instance) if "CROSS JOIN" in one[0]]
        assert len(mine) == 2
        for sql, values in mine:
            first, *rest = plan(sql, values)
            assert first.startswith("SEARCH t1 USING") and "certificate_retired_at_not_after_website" in first
            assert not [step for step in rest if "TEMP B-TREE" in step or step.startswith("SCAN")]


def test_a_figure_names_no_account_and_no_website(instance: Instance) -> None:
    seed.provider()
    seed.accounts(20)
    seed.pending(3)
    found: Measures = measure(instance, now())
    assert not re.search(r"user\d|shop\d|example\.com", repr(found))
