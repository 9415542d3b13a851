"""Every page of a large installation asked of the WSGI application, without network and TLS: at rest, and beside a
thread that writes rows and a log as a run does."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import models
from jobs import records, troubles
from jobs.policy.coverage import UNUSED
from jobs.policy.failure import LeftOff
from jobs.ports import Place
from jobs.progress import Progress
from jobs.runlog import RunLog
from jobs.wiring.instance import now
from tests.bench.asked import refuse_wrong, took
from tests.bench.figures import Report
from tests.bench.installation import installation, pages, say, titles
from tests.bench.visitors import HTMX
from tests.panel import seed
from tests.panel.browser import Browser

BETWEEN = 0.01
"""Seconds between two websites of the run that a thread imitates: a hundred a second, more than a CA delivers."""


def ask_every_page(report: Report, accounts: int, requests: int) -> None:
    with installation(accounts) as (place, app, large):
        browser = Browser(app)
        browser.sign_in()
        gc.collect()
        gc.freeze()
        report.say(f"{accounts} accounts are there; the application is asked for every page, {requests} times")
        resting = _measured(browser, pages(large), requests)
        with _run(place, accounts):
            running = _measured(browser, pages(large), requests)
        gc.unfreeze()
    table = f"the application alone, {accounts} accounts"
    for title, at_rest, in_run in zip(titles(pages(large)), resting, running, strict=True):
        took(report, table, title, "at rest", at_rest)
        took(report, table, title, "in a run", in_run)


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
        say(log, number)
    trouble = LeftOff(f"webmail.{main}", UNUSED, "no such name")
    troubles.keep([troubles.Found(main, [trouble], daily={UNUSED})], moment)
    records.keep_standings({(main, "apache"): ("installed", "2 handshakes", None)}, moment)
    progress.finish_some(1)


def _measured(browser: Browser, asked_for: Sequence[tuple[str, str]], requests: int) -> list[list[float]]:
    """For each page and then its partial: how long each request took, in milliseconds. The pages take turns, so that
    whatever else happens on the machine hits them alike."""
    asked = [(path, headers) for _, path in asked_for for headers in ({}, HTMX)]
    times: list[list[float]] = [[] for _ in asked]
    wrong = set()
    for _ in range(requests):
        for number, (path, headers) in enumerate(asked):
            began = time.perf_counter()
            answer = browser.get(path, headers=headers)
            times[number].append(1000 * (time.perf_counter() - began))
            if answer.status_code != 200:
                wrong.add(f"{path}: {answer.status_code}")
            answer.close()
    refuse_wrong(sorted(wrong))
    return times
