"""Questions whose answer takes seconds: what a check of an account would do, what a website's services present now,
what is wrong with this host.

A question is a row, so that every process sees it and nobody waits twice for the same; a thread of the process that was
asked finds the answer. Few at once: each costs look-ups, handshakes and a reading of every configuration.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import models
from jobs import queue, records
from jobs.config import load
from jobs.policy.failure import Failure
from jobs.policy.site import Website
from jobs.wiring import checks, doctor, status
from jobs.wiring.instance import Instance, config_path, now

PREVIEW, LOOK, DOCTOR = "preview", "look", "doctor"
MOST = {PREVIEW: 2, LOOK: 4, DOCTOR: 1}
"""So many of a kind are answered at the same time, on the whole installation."""

HOST = "host"
"""The only subject of DOCTOR."""

LONGEST = timedelta(minutes=10)
"""After that nobody waits any more: the process that was asked has ended."""

_LOST = {"code": "answer_missing", "text": "the answer did not come: the panel was restarted, or it took too long"}
_log = logging.getLogger("autossl.questions")
Work = Callable[[Instance], dict[str, Any]]


@dataclass(frozen=True)
class Question:
    """`state`: running | done | failed. `answer`: what `preview` and `look` promise, or `code` and `text` of why
    there is none."""

    state: str
    asked_at: datetime
    finished_at: datetime | None = None
    answer: Mapping[str, Any] = field(default_factory=dict)


def preview(instance: Instance, account: str) -> tuple[Question, bool]:
    """Ask for the plan of an account, as `autossl check --plan --user`; and whether that is being found out already.

    The answer is `{"run": start}`, whose report `planned` reads. Raises Failure("too_busy").
    """

    def find(opened: Instance) -> dict[str, Any]:
        return {"run": checks.plan(opened, [account], forced=True)["run"]}

    return _ask(instance, PREVIEW, f"{PREVIEW}:{account}", account, None, find)


def look(instance: Instance, website: Website) -> tuple[Question, bool]:
    """Ask what each service presents for one website now. The answer is `{"services": [...]}`, see `status.look`.

    Raises Failure("too_busy").
    """

    def find(opened: Instance) -> dict[str, Any]:
        return {"services": status.look(opened, website)}

    return _ask(instance, LOOK, f"{LOOK}:{website.main}", website.account, website.main, find)


def examine(instance: Instance) -> tuple[Question, bool]:
    """Ask what is wrong with this host, as `autossl doctor`. The answer is what `doctor.examine` promises."""
    return _ask(instance, DOCTOR, f"{DOCTOR}:{HOST}", None, None, doctor.examine)


def latest(kind: str, subject: str) -> Question | None:
    """The newest question about an account (PREVIEW), a website (LOOK) or the HOST (DOCTOR), answered or not."""
    _close_lost(now())
    row = models.QueueEntry
    found = row.select().where(row.key == f"{kind}:{subject}").order_by(row.id.desc()).first()
    return None if found is None else _as_question(found)


def planned(instance: Instance, question: Question) -> dict[str, Any] | None:
    """The report of a preview that was answered; None once its log is gone."""
    path = instance.place.logs / str(question.answer.get("run", "")) / checks.REPORT
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        return None
    return report


def website(account: str, main: str) -> Website | None:
    """The website of that main name, if the account has it."""
    return next((site for site in records.websites([account]) if site.main == main), None)


def _ask(
    instance: Instance, kind: str, key: str, account: str | None, main: str | None, find: Work
) -> tuple[Question, bool]:
    moment, entries = now(), models.QueueEntry
    _close_lost(moment)
    active = entries.state.in_(queue.ACTIVE)
    with models.database.atomic():  # it begins with the write lock, so nobody comes in between
        same = entries.get_or_none((entries.key == key) & active)
        if same is not None:
            return _as_question(same), True
        if entries.select().where((entries.kind == kind) & active).count() >= MOST[kind]:
            words = f"{MOST[kind]} others are being answered right now, and more at once would slow down this server"
            raise Failure("too_busy", words)
        entries.delete().where(entries.key == key).execute()
        row = entries.create(
            kind=kind, key=key, state="running", account=account, website=main, requested_at=moment, run_after=moment
        )
    threading.Thread(target=_answer, args=(instance, row.id, find), name=key, daemon=True).start()
    return _as_question(row), False


def _answer(instance: Instance, entry: int, find: Work) -> None:
    """In a thread of its own, with a connection of its own and the configuration as it is now."""
    with models.database.connection_context():
        state, answer = "failed", {"code": "internal_error", "text": "its log says what happened"}
        try:
            answer = find(replace(instance, config=load(config_path(instance.place.instance))))
            state = "done"
        except Failure as failure:
            answer = {"code": failure.code, "text": failure.detail}
        except Exception:  # noqa: BLE001 nobody else would hear of it
            _log.exception("question %s met something that nobody foresaw", entry)
        finally:
            values = {"state": state, "answer": json.dumps(answer), "finished_at": now()}
            models.QueueEntry.update(**values).where(models.QueueEntry.id == entry).execute()


def _close_lost(moment: datetime) -> None:
    entries = models.QueueEntry
    lost = entries.kind.in_(list(MOST)) & entries.state.in_(queue.ACTIVE) & (entries.requested_at < moment - LONGEST)
    values = {"state": "failed", "answer": json.dumps(_LOST), "finished_at": moment}
    if entries.select(entries.id).where(lost).exists():
        entries.update(**values).where(lost).execute()


def _as_question(row: models.QueueEntry) -> Question:
    state = "running" if row.state in queue.ACTIVE else row.state
    return Question(state, row.requested_at, row.finished_at, json.loads(row.answer or "{}"))
