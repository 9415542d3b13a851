"""How websites stand on services is kept for all of a run at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

import models
from jobs import records
from jobs.wiring.instance import Instance, now

SITES = [f"site{number}.test" for number in range(1_200)]


def test_each_failure_counts_and_an_installation_ends_the_count(instance: Instance) -> None:
    moment = now()
    for _ in range(2):
        records.keep_standings({(site, "apache"): ("failed", "no", None) for site in SITES}, moment)
    records.keep_standings({(site, "apache"): ("installed", "1 name", None) for site in SITES[:700]}, moment)
    found = records.standings()
    assert {found[site]["apache"].state for site in SITES[:700]} == {"installed"}
    assert {found[site]["apache"].retry_at for site in SITES[:700]} == {None}
    rows = models.ServiceState.select().where(models.ServiceState.website.in_(SITES[700:]))
    assert {row.attempts for row in rows} == {2} and len(rows) == 500
    assert all(row.retry_at > moment for row in rows)


def test_an_installation_that_begins_leaves_the_last_state_and_is_tried_at_once(instance: Instance) -> None:
    before = now()
    records.keep_standings({(SITES[0], "exim"): ("failed", "it was refused", None)}, before)
    records.note_begun(SITES, "exim", before + timedelta(seconds=1))
    found = records.standings()
    assert (found[SITES[0]]["exim"].state, found[SITES[0]]["exim"].text) == ("failed", "it was refused")
    assert found[SITES[1]]["exim"].state == "waiting"
    assert {found[site]["exim"].retry_at for site in SITES} == {before + timedelta(seconds=1)}


def test_all_of_them_are_kept_or_none(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "next_try", lambda *words: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        records.keep_standings({(site, "exim"): ("failed", "", None) for site in SITES}, now())
    assert records.standings() == {}
