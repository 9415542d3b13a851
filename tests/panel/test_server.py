"""`autossl serve` as a process: how it says that it is ready, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import models
from jobs import queue
from jobs.policy.failure import Failure
from jobs.policy.panel_files import STATE, parse_state
from jobs.ports import Place
from jobs.wiring.instance import DATABASE, now
from jobs.wiring.serving import claim
from panel import create_app
from panel.server import Panel
from tests.panel.https_client import SITE, Answers, Start, ask, begun, connect, refused, wait_for

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

COUNTING = """
import gc, sys
from pathlib import Path
from jobs.ports import Place
from panel.server import serve

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield f"{gc.get_freeze_count()} {len(gc.get_objects())} {sys.getswitchinterval()}".encode()

serve(app, ["127.0.0.1:0"], Place(Path(sys.argv[1])))
"""

HEAPS = """
import ctypes, re, sys, threading
from pathlib import Path
from jobs.ports import Place
from panel.server import serve

def heap():
    ctypes.CDLL(None).malloc(100)

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    threads = [threading.Thread(target=heap) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    sizes = [int(end, 16) - int(begin, 16) for begin, end in
             re.findall(r"^([0-9a-f]+)-([0-9a-f]+) ---p", Path("/proc/self/maps").read_text(), re.M)]
    yield str(sum(2**24 < size < 2**26 for size in sizes)).encode()

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
    words = [sys.executable, "-m", "panel.cli", "serve", "--single", "--bind", "127.0.0.1:0"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment) as process:
        port = port_of(process)
        assert parse_state((place.instance / STATE).read_bytes()) == (("127.0.0.1", port),)
        for path in ("/healthz", "/readyz", "/login", "/static/autossl.css", "/static/icon.svg"):
            with connect(port, SITE) as tls:
                assert ask(tls, path)[0] == 200, path
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_what_is_there_at_the_start_is_not_looked_through_for_garbage(place: Place) -> None:
    stays, looked_at, _ = told_of_itself(place)
    assert stays > 10 * looked_at


def test_a_page_waits_a_moment_for_a_thread_that_computes(place: Place) -> None:
    """It gave its turn away with each query, and got it back after 5 ms: half a second a page during a large check."""
    *_, turn = told_of_itself(place)
    assert turn <= 0.0005


def told_of_itself(place: Place, program: str = COUNTING) -> tuple[float, ...]:
    words = [sys.executable, "-c", program, str(place.instance)]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        with connect(port_of(process), SITE) as tls:
            said = ask(tls)[1].split()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    return tuple(map(float, said))


def test_its_threads_share_one_heap(place: Place) -> None:
    """One each was a tenth of its memory: glibc maps 64 MiB for every thread that has one of its own."""
    assert told_of_itself(place, HEAPS) == (0,)


def test_after_its_end_the_database_is_one_file(place: Place) -> None:
    environment = {**os.environ, "AUTOSSL_INSTANCE": str(place.instance)}
    words = [sys.executable, "-m", "panel.cli", "serve", "--single", "--bind", "127.0.0.1:0"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment) as process:
        with connect(port_of(process), SITE) as tls:
            assert ask(tls, "/login")[0] == 200
        assert (place.instance / f"{DATABASE}-wal").exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert not (place.instance / f"{DATABASE}-wal").exists()


def test_it_does_queued_work_and_a_wsgi_server_does_none(place: Place) -> None:
    models.database.connect(reuse_if_open=True)
    row, _ = queue.request_check(None, False, now())
    create_app(place.instance)
    models.database.connect(reuse_if_open=True)
    assert models.QueueEntry.get_by_id(row.id).state == "queued"
    environment = {**os.environ, "AUTOSSL_INSTANCE": str(place.instance)}
    words = [sys.executable, "-m", "panel.cli", "serve", "--single", "--bind", "127.0.0.1:0"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment) as process:
        port_of(process)
        wait_for(lambda: models.QueueEntry.get_by_id(row.id).state == "failed")
        assert "AutoSSL is disabled" in models.QueueEntry.get_by_id(row.id).answer
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


class Work:
    """Instead of the background: what happened, and whether the instance was still ours then."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.said: list[tuple[str, bool]] = []

    def start(self) -> None:
        self.said.append(("start", self._ours()))

    def stop(self, timeout: float) -> None:
        self.said.append(("stop", self._ours()))

    def _ours(self) -> bool:
        try:
            claim(self.place).release()
        except Failure as failure:
            return failure.code == "already_serving"
        return False


def test_work_begins_and_ends_while_the_instance_is_claimed(place: Place, answers: Answers) -> None:
    work = Work(place)
    panel = Panel(answers, ["127.0.0.1:0"], place, background=work)  # type: ignore[arg-type]
    assert work.said == []
    panel.start()
    panel.stop()
    assert work.said == [("start", True), ("stop", True)]
    claim(place).release()


def test_work_that_was_never_begun_is_not_ended(place: Place, answers: Answers) -> None:
    work = Work(place)
    Panel(answers, ["127.0.0.1:0"], place, background=work).stop()  # type: ignore[arg-type]
    assert work.said == []


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
