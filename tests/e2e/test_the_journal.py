"""The real journald: what the server says there can be found by fields, and nobody can make it say anything else."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import models
from jobs.policy.access import Role
from jobs.policy.journal import MESSAGE_IDS, Kind
from jobs.ports import Place
from jobs.wiring import people
from jobs.wiring.instance import create, now, open_instance

pytestmark = pytest.mark.e2e(timeout=90)

RUN = Path("/run/systemd/journal")
FORGED = "x\nPRIORITY=0\nMESSAGE=forged\n\nMESSAGE=forged\n2026-11-25 00:00:00 ERROR forged\r\x1b[2J\u2028"

SAYS = """
import logging, sys
from datetime import UTC, datetime
from pathlib import Path
from jobs.runlog import RunLog
from panel import journal
journal.set_up()
log = RunLog(Path(sys.argv[1]), datetime.now(UTC), lambda: datetime.now(UTC), None, noted=True)
log.say("info", "of no interest")
log.say("error", sys.argv[2], account=sys.argv[2], website=sys.argv[2], name=sys.argv[2], code="http_status")
log.sum_up(True, "finished: 3 kept")
try:
    raise ValueError(sys.argv[2])
except ValueError:
    logging.getLogger("autossl.test").exception("nobody foresaw this")
"""
"""What a check and a bug say, in a process that logs as `autossl serve` does; with words from elsewhere."""

Entry = dict[str, str]


def until(found: Callable[[], object]) -> None:
    ends = time.monotonic() + 20
    while not found():
        assert time.monotonic() < ends
        time.sleep(0.05)


@pytest.fixture(scope="module", autouse=True)
def journald() -> Iterator[None]:
    RUN.mkdir(parents=True)
    Path("/etc/systemd/journald.conf").write_text("[Journal]\nStorage=volatile\nReadKMsg=no\n")
    with subprocess.Popen(["/usr/lib/systemd/systemd-journald"], stderr=subprocess.DEVNULL) as process:
        until((RUN / "stdout").is_socket)
        yield
        process.terminate()


@pytest.fixture(scope="module")
def place() -> Place:
    made = Place(Path("/var/lib/autossl-journal"))
    create(made.instance)
    with models.database.connection_context():
        people.create("root", "correct horse", Role.ADMIN)
    models.database.close()
    return made


def stream() -> socket.socket:
    """Connected as systemd connects stderr of a service."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.connect(str(RUN / "stdout"))
    made.sendall(b"autossl\nautossl.service\n6\n1\n0\n0\n0\n")
    return made


def began(*words: str) -> subprocess.Popen[str]:
    with stream() as stderr:
        facts = os.fstat(stderr.fileno())
        environment = {**os.environ, "JOURNAL_STREAM": f"{facts.st_dev}:{facts.st_ino}"}
        return subprocess.Popen(
            [sys.executable, *words], stderr=stderr, stdout=subprocess.PIPE, text=True, env=environment
        )


def entries(*matches: str) -> list[Entry]:
    subprocess.run(["journalctl", "--sync"], check=True, capture_output=True)
    answer = subprocess.run(["journalctl", "-o", "json", *matches], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in answer.stdout.rstrip("\n").split("\n") if line]


def test_log_injection_by_a_ca_or_a_bug_makes_no_entry_and_no_field_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    with began("-c", SAYS, str(tmp_path / "logs"), FORGED) as process:
        assert process.wait(20) == 0
    mine = [one for one in entries() if one.get("_PID") == str(process.pid)]
    kinds = [(one.get("AUTOSSL_KIND"), one["PRIORITY"], one.get("MESSAGE_ID")) for one in mine]
    assert kinds == [
        ("run_event", "3", MESSAGE_IDS[Kind.RUN_EVENT]), ("run_finished", "6", MESSAGE_IDS[Kind.RUN_FINISHED]),
        (None, "3", None),
    ]
    event, end, bug = mine
    shown = FORGED.encode("unicode_escape").decode()
    assert event["AUTOSSL_WEBSITE"] == event["AUTOSSL_ACCOUNT"] == event["AUTOSSL_NAME"] == shown
    assert event["MESSAGE"].endswith("[http_status]") and "\n" not in event["MESSAGE"]
    assert event["AUTOSSL_RUN"] == end["AUTOSSL_RUN"] == next((tmp_path / "logs").iterdir()).name
    assert end["MESSAGE"] == "finished: 3 kept" and {one["SYSLOG_IDENTIFIER"] for one in mine} == {"autossl"}
    assert all(line.startswith("    ") for line in bug["MESSAGE"].splitlines()[1:])
    plain = ["journalctl", "-o", "cat", f"_PID={process.pid}"]
    shown = subprocess.run(plain, capture_output=True, text=True, check=True).stdout
    assert not [line for line in shown.splitlines() if line.startswith(("forged", "MESSAGE", "PRIORITY", "2026"))]
    assert shown.count("forged") >= 9 and "\x1b" not in shown


def test_what_the_server_could_not_do_by_itself_is_found_by_its_code(place: Place) -> None:
    words = ["-m", "panel.cli", "--instance", str(place.instance), "serve", "--single", "--bind", "127.0.0.1:0"]
    with began(*words) as process:
        assert process.stdout is not None and process.stdout.readline().startswith("The panel is ready")
        opened = open_instance(place.instance)
        with opened.database.connection_context():
            models.QueueEntry.create(kind="check", key="check:*", requested_at=now(), run_after=now(),
                                     payload='{"accounts": null, "forced": false}')
        mine = (f"_PID={process.pid}", "AUTOSSL_CODE=provider_disabled")
        until(lambda: entries(*mine))
        (entry,) = entries(*mine)
        assert entry["AUTOSSL_KIND"] == "duty_failed" and entry["PRIORITY"] == "4"
        assert entry["MESSAGE"].startswith("check check:*: AutoSSL is disabled") and entry["CODE_FILE"]
        process.terminate()
        assert process.wait(30) == 0


def test_a_refused_sign_in_is_found_by_its_id_with_the_address(place: Place) -> None:
    told = (
        "import sys; from pathlib import Path; from panel import journal; from jobs.wiring import sign_in;"
        "from jobs.wiring.instance import now, open_instance; journal.set_up();"
        "open_instance(Path(sys.argv[1])); sign_in.first_step(sys.argv[2], 'wrong', '192.0.2.77', now())"
    )
    with began("-c", told, str(place.instance), FORGED) as process:
        assert process.wait(20) == 0
    found = entries(f"MESSAGE_ID={MESSAGE_IDS[Kind.SIGN_IN_REFUSED]}")
    assert [one["AUTOSSL_ADDRESS"] for one in found] == ["192.0.2.77"]
    assert found[0]["MESSAGE"].startswith("refused a sign-in from 192.0.2.77 for 'x\\nPRIORITY=0")
