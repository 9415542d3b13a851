"""What would grow for ever is removed once a day; what a service may still read is not."""

from __future__ import annotations

import logging
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import models
from jobs import records
from jobs.wiring import retention, still_read
from jobs.wiring.instance import Instance, now
from jobs.wiring.retention import keep_tidy
from jobs.wiring.work_lock import while_free

LONG_AGO = timedelta(days=100)


@pytest.fixture(autouse=True)
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In the place of this machine's own."""
    made = tmp_path / "etc"
    made.mkdir()
    monkeypatch.setattr(still_read, "ETC", made)
    return made


def website(instance: Instance, main: str, gone: timedelta | None = None) -> Path:
    """A website with a certificate's directory that was last written long ago."""
    models.Account.get_or_create(name="alice", defaults={"source": "manifest", "found_at": now()})
    gone_at = None if gone is None else now() - gone
    models.Website.create(account="alice", main=main, names="[]", source="manifest", found_at=now(), gone_at=gone_at)
    directory = instance.place.live / main
    (directory / "ab01").mkdir(parents=True)
    old = (now() - LONG_AGO).timestamp()
    os.utime(directory, (old, old))
    return directory


def work(state: str, finished: timedelta | None) -> int:
    moment = now()
    over = None if finished is None else moment - finished
    key = f"check:{state}{finished}"
    return int(models.QueueEntry.create(kind="check", key=key, state=state, requested_at=moment, run_after=moment,
                                        finished_at=over).id)


def certificate(main: str, ends: datetime, retired: datetime | None) -> None:
    models.Certificate.create(
        website=main, serial="ab", fingerprint=f"{main}{ends}", names="[]", issuer="x", provider="ca",
        not_before=ends - timedelta(days=90), not_after=ends, due_at=ends, stored_at=ends, retired_at=retired,
    )


def test_finished_work_and_old_certificates_go_in_batches_and_the_rest_stays(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    website(instance, "a.test")
    for number in range(5):
        work(f"done{number}", timedelta(days=91))
    stay = {work("done", timedelta(days=89)), work("queued", None)}
    old, young = now() - timedelta(days=91), now() - timedelta(days=89)
    certificate("a.test", old, old)
    certificate("a.test", young, young)
    certificate("a.test", now() + timedelta(days=9), old)  # what a service may still present
    certificate("a.test", old - timedelta(days=1), None)
    keep_tidy(instance)
    assert {row.id for row in models.QueueEntry.select()} == stay
    assert models.Certificate.select().where(models.Certificate.retired_at.is_null(False)).count() == 2
    assert list(records.live_certificates()) == ["a.test"], "the live one stays, whatever its age"


def test_it_is_done_once_a_day_and_again_where_a_check_was_in_the_way(instance: Instance) -> None:
    website(instance, "a.test")
    with while_free(instance):
        keep_tidy(instance)
    gone = website(instance, "gone.test", LONG_AGO)
    keep_tidy(instance)
    assert not gone.exists()
    gone = website(instance, "gone2.test", LONG_AGO)
    keep_tidy(instance)
    assert gone.exists()


def test_certificates_of_websites_that_are_gone_for_long_are_removed_with_their_rows(instance: Instance) -> None:
    stay = [website(instance, "a.test"), website(instance, "away.test", timedelta(days=29))]
    young = instance.place.live / "young.test"
    young.mkdir()
    gone, rowless = website(instance, "gone.test", LONG_AGO), instance.place.live / "rowless.test"
    rowless.mkdir()
    os.utime(rowless, (0, 0))
    certificate("gone.test", now() + timedelta(days=9), None)
    models.Problem.create(website="gone.test", name="", code="x", text="", since=now(), seen_at=now())
    models.Problem.create(website="nowhere.test", name="", code="x", text="", since=now(), seen_at=now())
    keep_tidy(instance)
    assert sorted(instance.place.live.iterdir()) == sorted([*stay, young])
    assert not gone.exists() and records.live_certificates() == {}
    assert {row.main for row in models.Website.select()} == {"a.test", "away.test"}
    retention.choose(retention.SETTING, "yesterday")
    keep_tidy(instance)
    assert models.Problem.select().count() == 0


@pytest.mark.parametrize("read", ["{live}/gone.test/apache/fullchain.pem", "{live}/$host/nginx/key", "{live}/*/x"])
def test_what_a_service_may_still_read_stays_and_is_told(
    instance: Instance, etc: Path, read: str, caplog: pytest.LogCaptureFixture
) -> None:
    website(instance, "a.test")
    gone = website(instance, "gone.test", LONG_AGO)
    (etc / "some.conf").write_text(read.format(live=instance.place.live))
    with caplog.at_level(logging.WARNING, "autossl.background"):
        keep_tidy(instance)
    assert gone.exists() and "stay" in caplog.text
    assert "gone.test" in {row.main for row in models.Website.select()}


def test_maps_of_our_own_count_as_well(instance: Instance) -> None:
    website(instance, "a.test")
    gone = website(instance, "gone.test", LONG_AGO)
    (instance.place.conf / "exim.map").write_text(f"gone.test: {gone}/exim\n")
    keep_tidy(instance)
    assert gone.exists()


def test_rows_that_know_of_no_website_remove_nothing(instance: Instance) -> None:
    directory = instance.place.live / "a.test"
    directory.mkdir()
    os.utime(directory, (0, 0))
    keep_tidy(instance)
    assert directory.exists()
