"""How quickly `/metrics` answers in a large installation: `bash tests/run bench metrics [--accounts N] [--requests N]`.

The installation is that of `bench pages`: ten thousand accounts, fifty thousand names. Prints median and 99th
percentile in milliseconds, on the server, without network and TLS. It measures, it asserts nothing but that each
request is answered; the aim is a median below 50 ms.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import click

import models
from jobs.ports import Place
from jobs.wiring import instance, people, tokens
from panel import create_app
from tests.bench.pages import filled
from tests.panel.browser import HTTPS


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/run bench metrics")
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=60)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="autossl-bench-") as directory:
        place = Place(Path(directory) / "instance")
        instance.create(place.instance)
        app = create_app(place.instance)
        with models.database.connection_context():
            filled(place, chosen.accounts)
            token, _ = tokens.make(people.find("root"), "bench", "read", None, 1)
        client, times, body = app.test_client(), [], ""
        for _ in range(chosen.requests):
            began = time.perf_counter()
            answer = client.get("/metrics", base_url=HTTPS, headers={"Authorization": f"Bearer {token}"})
            times.append(1000 * (time.perf_counter() - began))
            body = answer.text
            if answer.status_code != 200:
                click.echo(f"/metrics answers {answer.status_code}: {body}")
                return 1
    worst = sorted(times)[min(len(times) - 1, int(len(times) * 0.99))]
    lines = sum(not line.startswith("#") for line in body.splitlines())
    click.echo(f"{chosen.accounts} accounts, {lines} samples: median {statistics.median(times):.1f} ms, "
               f"99th percentile {worst:.1f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
