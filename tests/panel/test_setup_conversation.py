"""`autossl setup` as a conversation: short, every question with an answer at Enter but the CA's terms, and whatever is
done is done whole, so that a second run goes on from there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jobs import privileged
from jobs.policy.other_clients import Client, Found, Kept, Others
from panel.cli.setup.steps import Here
from tests.panel.directory_server import HMAC, KID, DirectoryServer, pebble
from tests.panel.setup_host import SetupHost, make

pytestmark = pytest.mark.e2e(timeout=180)

ENTER = ""
LINK = re.compile(r"^  https://[^/]+/setup/[A-Za-z0-9_-]{43}$", re.MULTILINE)


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DirectoryServer]:
    with pebble(tmp_path_factory.mktemp("ca")) as server:
        yield server


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SetupHost:
    return make(tmp_path / "autossl", monkeypatch)


def own_ca(ca: DirectoryServer, agreed: str = "y") -> list[str]:
    """The answers from the choice of the CA on."""
    return ["3", ca.directory, str(ca.ca_bundle), "anna@example.org", agreed]


def all_of_it(ca: DirectoryServer) -> list[str]:
    return ["y", "anna", "panel.example.org", *own_ca(ca)]


def test_the_whole_conversation_as_a_stranger_reads_it(host: SetupHost, ca: DirectoryServer) -> None:
    said = host.typed(answers_=all_of_it(ca))
    assert said.code == 0, said.err
    order = [
        "Enter takes what stands in [brackets]; Ctrl-C stops",
        "Found on this host: none of the services that are known here (Apache, NGINX, Dovecot, Exim, Postfix).",
        "The services need nothing written now.",
        f"To be made: {host.line.instance}, with everything that belongs to the panel (database, keys, logs).",
        "Go on? y or n [y]: y",
        "Administrator's name [admin]: anna",
        "Name under which the panel is opened",
        "panel.example.org does not lead to this host yet",
        "1  Let's Encrypt staging: to try everything first. Browsers don't trust these certificates",
        "Which one [1]: 3",
        "Mail address for the CA, or Enter for none: anna@example.org",
        "Its terms of service: data:text/plain,Do%20what%20thou%20wilt",
        "Did you read them, and do you agree? [y/N]: y",
        "Registered at private-ca; AutoSSL uses it now.",
        "The doctor",
        "The panel: https://panel.example.org:2087/",
        "To start it: ",
        "Administrator: anna",
        "Choose the password by this link, which is valid once and for 24 hours:",
        "Next:",
        f"autossl --instance {host.line.instance} check --all --plan",
    ]
    at = 0
    for sentence in order:
        at = said.out.find(sentence, at)
        assert at >= 0, f"{sentence!r} is missing, or comes too early, in:\n{said.out}"
    assert len(LINK.findall(said.out)) == 1
    assert "password:" not in said.out.lower()
    told = [text for text in said.out.splitlines() if "/" not in text]  # paths are as long as they are
    assert max(map(len, told)) <= 120
    stands = host.standing()
    assert (stands.administrator, stands.password, stands.hostname) == ("anna", False, "panel.example.org")
    assert (stands.provider, stands.directory) == ("private-ca", ca.directory)


def test_enter_is_an_answer_to_everything_but_the_terms(host: SetupHost, ca: DirectoryServer) -> None:
    """The first CA in the list is not asked over the network here, so it is named by a flag."""
    flags = ("--directory", ca.directory, "--ca-bundle", str(ca.ca_bundle))
    said = host.typed(*flags, answers_=[ENTER] * 5)
    assert said.code == 0, said.err
    assert "Not agreed, so nothing was registered, and no CA is in use." in said.out
    assert (host.standing().administrator, host.standing().provider) == ("admin", "")
    assert LINK.search(said.out)


def test_other_acme_clients_are_told_with_what_becomes_of_them(
    host: SetupHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = datetime(2027, 1, 1, tzinfo=UTC)
    found = (Found(Client.CERTBOT, "/etc/letsencrypt/renewal/a.test.conf", "certbot.timer"),
             Found(Client.MOD_MD, "/etc/apache2/mods-enabled/md.load", "itself"))
    kept = (Kept(Client.CERTBOT, "a.test", ("a.test",), "f1", ends),
            Kept(Client.CERTBOT, "b.test", ("b.test",), "f2", ends),
            Kept(Client.CERTBOT, "old.test", ("old.test",), "f3", ends, renewing=False))
    monkeypatch.setattr(privileged, "other_clients", lambda: Others(found, kept))
    said = host.typed(answers_=["n"]).out
    assert ("certbot is here too (/etc/letsencrypt/renewal/a.test.conf), and renews 2 certificates, which AutoSSL"
            " leaves alone; to take them over: autossl import certbot.") in said
    assert "mod_md is here too (/etc/apache2/mods-enabled/md.load).\n" in said


def test_flags_answer_their_questions_and_the_others_are_asked(host: SetupHost, ca: DirectoryServer) -> None:
    flags = ("--admin", "bea", "--no-provider", "--no-doctor")
    said = host.typed(*flags, answers_=["y", "panel.example.org"])
    assert said.code == 0, said.err
    assert "Administrator's name" not in said.out and "Which one" not in said.out and "doctor" not in said.out
    assert host.standing().administrator == "bea"


def test_no_leaves_everything_as_it_was(host: SetupHost) -> None:
    said = host.typed(answers_=["n"])
    assert (said.code, host.made) == (0, False)
    assert said.out.endswith("Nothing was changed.\n")
    assert [path.name for path in host.line.instance.iterdir()] == ["config.toml"]


def test_no_ca_for_now_is_possible(host: SetupHost) -> None:
    said = host.typed(answers_=["y", ENTER, ENTER, "4"])
    assert said.code == 0, said.err
    assert "To choose one later: autossl provider use NAME --accept-terms" in said.out
    assert "provider use letsencrypt_staging --accept-terms" in said.out


@pytest.mark.parametrize("given", range(8))
def test_whoever_stops_anywhere_goes_on_from_there(host: SetupHost, ca: DirectoryServer, given: int) -> None:
    """Ctrl-D, as Ctrl-C, at each question in turn."""
    every = all_of_it(ca)
    said = host.typed(answers_=every[:given])
    assert said.code == 1
    assert said.err.endswith("autossl: stopped\n")
    assert host.made is (given > 0)
    kept = [words for words, questions in (("the installation", 1), ("the administrator anna", 2),
                                           ("the panel's name", 3)) if given >= questions]
    assert all(words in said.err for words in kept)
    assert ("Nothing was set up." in said.err) is (given == 0)
    left = every if given == 0 else every[max(given, 1):] if given < 4 else every[3:]
    again = host.typed(answers_=left)
    assert again.code == 0, (again.out, again.err)
    stands = host.standing()
    assert (stands.administrator, stands.hostname, stands.provider) == ("anna", "panel.example.org", "private-ca")
    assert people_of(host) == ["anna"]


def people_of(host: SetupHost) -> list[str]:
    said = host.line.run("admin", "list", "--json")
    return re.findall(r'"name": "([^"]+)"', said.out)


def test_an_interrupt_while_services_are_written_says_so(host: SetupHost, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(self: Here) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Here, "write", stopped)
    monkeypatch.setattr("panel.cli.setup.answers.somebody_is_there", lambda: True)
    said = host.line.run("setup", stdin="y\n")
    assert said.code == 1
    assert "what services were given until then, to each all or nothing" in said.err
    assert "`autossl setup` goes on from there" in said.err


def test_what_was_answered_stands_in_the_audit_log_also_when_it_was_stopped(
    host: SetupHost, ca: DirectoryServer
) -> None:
    host.typed(answers_=["y", "anna"])
    host.typed(answers_=all_of_it(ca)[2:])
    second, first = json.loads(host.line.run("audit", "list", "--search", "setup", "--json").out)["entries"]
    assert (first["object"], first["result"]) == ("--admin anna", "stopped")
    wanted = f"--hostname panel.example.org --provider private-ca --directory {ca.directory}"
    assert (second["object"], second["result"]) == (f"{wanted} --contact anna@example.org --accept-terms", "done")


def test_a_second_run_asks_nothing_that_is_answered(host: SetupHost, ca: DirectoryServer) -> None:
    host.typed(answers_=all_of_it(ca))
    said = host.typed()
    assert said.code == 0, said.err
    assert "[" not in said.out.replace("[brackets]", "")
    assert len(LINK.findall(said.out)) == 1  # nobody has chosen a password by the first one


def test_once_there_is_a_password_no_link_is_made(host: SetupHost, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("correct horse battery\n")
    said = host.typed("--password-file", str(secret), "--no-provider", answers_=["y", ENTER, ENTER])
    assert said.code == 0, said.err
    assert not LINK.search(said.out) and "correct horse" not in said.out
    assert not LINK.search(host.typed("--no-provider").out)


def test_a_link_that_was_made_anew_ends_the_former_one(host: SetupHost) -> None:
    first = LINK.findall(host.typed("--no-provider", answers_=["y", ENTER, ENTER]).out)
    second = LINK.findall(host.typed("--no-provider").out)
    assert first and second and first != second


@pytest.mark.parametrize(
    ("at", "wrong", "sentence"),
    [
        (0, "perhaps", "expected y, n or s"),
        (1, "anna; rm -rf /", "expected a user name of letters"),
        (1, "\x1b[2Janna", "expected a user name of letters"),
        (2, "panel.example.org\"]\nbind", "expected a host name"),
        (2, "*.example.org", "not a wildcard"),
        (2, "localhost", "it has no dot"),
        (3, "5", "expected 1, 2, 3 or 4"),
        (4, "http://ca.example.org/dir", "expected the https URL of an ACME directory"),
        (4, "99", "expected a number from 1 to"),
        (5, "/nowhere/at/all", "reading the CA bundle"),
        (6, "anna@example.org>,<eve@example.org", "expected a mail address"),
    ],
    ids=["yes or no", "name: shell", "name: terminal", "hostname: TOML", "hostname: wildcard", "hostname: one label",
         "choice", "directory", "number", "bundle", "contact"],
)
def test_what_can_not_be_meant_is_asked_again(
    host: SetupHost, ca: DirectoryServer, at: int, wrong: str, sentence: str
) -> None:
    answers = all_of_it(ca)
    said = host.typed(answers_=[*answers[:at], *wrong.split("\n")[:1], *answers[at:]])
    assert said.code == 0, said.err
    assert f"Error: {sentence}" in said.out or sentence in said.out
    assert "\x1b" not in said.out.replace(wrong, "")
    assert host.standing().administrator == "anna" and host.standing().provider == "private-ca"


def test_a_ca_that_wants_a_binding_is_given_one(host: SetupHost, tmp_path: Path) -> None:
    with pebble(tmp_path / "ca", eab=True) as ca:
        answers = ["y", ENTER, ENTER, "3", ca.directory, str(ca.ca_bundle), ENTER, KID, HMAC, "y"]
        said = host.typed(answers_=answers)
    assert said.code == 0, said.err
    assert "This CA wants an external account binding" in said.out
    assert HMAC not in said.out
    assert host.standing().provider == "private-ca"


def test_a_ca_that_can_not_be_reached_leaves_everything_else_done(host: SetupHost) -> None:
    answers = ["y", "anna", ENTER, "3", "https://127.0.0.1:9/dir", ENTER]
    said = host.typed(answers_=answers)
    assert said.code == 1
    assert "No CA is in use; everything else stays as it is. To choose one later" in said.out
    assert LINK.search(said.out) and "The panel: https://" in said.out
    assert (host.standing().administrator, host.standing().provider) == ("anna", "")


def test_the_usual_name_of_the_panel_is_this_systems_only_if_it_leads_here(
    host: SetupHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.getfqdn", lambda: "server.example.org")
    said = host.typed("--no-provider", answers_=["y", ENTER, ENTER])
    assert "Name under which the panel is opened, or Enter for none:" in said.out
    assert host.standing().hostname == ""
    monkeypatch.setattr("socket.getfqdn", lambda: "panel.bench.test")  # as /etc/hosts of a private host has it
    said = host.typed("--no-provider", answers_=[ENTER])
    assert "Name under which the panel is opened [panel.bench.test]:" in said.out
    assert host.standing().hostname == "panel.bench.test"


