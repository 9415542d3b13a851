"""`autossl serve` as a process: how it says that it is ready, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.policy.panel_files import STATE, parse_state
from jobs.ports import Place
from tests.panel.https_client import SITE, Start, ask, begun, connect, refused, wait_for

ROOT = Path(__file__).resolve().parents[2]

SLOW = """
import sys, time
from pathlib import Path
from jobs.ports import Place
from panel.server import serve

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"first half, "
    while not Path(sys.argv[2]).exists():
        time.sleep(0.01)
    yield b"second half"

serve(app, ["127.0.0.1:0"], Place(Path(sys.argv[1])))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_finishes_requests_and_ends_with_0(place: Place, tmp_path: Path, number: int) -> None:
    gate = tmp_path / "gate"
    words = [sys.executable, "-c", SLOW, str(place.instance), str(gate)]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        port = port_of(process)
        with connect(port, SITE) as tls:
            slow = begun(tls)
            process.send_signal(number)
            wait_for(lambda: refused(port))
            gate.touch()
            assert slow.read() == b"first half, second half"
        assert process.wait(20) == 0
    assert (place.instance / STATE).read_bytes() == b""


def test_it_serves_the_product_and_says_when_it_is_ready(place: Place) -> None:
    environment = {**os.environ, "AUTOSSL_INSTANCE": str(place.instance), "LISTEN_PID": "1"}
    words = [sys.executable, "-m", "panel.cli", "serve", "--bind", "127.0.0.1:0"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment) as process:
        port = port_of(process)
        assert parse_state((place.instance / STATE).read_bytes()) == (("127.0.0.1", port),)
        for path in ("/healthz", "/readyz", "/login", "/static/autossl.css", "/static/icon.svg"):
            with connect(port, SITE) as tls:
                assert ask(tls, path)[0] == 200, path
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_a_server_that_was_killed_does_not_stand_in_the_way_of_the_next(place: Place, start: Start) -> None:
    words = [sys.executable, "-c", SLOW, str(place.instance), "none"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        port_of(process)
        process.kill()
    assert (place.instance / STATE).read_bytes() != b""
    port = start()
    assert parse_state((place.instance / STATE).read_bytes()) == (("127.0.0.1", port),)


def port_of(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("The panel is ready: https://127.0.0.1:"), line
    return int(line.rstrip("/\n").rpartition(":")[2])
