"""How quickly the pages of a large installation answer: `bash tests/run bench pages [--accounts N] [--requests N]`.

Seeds a database with ten thousand accounts and fifty thousand names, signs in as its administrator, and asks the WSGI
application for every page and partial, first at rest, then while a thread writes rows as a run does. Prints median and
99th percentile in milliseconds, on the server, without network and TLS. It measures, it asserts nothing but that each
page answers; the aim is a median below 50 ms.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import click

import models
from jobs import records, troubles
from jobs.policy.access import Role
from jobs.policy.coverage import UNUSED
from jobs.policy.failure import LeftOff
from jobs.ports import Place
from jobs.progress import Progress
from jobs.runlog import RunLog
from jobs.wiring import instance, people
from jobs.wiring.instance import now
from panel import create_app
from tests.panel import seed
from tests.panel.browser import PASSWORD, Browser

NAMES = 5
"""Of a website, and so of an account."""

GUESSED = ("webmail", "webdisk", "autodiscover", "autoconfig")
"""Names that are tried and not in use: each is a row as well."""

PAGES = (
    ("overview", "/"),
    ("overview, problems searched", "/?q=shop77"),
    ("logs", "/logs"),
    ("logs of an account", "/logs?account=user00042"),
    ("log of a large run", "/logs/{large}"),
    ("log of a large run, its end", "/logs/{large}?before=end"),
    ("log of a large run, one website", "/logs/{large}?q=shop77."),
    ("users", "/users"),
    ("users, sorted", "/users?sort=-coverage"),
    ("users, searched", "/users?q=user0777"),
    ("users, page 150", "/users?page=150"),
    ("status of an account", "/status/user00042"),
    ("queue", "/queue"),
    ("queue, searched", "/queue?q=shop77"),
)
"""Title and address; each is asked for as a page and as a partial. The pages of a further tab come here."""

HTMX = {"HX-Request": "true"}
EVENTS_OF_LARGE_RUN = 100_000
RUNS = 3_000
PENDING = 2_000
BETWEEN = 0.01
"""Seconds between two websites of the run that is going on: a hundred a second, which is more than a CA delivers."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/run bench pages")
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=60, help="of each page, for each figure")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="autossl-bench-") as directory:
        place = Place(Path(directory) / "instance")
        instance.create(place.instance)
        app = create_app(place.instance)
        with models.database.connection_context():
            large = filled(place, chosen.accounts)
        browser = Browser(app)
        browser.sign_in()
        pages = [(title, path.format(large=large)) for title, path in PAGES]
        gc.collect()
        gc.freeze()
        click.echo(f"{chosen.accounts} accounts, {chosen.accounts * NAMES} names. Milliseconds.\n")
        resting = _measured(browser, pages, chosen.requests)
        with _run(place, chosen.accounts):
            running = _measured(browser, pages, chosen.requests)
    return _told(pages, resting, running)


def filled(place: Place, accounts: int) -> str:
    """Rows and logs of an installation in the middle of its life; returns the start of its largest run."""
    people.create("root", PASSWORD, Role.ADMIN)
    seed.provider()
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


def _large_run(place: Place, accounts: int) -> str:
    log = RunLog(place.logs, now(), now, None)
    for number in range(EVENTS_OF_LARGE_RUN):
        _say(log, number % accounts)
    log.close()
    records.finish_run(records.start_run(log.start, "*", seed.PROVIDER, now()), "failed", {"websites": accounts}, now())
    return log.start


def _say(log: RunLog, number: int) -> None:
    level = ("info", "success", "info", "warn", "error")[number % 5]
    log.say(level, "the words of a CA, or of a check of ours, about a name of this website",
            account=seed.account_name(number), website=seed.main_name(number), name=seed.main_name(number),
            code="dns_nxdomain", indent=number % 2)


def _insert(table: type[models.Row], rows: Sequence[dict[str, object]]) -> None:
    with models.database.atomic():
        for start in range(0, len(rows), 500):
            table.insert_many(rows[start : start + 500]).execute()


@contextmanager
def _run(place: Place, accounts: int) -> Iterator[None]:
    """A thread that writes the rows and the log of a run over everybody, website after website."""
    over = threading.Event()

    def write() -> None:
        with models.database.connection_context():
            log = RunLog(place.logs, now(), now, None)
            run = records.start_run(log.start, "*", seed.PROVIDER, now())
            progress = Progress(run)
            progress.expect(accounts, 0)
            number = 0
            while not over.wait(BETWEEN):
                _one_website(log, progress, number % accounts)
                number += 1
            records.finish_run(run, "done", {"websites": number}, now())
            log.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _one_website(log: RunLog, progress: Progress, number: int) -> None:
    main, moment = seed.main_name(number), now()
    progress.begin(seed.account_name(number))
    for _ in range(3):
        _say(log, number)
    trouble = LeftOff(f"webmail.{main}", UNUSED, "no such name")
    troubles.keep([troubles.Found(main, [trouble], daily={UNUSED})], moment)
    records.keep_standings({(main, "apache"): ("installed", "2 handshakes", None)}, moment)
    progress.finish_some(1)


def _measured(browser: Browser, pages: Sequence[tuple[str, str]], requests: int) -> list[tuple[int, list[float]]]:
    """For each page and then its partial: the status, and how long each request took, in milliseconds. The pages take
    turns, so that whatever else happens on the machine hits them alike."""
    asked = [(path, headers) for _, path in pages for headers in ({}, HTMX)]
    times: list[list[float]] = [[] for _ in asked]
    status = [0] * len(asked)
    for _ in range(requests):
        for number, (path, headers) in enumerate(asked):
            began = time.perf_counter()
            answer = browser.get(path, headers=headers)
            times[number].append(1000 * (time.perf_counter() - began))
            status[number] = answer.status_code
            answer.close()
    return list(zip(status, times, strict=True))


def _told(
    pages: Sequence[tuple[str, str]], resting: Sequence[tuple[int, list[float]]],
    running: Sequence[tuple[int, list[float]]],
) -> int:
    click.echo(f"{'':44}{'at rest':>16}{'during a run':>18}")
    click.echo(f"{'':44}{'median':>8}{'p99':>8}{'median':>10}{'p99':>8}")
    titles = [f"{title}{part}" for title, _ in pages for part in ("", ", part")]
    wrong = False
    for title, (status, at_rest), (_, in_run) in zip(titles, resting, running, strict=True):
        wrong |= status != 200
        fault = "" if status == 200 else f"   answers {status}"
        click.echo(f"{title:44}{_figures(at_rest)}  {_figures(in_run)}{fault}")
    return 1 if wrong else 0


def _figures(times: Sequence[float]) -> str:
    worst = sorted(times)[min(len(times) - 1, int(len(times) * 0.99))]
    return f"{statistics.median(times):8.1f}{worst:8.1f}"


if __name__ == "__main__":
    sys.exit(main())
