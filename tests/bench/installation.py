"""A large installation in the middle of its life, as rows and logs, for the parts that look at how it answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from flask import Flask

import models
from jobs import records
from jobs.policy.access import Role
from jobs.policy.coverage import UNUSED
from jobs.ports import Place
from jobs.runlog import RunLog
from jobs.wiring import instance, people
from jobs.wiring.instance import now
from panel import create_app
from tests.panel import seed
from tests.panel.browser import PASSWORD

NAMES = 5
"""Of a website, and so of an account."""

GUESSED = ("webmail", "webdisk", "autodiscover", "autoconfig")
"""Names that are tried and not in use: each is a row as well."""

ADMINISTRATOR = "root"
SIZES = (100, 1_000, 10_000)
"""Accounts of the growth charts."""

EVENTS_OF_LARGE_RUN = 100_000
RUNS = 3_000
PENDING = 2_000
_AHEAD = timedelta(days=20)


def pages(large: str) -> tuple[tuple[str, str], ...]:
    """Title and address; each is asked for as a page and as a partial. The pages of a further tab come here. `large`:
    the start of the run with the longest log."""
    return (
        ("overview", "/"),
        ("overview, problems searched", "/?q=shop77"),
        ("logs", "/logs"),
        ("logs of an account", "/logs?account=user00042"),
        ("log of a large run", f"/logs/{large}"),
        ("log of a large run, its end", f"/logs/{large}?before=end"),
        ("log of a large run, one website", f"/logs/{large}?q=shop77."),
        ("users", "/users"),
        ("users, sorted", "/users?sort=-coverage"),
        ("users, searched", "/users?q=user0777"),
        ("users, page 150", "/users?page=150"),
        ("status of an account", "/status/user00042"),
        ("queue", "/queue"),
        ("queue, searched", "/queue?q=shop77"),
    )


def titles(asked_for: Sequence[tuple[str, str]]) -> list[str]:
    """Of these pages, and of the partial of each."""
    return [f"{title}{part}" for title, _ in asked_for for part in ("", ", part")]


@contextmanager
def installation(accounts: int, working: bool = True) -> Iterator[tuple[Place, Flask, str]]:
    """Made in a temporary directory: its place, its application, and the start of its largest run. Without `working` no
    provider is in use, so that a server of it only answers."""
    with TemporaryDirectory(prefix="autossl-bench-") as directory:
        place = Place(Path(directory) / "instance")
        instance.create(place.instance)
        app = create_app(place.instance)
        with models.database.connection_context():
            seed.provider(current=working)
            large = filled(place, accounts)
            nothing_due()
        yield place, app, large


def filled(place: Place, accounts: int) -> str:
    """Rows and logs of an installation in the middle of its life; returns the start of its largest run."""
    people.create(ADMINISTRATOR, PASSWORD, Role.ADMIN)
    names = seed.accounts(accounts, NAMES)
    seed.unassigned()
    seed.pending(min(PENDING, accounts))
    moment = now()
    mains = [seed.main_name(number) for number in range(accounts)]
    _insert(models.Problem, [
        {"website": main, "name": f"{label}.{main}", "code": UNUSED, "text": "no such name", "since": moment,
         "seen_at": moment, "attempts": 1, "retry_at": moment + timedelta(days=1)}
        for main in mains for label in GUESSED
    ])
    _insert(models.ServiceState, [
        {"website": main, "service": service, "state": "installed", "text": "1 handshake", "checked_at": moment,
         "attempts": 0}
        for main in mains for service in ("exim", "webdisk")
    ])
    for number in range(RUNS):
        began = moment - timedelta(minutes=12 * (number + 1))
        start = began.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        scope = "*" if number % 120 == 0 else ",".join(names[number % accounts :][: 1 + number % 3])
        records.finish_run(records.start_run(start, scope, seed.PROVIDER, began), "done", {"websites": 3}, began)
    return _large_run(place, accounts)


def nothing_due() -> None:
    """Put off whatever of these rows a server would have to do soon, so that it does only what it is asked for."""
    moment = now()
    models.Certificate.update(due_at=moment + _AHEAD).execute()
    models.Problem.update(retry_at=moment + _AHEAD).execute()
    models.ServiceState.update(served_at=moment, served_state="idle").execute()
    models.QueueEntry.update(run_after=moment + _AHEAD).where(models.QueueEntry.kind == "order").execute()
    models.QueueEntry.delete().where(models.QueueEntry.kind == "check").execute()


def say(log: RunLog, number: int) -> None:
    """One event about an account of that number."""
    level = ("info", "success", "info", "warn", "error")[number % 5]
    log.say(level, "the words of a CA, or of a check of ours, about a name of this website",
            account=seed.account_name(number), website=seed.main_name(number), name=seed.main_name(number),
            code="dns_nxdomain", indent=number % 2)


def _large_run(place: Place, accounts: int) -> str:
    log = RunLog(place.logs, now(), now, None)
    for number in range(EVENTS_OF_LARGE_RUN):
        say(log, number % accounts)
    log.close()
    records.finish_run(records.start_run(log.start, "*", seed.PROVIDER, now()), "failed", {"websites": accounts}, now())
    return log.start


def _insert(table: type[models.Row], rows: Sequence[dict[str, object]]) -> None:
    with models.database.atomic():
        for start in range(0, len(rows), 500):
            table.insert_many(rows[start : start + 500]).execute()
