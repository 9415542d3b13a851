"""How quickly `/metrics` of a large installation answers.

The installation is that of `pages`. Asked of the WSGI application, without network and TLS.
"""

from __future__ import annotations

import statistics
import time

import models
from jobs.wiring import people, tokens
from tests.bench.asked import percentile, refuse_wrong
from tests.bench.figures import Report
from tests.bench.installation import ADMINISTRATOR, SIZES, installation
from tests.panel.browser import HTTPS


def run(report: Report) -> None:
    for accounts in SIZES[:1] if report.quick else SIZES:
        times, samples = _asked(accounts, 5 if report.quick else 60)
        table, subject = "/metrics", f"{accounts} accounts, {samples} samples"
        report.took(table, subject, "median", [statistics.median(times)], "ms")
        report.took(table, subject, "p99", [percentile(times, 0.99)], "ms")
        report.point("metrics", "median ms", accounts, statistics.median(times))
    report.at_most(f"/metrics of {accounts} accounts, median", statistics.median(times), 50, "ms")


def _asked(accounts: int, requests: int) -> tuple[list[float], int]:
    """Milliseconds of each request, and how many samples an answer has."""
    with installation(accounts) as (_, app, _):
        with models.database.connection_context():
            token, _ = tokens.make(people.find(ADMINISTRATOR), "bench", "read", None, 1)
        client, times, body = app.test_client(), [], ""
        for _ in range(requests):
            began = time.perf_counter()
            answer = client.get("/metrics", base_url=HTTPS, headers={"Authorization": f"Bearer {token}"})
            times.append(1000 * (time.perf_counter() - began))
            body = answer.text
            refuse_wrong([] if answer.status_code == 200 else [f"/metrics: {answer.status_code}"])
    return times, sum(not line.startswith("#") for line in body.splitlines())
