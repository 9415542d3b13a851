"""Names that become a part of a path, of a URL or of a command, from whoever may choose one: none leads out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import models
from jobs.accounts.manifest import manifest_path
from jobs.challenges import HttpSolver
from jobs.policy.failure import Failure
from jobs.policy.site import InvalidName, account_name, hostname, is_hostname
from jobs.ports import Place
from jobs.wiring.instance import now
from tests.attacks.raw_requests import Target
from tests.panel import seed
from tests.panel.browser import Browser
from tests.panel.command_line import Line

TRICKS = [
    "..", ".", "../..", "../../../../etc/passwd", "/etc/passwd", "//etc/passwd", "..\\..", "....//....//etc/passwd",
    "a/../../b", "a/..", "./a", "a//b", "~root", "~", "-rf", "--instance=/", "\x00", "a\x00.pem", "a\n", "a\r", "a b",
    "*", "?", "$(id)", "`id`", "a;id", "a|id", "a&id", "\u2025", "．．／", "..%2f..%2fetc", "%2e%2e", "..;/", "C:\\x",
    "a:b", "", " ", "con", ".hidden", "a" * 5000, "\u202e", "\ud800",
]
"""What is tried in the place of every name."""

TOKEN = re.compile(r"\A[A-Za-z0-9_-]{8,256}\Z")
CANARY = "the canary sings"


@pytest.fixture
def canary(place: Place) -> str:
    """Files beside what may be read, which must come out by no address."""
    for path in (place.instance / "canary.txt", place.logs / "canary.txt", place.instance.parent / "canary.txt"):
        path.write_text(CANARY)
    return CANARY


@pytest.mark.parametrize("trick", TRICKS)
def test_no_name_of_a_host_or_an_account_leads_out(place: Place, trick: str) -> None:
    for text in (trick, f"{trick}.example", f"a.{trick}", f"{trick}.{trick}"):
        if is_hostname(text):
            assert Path(text).name == text and not text.startswith((".", "-", "~"))
        try:
            found = hostname(text)
        except InvalidName:
            continue
        assert "/" not in found and ".." not in found and "\x00" not in found
        assert place.link(found, "apache").resolve().is_relative_to(place.live.resolve())
    try:
        found = account_name(trick)
    except InvalidName:
        return
    assert manifest_path(place, found).parent == place.instance / "sites.d" and not found.startswith((".", "-", "~"))


@pytest.mark.parametrize("trick", TRICKS)
def test_no_token_of_a_ca_leads_out_of_the_challenges(tmp_path: Path, trick: str) -> None:
    directory = tmp_path / "a" / "challenges"
    directory.mkdir(parents=True)
    solver = HttpSolver(directory)
    for token in (trick, f"{trick}{'t' * 20}", f"{'t' * 20}{trick}", "t" * 20 + "/../x"):
        try:
            solver.present("a.example", token, "the answer")
        except Failure as failure:
            assert failure.code == "ca_bad_token"
            with pytest.raises(Failure):
                solver.clean("a.example", token)
        else:
            assert TOKEN.match(token) and [path.name for path in directory.iterdir()] == [token]
            solver.clean("a.example", token)
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("trick", [one for one in TRICKS if "\x00" not in one and one != "\ud800"])
def test_no_word_of_the_command_line_that_names_a_thing_leads_out(line: Line, place: Place, trick: str) -> None:
    bundle = place.instance / "bundle.pem"
    before = {path for path in place.instance.parent.rglob("*") if path.suffix not in (".sqlite3-wal", ".sqlite3-shm")}
    models.database.close()
    for words in (
        ["provider", "add", "--directory", "https://ca.example/dir", "--ca-bundle", str(bundle), "--", trick],
        ["provider", "show", "--", trick], ["plugin", "show", "--", trick], ["account", "add", "--", trick],
        ["log", "show", "--", trick], ["account", "show", "--", trick],
        ["user", "add", "--role", "reseller", "--", trick],
        ["token", "revoke", "--", trick], ["exclude", "--user", "x", "--", trick], ["features", "show", "--", trick],
        ["check", "--user", trick], ["dns", "show", "--", trick],
    ):
        said = line.run(*words, stdin="correct horse\n" * 2)
        assert said.code in (1, 2) or "user" in words, (words, said)
        assert CANARY not in said.out
    after = {path for path in place.instance.parent.rglob("*") if path.suffix not in (".sqlite3-wal", ".sqlite3-shm")}
    assert {path for path in after - before if not path.is_relative_to(place.logs)} <= {place.keys / "session.key"}


ENCODED = ["..", "%2e%2e", "..%2f..", "%2e%2e%2f", "..%5c", "%252e%252e%252f", "..%00", "....//", "%c0%ae%c0%ae/",
           "..;", "/etc/passwd", "%2fetc%2fpasswd", "//etc/passwd", "canary.txt", "..%2fcanary.txt",
           "..%2f..%2fcanary.txt"]


@pytest.mark.parametrize("trick", ENCODED)
def test_no_address_of_the_panel_leads_to_a_file_that_it_does_not_offer(
    panel: Target, browser: Browser, canary: str, place: Place, trick: str
) -> None:
    """By a stranger at the sockets, and by an administrator in the application."""
    seed.accounts(1)
    start = seed.runs(place)[0]
    browser.sign_in()
    for path in (
        f"/static/{trick}", f"/static/{trick}/canary.txt", f"/static/vendor/{trick}/{trick}/canary.txt", f"/{trick}",
        f"/logs/{trick}", f"/logs/{start}/{trick}", f"/logs/{trick}/log.txt", f"/logs/{start}/{trick}/canary.txt",
        f"/logs/{start}%2f{trick}", f"/status/{trick}", f"/status/{seed.account_name(0)}/name/{trick}",
        f"/account/{trick}", f"/setup/{trick}", f"/users/people/{trick}",
        f"/json-api/get_autossl_log?api.version=1&start_time={trick}",
        f"/json-api/get_autossl_log?api.version=1&start_time={start}/{trick}", f"/json-api/{trick}",
        f"/execute/{trick}/x", f"/static/autossl.css?v={trick}", f"/login?next={trick}",
    ):
        for text, status in ((panel.get(path).text, panel.get(path).status), _by(browser, path)):
            assert status < 500, path
            assert canary not in text and "root:x:0" not in text and "SQLite format" not in text, path


def _by(browser: Browser, path: str) -> tuple[str, int]:
    answer = browser.get(path)
    return answer.get_data(as_text=True), answer.status_code


@pytest.mark.parametrize("trick", [one for one in TRICKS if one and "\x00" not in one and one != "\ud800"])
def test_a_run_in_the_database_with_a_name_that_leads_out_shows_no_file(
    browser: Browser, canary: str, place: Place, trick: str
) -> None:
    """Whoever could write such a row still reads nothing by it."""
    models.Run.create(start=trick, scope="*", started_at=now(), finished_at=now(), result="done")
    models.database.close()
    browser.sign_in()
    for name in ("", "/log.txt", "/log.jsonl"):
        answer = browser.get(f"/logs/{trick}{name}")
        assert answer.status_code < 500
        assert canary not in answer.get_data(as_text=True)
