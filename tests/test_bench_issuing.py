"""The bench of issuing: a CA that hangs costs a measurement, not the figures; and only what was issued counts."""

from __future__ import annotations

import http.server
import ssl
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from jobs.demo.daemons import self_signed
from jobs.demo.daemons.pebble import TO_MANAGEMENT, Pebble
from tests.authority import Authority
from tests.bench import issue, pebble, rounds
from tests.bench.figures import Report
from tests.bench.issued import missing
from tests.bench.pebble import answers, watched
from tests.bench.spent import Commands

GOOD = {"seconds": 1.0, "cpu": 0.5, "memory": 20.0, "acme": [0.0, 0.0], "hung": False, "troubles": []}
HUNG = {**GOOD, "hung": True}
PLAIN = Authority("Bench", datetime.now(UTC))
ROOT = PLAIN.root.decode()


class Management(http.server.ThreadingHTTPServer):
    """Answers as Pebble does for a certificate that it has not issued, once it is `free`."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _NoSuchCertificate)
        self.free = threading.Event()
        bundle, key = folder / "https.pem", folder / "https.key"
        self_signed.write(bundle, key, ["localhost"])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(bundle, key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.ca = Pebble(cast(Any, None), bundle, port=self.server_port - TO_MANAGEMENT)


class _NoSuchCertificate(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        cast(Management, self.server).free.wait()
        self.send_error(404)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def management(tmp_path: Path) -> Iterator[Management]:
    with Management(tmp_path) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.free.set()
        server.shutdown()


def test_a_ca_whose_store_does_not_answer_hangs(management: Management) -> None:
    assert not answers(management.ca, 0.2)


def test_a_ca_that_knows_no_such_certificate_answers(management: Management) -> None:
    management.free.set()
    assert answers(management.ca, 5)


def test_a_hang_is_told_once_and_while_the_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pebble, "ASKED_EVERY", 0.001)
    told = threading.Semaphore(0)
    with watched(lambda: False, told.release):
        assert told.acquire(timeout=5)
        assert not told.acquire(timeout=0.05)


def test_nothing_is_told_while_the_ca_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pebble, "ASKED_EVERY", 0.001)
    asked, told = threading.Semaphore(0), threading.Event()

    def answering() -> bool:
        asked.release()
        return True

    with watched(answering, told.set):
        assert all(asked.acquire(timeout=5) for _ in range(3))
    assert not told.is_set()


def test_stopped_commands_end_and_no_further_one_starts(tmp_path: Path) -> None:
    commands = Commands(tmp_path / "log")
    threading.Timer(0.2, commands.stop).start()
    with pytest.raises(RuntimeError):
        commands.run_all([["sleep", "60"]] * 3)
    assert commands.stopped
    assert commands.ended == 1


def test_the_memory_of_a_program_is_its_own_and_not_that_of_its_starter(tmp_path: Path) -> None:
    kept = bytearray(80 * 1024 * 1024)
    commands = Commands(tmp_path / "log")
    with commands.memory_read():
        commands.run(["sleep", "0.2"])
    assert 0 < commands.memory < 20
    assert kept


def test_a_program_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="exit 3, it said: no such luck"):
        Commands(tmp_path / "log").run([sys.executable, "-c", "import sys; print('no such luck'); sys.exit(3)"])


def test_a_measurement_in_which_the_ca_hung_is_made_anew_and_told() -> None:
    report = Report("issue")
    answered = iter([HUNG, HUNG, GOOD])
    assert rounds.one_measurement(report, issue.HUNDRED, "uacme", _measured(answered)) == GOOD
    assert [note.split(";")[0] for note in report.measured.notes] == ["100 websites x 1 name, uacme: Pebble hung"] * 2


def test_a_ca_that_always_hangs_ends_the_part() -> None:
    with pytest.raises(RuntimeError, match="hung 12 times"):
        rounds.one_measurement(Report("issue"), issue.HUNDRED, "uacme", _measured(iter([HUNG] * 12)))


def test_a_run_without_all_certificates_has_no_time() -> None:
    bad = {**GOOD, "troubles": ["a.test: there is no certificate"]}
    with pytest.raises(RuntimeError, match=r"a\.test: there is no certificate"):
        rounds.one_measurement(Report("issue"), issue.HUNDRED, "uacme", _measured(iter([bad])))


@pytest.mark.parametrize(("names", "wanted"), [
    (("a.test", "www.a.test"), ""),
    (("a.test",), "expected a certificate of a.test,"),
])
def test_a_certificate_must_be_for_exactly_the_names(names: tuple[str, ...], wanted: str) -> None:
    chain = PLAIN.bundle(("a.test", "www.a.test")).fullchain.decode()
    told = missing({"a.test": names}, {"a.test": chain}, ROOT)
    assert [wanted in one for one in told] == ([True] if wanted else [])


def test_a_website_without_certificate_is_missing() -> None:
    assert missing({"a.test": ("a.test",)}, {}, ROOT) == ["a.test: there is no certificate"]


def test_a_certificate_of_another_ca_is_none() -> None:
    chain = Authority("Other", datetime.now(UTC)).bundle(("a.test",)).fullchain.decode()
    (told,) = missing({"a.test": ("a.test",)}, {"a.test": chain}, ROOT)
    assert "not of the CA that was asked" in told


def _measured(answered: Any) -> rounds.Measure:
    def measured(module: str, *words: str, timeout: float) -> Any:
        return next(answered)

    return measured
