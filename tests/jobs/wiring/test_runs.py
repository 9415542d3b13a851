"""Who is told what of which run; and that a run's row lives as long as its log."""

from __future__ import annotations

from datetime import timedelta

import pytest

import models
from jobs import records, runlog
from jobs.policy.access import Reach
from jobs.wiring import runs
from jobs.wiring.instance import Instance, now

ROOT, RITA, ANN = Reach(everything=True), Reach(reseller="rita"), Reach(account="alice")


@pytest.fixture(autouse=True)
def rows(instance: Instance) -> dict[str, str]:
    """Runs by what they were about; alice and carol are rita's."""
    for name, reseller in (("alice", "rita"), ("bob", None), ("carol", "rita")):
        models.Account.create(name=name, source="apache", reseller=reseller, found_at=now())
    made = {}
    for number, scope in enumerate(("*", "alice", "bob", "alice,bob", "alice,carol", "bob,malice")):
        run = records.start_run(f"2026-11-24T0{number}:00:00.000Z", scope, "letsencrypt", now())
        records.finish_run(run, "failed", {"websites": 7, "kept": 0}, now())
        made[scope] = run.start
    return made


def seen(within: Reach) -> dict[str, str]:
    """scope as told: result as told."""
    rows = models.Run.select().where(runs.runs_in(within)).order_by(models.Run.start)
    return {run.scope: run.result for run in runs.shown(list(rows), within)}


def test_an_administrator_is_told_everything() -> None:
    assert list(seen(ROOT)) == ["all accounts", "alice", "bob", "alice, bob", "alice, carol", "bob, malice"]
    assert set(seen(ROOT).values()) == {"failed"}


def test_a_user_is_told_of_runs_with_his_account_and_the_result_of_those_without_others() -> None:
    everybody, own, with_bob, with_carol = runs.shown(
        list(models.Run.select().where(runs.runs_in(ANN)).order_by(models.Run.start)), ANN
    )
    assert (own.whole, own.result, own.accounts, own.summary) == (True, "failed", ("alice",), "7 websites")
    for run in (everybody, with_bob, with_carol):
        assert (run.whole, run.result, run.summary, run.total) == (False, "over", "", 0)
        assert run.scope in ("all accounts", "alice")


def test_a_reseller_is_told_of_his_accounts_only() -> None:
    found = {run.accounts: run.result for run in runs.shown(
        list(models.Run.select().where(runs.runs_in(RITA)).order_by(models.Run.start.desc())), RITA
    )}
    assert found == {(): "over", ("alice",): "failed", ("alice", "carol"): "failed"}


def test_who_reaches_nothing_is_told_nothing() -> None:
    assert seen(Reach()) == {}


def test_a_running_one_tells_its_progress_only_to_who_may_know_it(rows: dict[str, str]) -> None:
    models.Run.update(finished_at=None, result="running", done=3, total=9, current="bob").execute()
    for scope, within, told in (("*", ROOT, True), ("*", ANN, False), ("alice,bob", ANN, False), ("alice", ANN, True)):
        run = runs.find(rows[scope], within)
        assert run is not None and run.result == "running"
        assert (run.done, run.total, run.current) == ((3, 9, "bob") if told else (0, 0, ""))


def test_a_run_about_others_is_not_there(rows: dict[str, str]) -> None:
    for scope in ("bob", "bob,malice"):
        assert runs.find(rows[scope], ANN) is None and runs.find(rows[scope], ROOT) is not None
    assert runs.find("2020-01-01T00:00:00.000Z", ROOT) is None


def test_the_latest_is_the_latest_in_reach(rows: dict[str, str]) -> None:
    latest = runs.latest(ANN)
    assert latest is not None and latest.start == rows["alice,carol"]
    latest = runs.latest(ROOT)
    assert latest is not None and latest.start == rows["bob,malice"]


def test_runs_are_found_by_account_and_by_text(rows: dict[str, str]) -> None:
    def starts(condition: object) -> set[str]:
        return {run.start for run in models.Run.select().where(condition)}

    assert starts(runs.runs_of("bob")) == {rows[scope] for scope in ("*", "bob", "alice,bob", "bob,malice")}
    assert starts(runs.runs_with("CARO", ROOT)) == {rows["alice,carol"]}
    assert starts(runs.runs_with("T02:", ROOT)) == {rows["bob"]}
    assert starts(runs.runs_with("bob", ANN) & runs.runs_in(ANN)) == set(), "others' names can't be guessed at"


def test_many_accounts_are_told_in_a_few_words(rows: dict[str, str]) -> None:
    run = records.start_run("2026-11-25T00:00:00.000Z", "a,b,c,d,e", "letsencrypt", now())
    assert runs.shown([run], ROOT)[0].scope == "a, b, c and 2 more"


def test_a_row_goes_with_its_log_and_its_accounts_with_the_row(rows: dict[str, str]) -> None:
    records.forget_runs(runlog.oldest_kept(now(), 30))
    before = models.Run.select().count()
    old = now() - timedelta(days=31)
    start = old.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    run = records.start_run(start, "alice", "letsencrypt", old)
    records.forget_runs(runlog.oldest_kept(now(), 30))
    assert runs.find(start, ROOT) is not None, "it is running still"
    records.finish_run(run, "done", {}, old)
    records.forget_runs(runlog.oldest_kept(now(), 30))
    assert runs.find(start, ROOT) is None and models.Run.select().count() == before
    assert not models.RunAccount.select().where(models.RunAccount.run == run.id).exists()


def test_the_accounts_of_former_runs_are_filled_in_by_the_migration(instance: Instance) -> None:
    import importlib

    migration = importlib.import_module("jobs.migrations.0008_overview_and_logs")
    models.database.execute_sql("DROP TABLE run_account")
    for index in ("account_gone_at_wanted_covered_name", "website_gone_at_main", "problem_real",
                  "certificate_retired_at_not_after_website", "service_state_state_service_website"):
        models.database.execute_sql(f'DROP INDEX "{index}"')
    models.database.execute_sql('CREATE INDEX "certificate_retired_at" ON "certificate" ("retired_at")')
    migration.up(None, models.database)
    assert seen(ANN).keys() == {"all accounts", "alice"} and seen(RITA).keys() >= {"alice, carol"}
