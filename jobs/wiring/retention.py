"""What the tick does once a day about everything that would grow for ever: rows, logs, and certificates of websites
that are gone. What is removed is of no use to anybody; what may be read by a service stays, and is told."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from peewee import chunked

import models
from jobs import outbox
from jobs.policy.site import is_hostname
from jobs.ports import Place
from jobs.rootside import verbs
from jobs.rootside.client import Conversation
from jobs.wiring import attempts, audit, logs, options, order_counts, sessions, telling
from jobs.wiring.instance import Instance, choose, now, setting
from jobs.wiring.parts import conversation
from jobs.wiring.still_read import still_read
from jobs.wiring.work_lock import while_free

SETTING = "retention"
"""The day, UTC, on which all was looked through last."""

FINISHED_WORK = timedelta(days=90)
OLD_CERTIFICATE = timedelta(days=90)
"""After its end: until then a service that still presents it is recognized as one of ours."""

GONE_WEBSITE = timedelta(days=90)
ORPHANED = timedelta(days=30)
"""For so long a website may be away, and find its certificate when it comes back."""

BATCH = 500
"""Rows that one transaction removes: nobody waits long for it to end."""

_log = logging.getLogger("autossl.background")


def keep_tidy(instance: Instance) -> None:
    """The duty. Raises Failure("unreadable") where it can't be found out what services read; rows are removed all the
    same, and files are looked at anew at the next tick."""
    moment = now()
    today = f"{moment:%Y-%m-%d}"
    if setting(SETTING, None) == today:
        return
    _remove_old_rows(moment)
    attempts.prune(moment)
    audit.prune(moment)
    sessions.prune(sessions.limits(instance.config.panel), moment)
    logs.forget_old(instance, moment)
    outbox.forget(moment - timedelta(days=options.load(instance.config).log_days))
    telling.forget(moment)
    with while_free(instance) as ours:
        if not ours:
            return  # at the next tick, then
        remove_orphans(instance.place, moment, conversation(instance))
        _remove_gone_websites(instance.place, moment)
    choose(SETTING, today)


def remove_orphans(place: Place, moment: datetime, talk: Conversation | None = None) -> list[str]:
    """Remove the certificates of websites that are long gone and that no service is told to read, on the root side as
    well (`talk`), where there is one; only for who holds the work lock. Returns the websites."""
    found = list(_orphans(place, moment))
    if not found:
        return []
    if talk:
        stay = {one.name for one in found if not talk.ask("forget", verbs.Name(one.name))}
        read = stay | still_read(place, place.conf, ()).websites
    else:
        read = still_read(place, place.conf).websites
    odd = sorted(name for name in read if not is_hostname(name))
    if odd:
        _log.warning("certificates of %d websites that are gone stay: some service reads %s", len(found),
                     place.live / odd[0])
        return []
    removed = []
    for directory in found:
        if directory.name in read:
            _log.warning("%s stays: its website is gone, but a service is still told to read it", directory)
            continue
        shutil.rmtree(directory)
        removed.append(directory.name)
        live = (models.Certificate.website == directory.name) & models.Certificate.retired_at.is_null()
        models.Certificate.update(retired_at=moment).where(live).execute()
    return removed


def _orphans(place: Place, moment: datetime) -> Iterator[Path]:
    rows = models.Website.select(models.Website.main, models.Website.gone_at).tuples()
    wanted = {main for main, gone in rows if gone is None or gone > moment - ORPHANED}
    if not wanted:
        return  # an empty or a restored database knows nothing of what is served
    for directory in sorted(place.live.iterdir()):
        if directory.is_symlink() or not directory.is_dir():
            continue
        if directory.name in wanted or not is_hostname(directory.name):
            continue
        if directory.stat().st_mtime < (moment - ORPHANED).timestamp():
            yield directory


def _remove_old_rows(moment: datetime) -> None:
    entry, certificate = models.QueueEntry, models.Certificate
    order_counts.forget(moment - FINISHED_WORK)
    _delete(entry, entry.finished_at < moment - FINISHED_WORK)
    ended = moment - OLD_CERTIFICATE
    _delete(certificate, (certificate.retired_at < ended) & (certificate.not_after < ended))
    known = models.Website.select(models.Website.main)
    for table in (models.Problem, models.ServiceState):
        _delete(table, table.website.not_in(known))


def _remove_gone_websites(place: Place, moment: datetime) -> None:
    row = models.Website
    gone = row.select(row.id, row.main).where(row.gone_at < moment - GONE_WEBSITE).tuples()
    ids = [number for number, main in gone if not (place.live / main).exists()]
    for some in chunked(ids, BATCH):
        row.delete().where(row.id.in_(some)).execute()


def _delete(table: Any, condition: Any) -> None:
    """In batches, each a transaction of its own."""
    some = table.select(table.id).where(condition).limit(BATCH)
    while table.delete().where(table.id.in_(some)).execute() == BATCH:
        pass
