"""Words from outside with line ends, terminal sequences and characters that turn text round: in every log they are one
line, which nobody can take for another, and no terminal does what they say."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import models
from jobs.policy.site import InvalidName, account_name, hostname
from jobs.ports import Place
from jobs.runlog import RunLog
from jobs.wiring import audit
from jobs.wiring.instance import now
from tests.attacks.raw_requests import Target
from tests.panel import seed
from tests.panel.command_line import Line
from tests.panel.test_server import port_of

ROOT = Path(__file__).resolve().parents[2]
FORGED = "2026-11-25 12:00:00,000 INFO autossl.auth: signed in root from 127.0.0.1"
EVILS = [
    f"x\n{FORGED}", f"x\r\n{FORGED}", f"x\r{FORGED}", f"x\x0b{FORGED}", f"x\x85{FORGED}", f"x\u2028{FORGED}",
    "\x1b[2J\x1b[1;1H", "\x1b]0;title\x07", "\x9b31m", "\x1bP$q\"p\x1b\\", "\x08" * 20, "\u202egnp.exe",
    "\u2066x\u2069", "\x00", "\ud800", "%s%n{0}", "\u200b\ufeff", "\x7f", "\t\t\t",
]


def one_honest_line(text: str) -> bool:
    return text.count("\n") == 1 and text.endswith("\n") and text[:-1].isprintable()


@pytest.mark.parametrize("evil", EVILS)
def test_an_event_is_one_line_of_text_and_one_of_json_whatever_it_is_about(tmp_path: Path, evil: str) -> None:
    log = RunLog(tmp_path, now(), now, None)
    log.say("warn", evil, account=evil, website=evil, name=evil, code=evil)
    log.close()
    for name in ("log.txt", "log.jsonl"):
        text = (tmp_path / log.start / name).read_text()
        assert one_honest_line(text), name
    assert json.loads(text)["text"] == evil


@pytest.mark.parametrize("evil", [one for one in EVILS if one != "\ud800"])
def test_no_command_prints_what_a_terminal_would_act_on(line: Line, place: Place, evil: str) -> None:
    seed.provider()
    seed.accounts(4)
    seed.pending(2)
    log = RunLog(place.logs, now(), now, None)
    log.say("warn", evil, account=seed.account_name(0), website=evil, name=evil)
    log.close()
    models.Run.create(start=log.start, scope="*", started_at=now(), finished_at=now(), result="done", provider=evil)
    for table, column in ((models.Problem, "text"), (models.QueueEntry, "answer"), (models.Certificate, "issuer"),
                          (models.ServiceState, "text"), (models.Provider, "account_url"), (models.Website, "docroot"),
                          (models.Account, "contact")):
        table.update(**{column: evil}).execute()
    audit.record(evil, "admin", "x", evil, evil, "done")
    models.database.close()
    for words in (["log", "list"], ["log", "show", log.start], ["log", "show", log.start, "--format", "json"],
                  ["audit", "list"], ["queue", "list"], ["status"], ["account", "list"], ["provider", "list"],
                  ["provider", "show", seed.PROVIDER], ["account", "show", seed.account_name(1)]):
        for flags in ([], ["--json"]):
            said = line.run(*words, *flags)
            for text in (said.out, said.err):
                assert all(part.isprintable() for part in text.split("\n")), (words, flags)
                assert not [part for part in text.split("\n") if part.startswith("2026-11-25 12:00:00,000 INFO")], words


@pytest.mark.parametrize("evil", EVILS)
def test_no_name_has_such_characters(evil: str) -> None:
    """IDNA takes out some that nobody sees; what is left is a name in ASCII."""
    for check, whole in ((hostname, f"a{evil}.example"), (account_name, f"a{evil}")):
        try:
            found = check(whole)
        except InvalidName as error:
            assert str(error).isprintable()
        else:
            assert found == "a.example"


def test_what_a_stranger_sends_is_one_line_in_the_journal(line: Line, place: Place) -> None:
    """Through the real process: its names, its browser's, its addresses, and requests that are none."""
    environment = {**os.environ, "AUTOSSL_INSTANCE": str(place.instance)}
    words = [sys.executable, "-m", "panel.cli", "serve", "--single", "--bind", "127.0.0.1:0"]
    with subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, encoding="utf-8"
    ) as process:
        target = Target(port_of(process))
        page = target.get("/login")
        token = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
        cookie = page.headers["Set-Cookie"].partition(";")[0]
        for at, typed in enumerate(("a%0A", "a%0D%0A", "%1B%5B2J", "%E2%80%AEa", "a%00", "%C2%9B31m", "a%E2%80%A8")):
            form = f"csrf_token={token}&name={typed}{FORGED.replace(' ', '+')}&password=x".encode()
            agent = f"User-Agent: evil\x1b[31m {at}"
            target.post("/login", form, f"Cookie: {cookie}", agent, source=f"127.0.2.{at + 1}")
        for raw in (b"GET /\x1b[31m\r\n\r\n", b"\x1b[31m\r\n\r\n", b"GET /" + b"\x1b" * 40000):
            try:
                target.send(raw)
            except OSError:
                continue
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        said = process.stderr.read()
        assert process.wait(30) == 0
    lines = said.splitlines()
    assert len([one for one in lines if "refused a sign-in" in one]) == 7, said
    assert all(one.isprintable() for one in said.split("\n"))
    assert not [one for one in lines if one.startswith(FORGED[:40])]
    assert not [one for one in lines if one.startswith(" ") or "Traceback" in one], "strangers write no tracebacks"
