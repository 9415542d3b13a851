"""Each check of the doctor on a host where the one thing that it looks for is wrong."""

from __future__ import annotations

import http.server
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dns.message
import pytest

from jobs import doctor, privileged
from jobs.config import Config, Dns, Validation
from jobs.doctor import Asked, Differing, Host, Provider, Written
from jobs.policy.doctor import Result, State
from jobs.policy.failure import Failure
from jobs.policy.file_change import FileChange
from jobs.policy.other_clients import Client, Found, Kept, Others
from jobs.ports import Place
from jobs.providers.custom import Options
from jobs.providers.custom import Provider as Custom
from jobs.store import KEY
from tests.fakes import NOW
from tests.panel.directory_server import self_signed
from tests.panel.name_server import name_server

Make = Callable[..., Host]
NAMES = sorted(doctor.checks())


def found(name: str, host: Host) -> list[Result]:
    return list(doctor.checks()[name].examine(host))


def wrong(name: str, host: Host) -> list[str]:
    return [f"{one.subject}: {one.text}" for one in found(name, host) if one.state is State.WRONG]


@pytest.mark.parametrize("name", NAMES)
def test_every_check_has_a_title_and_says_something_in_words(name: str, host: Make) -> None:
    assert doctor.title(doctor.checks()[name])[0].isupper()
    results = found(name, host())
    assert results
    for one in results:
        assert one.subject and one.text
        assert bool(one.remedy and one.expected) is (one.state in (State.WARNING, State.WRONG))


def test_there_are_the_checks_that_a_server_needs() -> None:
    assert {"challenges", "clock", "database", "mail", "next_run", "permissions", "ports", "provider", "resolvers",
            "room", "served", "services", "set_up"} <= set(NAMES)


# --- provider and clock, by a real directory


class Directory(http.server.BaseHTTPRequestHandler):
    """An ACME directory whose server's clock is off by `skew`."""

    skew = timedelta()

    def do_GET(self) -> None:
        addresses = {key: f"https://127.0.0.1/{key}" for key in ("newNonce", "newAccount", "newOrder")}
        body = json.dumps(addresses).encode()
        self.send_response_only(200)
        self.send_header("Date", format_datetime(datetime.now(UTC) + self.skew, usegmt=True))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def directory(folder: Path, skew: timedelta) -> Iterator[Provider]:
    self_signed(folder)
    handler = type("Skewed", (Directory,), {"skew": skew})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "wfe.pem", folder / "wfe.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"https://127.0.0.1:{server.server_port}/dir"
        bare = Custom(Options(directory=url, ca_bundle=str(folder / "wfe.pem")), None)

        def ask() -> Asked:
            before = datetime.now(UTC)
            return Asked(bare.look(5), before, datetime.now(UTC))

        yield Provider("ca", url, "https://127.0.0.1/acct/1", False, ask, lambda: "https://127.0.0.1/acct/1")
        server.shutdown()


@pytest.mark.parametrize(
    ("skew", "state"),
    [(timedelta(), State.FINE), (timedelta(minutes=2), State.WARNING), (timedelta(hours=-1), State.WRONG)],
)
def test_the_clock_is_held_against_that_of_the_ca(host: Make, tmp_path: Path, skew: timedelta, state: State) -> None:
    with directory(tmp_path, skew) as provider:
        assert [one.state for one in found("clock", host(provider=provider))] == [state]
        assert {one.state for one in found("provider", host(provider=provider))} == {State.FINE}


def provider(**facts: Any) -> Provider:
    usual: dict[str, Any] = {
        "name": "ca", "directory": "https://ca.test/dir", "registered": "https://ca.test/1", "terms_changed": False,
        "ask": lambda: None, "account": lambda: "https://ca.test/1",
    }
    return Provider(**{**usual, **facts})


def refusing(code: str) -> Callable[[], Any]:
    def refuse() -> Any:
        raise Failure(code, f"{code} happened")

    return refuse


def test_an_account_that_the_ca_does_not_know_is_wrong(host: Make) -> None:
    assert wrong("provider", host(provider=provider(account=lambda: None))) == ["account: ca does not know its key"]
    lost = provider(account=refusing("account_key_missing"))
    assert wrong("provider", host(provider=lost)) == ["account: account_key_missing happened"]


def test_a_directory_that_can_not_be_had_is_wrong_and_new_terms_are_a_warning(host: Make) -> None:
    down = provider(ask=refusing("ca_unreachable"))
    assert wrong("provider", host(provider=down)) == ["directory: ca_unreachable happened"]
    states = {one.subject: one.state for one in found("provider", host(provider=provider(terms_changed=True)))}
    assert states == {"directory": State.FINE, "account": State.FINE, "terms": State.WARNING}


# --- resolvers


def resolvers(host: Make, *addresses: str) -> list[Result]:
    return found("resolvers", host(config=Config(dns=Dns(resolvers=addresses))))


def test_each_resolver_is_asked_and_one_that_fails_is_told_with_its_word(host: Make) -> None:
    with name_server() as good, name_server() as bad, name_server() as old:
        good.records["alice.test", "A"] = ["192.0.2.1"]
        bad.broken.add("alice.test")
        plain = old.answer

        def without_edns(wire: bytes) -> bytes:
            query = dns.message.from_wire(wire)
            query.use_edns(-1)
            return plain(query.to_wire())

        old.answer = without_edns  # type: ignore[method-assign]
        results = resolvers(host, good.address, bad.address, old.address)
    assert [one.state for one in results] == [State.FINE, State.WRONG, State.WARNING]
    assert [one.subject for one in results] == [f"resolver {one.address}" for one in (good, bad, old)]
    assert "SERVFAIL for alice.test" in results[1].text and "RFC 6891" in results[2].text
    assert "no DNSSEC signature was checked" in results[0].text


def test_a_resolver_that_is_written_wrongly_is_told(host: Make) -> None:
    (one,) = resolvers(host, "not an address")
    assert one.state is State.WRONG and "not an address" in one.text


# --- services


class Daemon:
    """A service that is set up as its `missing` files say."""

    name = "apache"

    def __init__(self, missing: Sequence[FileChange] = (), trouble: Failure | None = None) -> None:
        self._missing = missing
        self._trouble = trouble

    def test(self) -> None:
        if self._trouble:
            raise self._trouble

    def setup(self) -> Sequence[FileChange]:
        self.test()
        return self._missing


def test_a_service_whose_test_fails_is_told_in_its_words(host: Make) -> None:
    broken = Daemon(trouble=Failure("config_test_failed", "line 7: what is this"))
    assert wrong("services", host(services=lambda: [Daemon(), broken])) == ["apache: line 7: what is this"]
    assert wrong("set_up", host(services=lambda: [broken])) == ["apache: line 7: what is this"]


def test_a_set_up_that_is_gone_is_wrong_and_one_that_never_was_a_warning(host: Make) -> None:
    services = lambda: [Daemon([FileChange(Path("/etc/x.conf"), b"x")])]  # noqa: E731
    (never,) = found("set_up", host(services=services))
    assert never.state is State.WARNING
    ours = [Written("apache", "/etc/x.conf", "gone"), Written("apache", "/etc/y.conf", "as written")]
    results = found("set_up", host(services=services, written=ours))
    assert [(one.subject, one.state) for one in results] == [
        ("apache", State.WRONG), ("/etc/x.conf", State.WARNING)
    ]
    assert "/etc/x.conf" in results[0].text


def test_a_file_that_somebody_changed_is_a_warning(host: Make) -> None:
    *_, one = found("set_up", host(written=[Written("apache", "/etc/x.conf", "changed")]))
    assert (one.state, one.text) == (State.WARNING, "somebody changed it since it was written here")


def test_a_port_at_which_nobody_listens_is_wrong_where_challenges_come_in(host: Make) -> None:
    closed = Config(validation=Validation(http_port=9, https_port=9))
    services = lambda: [Daemon()]  # noqa: E731
    states = [one.state for one in found("ports", host(services=services, config=closed))]
    assert states[:2] == [State.WRONG, State.WARNING]
    states = [one.state for one in found("ports", host(services=services, config=closed, secured=True))]
    assert states[:2] == [State.WRONG, State.WRONG]


@pytest.mark.parametrize(
    ("status", "headers", "state"),
    [(404, {}, State.WRONG), (301, {"Location": "https://alice.test/"}, State.WARNING), (200, {}, State.WRONG)],
)
def test_a_challenge_that_is_answered_otherwise_is_told_and_cleaned(
    host: Make, place: Place, status: int, headers: dict[str, str], state: State
) -> None:
    class Web(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"something else")

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        config = Config(validation=Validation(http_port=server.server_port))
        (one,) = found("challenges", host(config=config))
        server.shutdown()
    assert one.state is state and one.subject == "alice.test at 127.0.0.1"
    assert not [path for path in place.challenges.iterdir() if not path.name.startswith(".")]


# --- the installation


@pytest.mark.parametrize(
    ("path", "mode", "words"),
    [
        ("keys/account.key", 0o640, "others may read it"),
        ("panel.sqlite3", 0o644, "others may read it"),
        ("keys", 0o711, "others may change or enter it"),
        (f"tls/live/a.test/1/{KEY}", 0o644, "others may read it"),
        ("tls/panel.pem", 0o604, "others may read it"),
        ("config.toml", 0o666, "others may change or enter it"),
        (".", 0o777, "others may change or enter it"),
    ],
)
def test_what_is_secret_is_closed(host: Make, place: Place, path: str, mode: int, words: str) -> None:
    target = place.instance / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        target.touch()
    target.chmod(mode)
    assert wrong("permissions", host()) == [f"{target}: its mode is {mode:o}: {words}"]


@pytest.mark.parametrize(("path", "mode"), [(f"tls/live/a.test/1/{KEY}", 0o640), ("config.toml", 0o644)])
def test_what_a_service_or_anybody_may_read_is_no_problem(host: Make, place: Place, path: str, mode: int) -> None:
    target = place.instance / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch()
    target.chmod(mode)
    assert {one.state for one in found("permissions", host())} == {State.FINE}


def test_a_damaged_database_is_told_in_its_words(host: Make) -> None:
    assert wrong("database", host(soundness=lambda: ("row 3 is missing", True))) == ["panel.sqlite3: row 3 is missing"]
    assert wrong("database", host(soundness=lambda: ("", False))) == []


def test_what_the_watch_saw_is_told_with_its_words(host: Make) -> None:
    differing = [Differing("apache", f"site{number}.test", "an older one") for number in range(12)]
    told = wrong("served", host(watched=40, differing=differing))
    assert told[0] == "site0.test on apache: an older one" and told[-1] == "services: 2 further websites differ"
    assert {one.state for one in found("served", host(watched=40))} == {State.FINE}


def test_each_way_of_telling_people_is_tried(host: Make) -> None:
    good, bad = SimpleNamespace(check=lambda: None), SimpleNamespace(check=refusing("unreadable"))
    results = found("mail", host(notifiers=lambda: {"smtp": good, "chat": bad, "other": object()}))
    assert [one.state for one in results] == [State.FINE, State.WRONG, State.NOT_APPLICABLE]
    with pytest.raises(Failure, match="config_invalid happened"):  # told by the examination, as any check's
        found("mail", host(notifiers=refusing("config_invalid")))


@pytest.fixture
def others(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What is found of other clients on this host."""

    def say(*found: Found, kept: Sequence[Kept] = ()) -> None:
        monkeypatch.setattr(privileged, "other_clients", lambda: Others(found, tuple(kept)))

    return say


def kept(client: Client, name: str, renewing: bool = True) -> Kept:
    return Kept(client, name, (name, f"www.{name}"), name, NOW + timedelta(days=40), renewing)


CERTBOT = Found(Client.CERTBOT, "/etc/letsencrypt/renewal/a.test.conf", "certbot.timer")


def test_without_other_clients_that_is_said(host: Make, others: Callable[..., None]) -> None:
    others()
    (only,) = found("other_clients", host())
    assert (only.state, only.text) == (State.FINE, "none was found on this host")


def test_each_other_client_is_told_with_what_it_means_and_how_it_is_taken_over(
    host: Make, others: Callable[..., None]
) -> None:
    hestia = Found(Client.HESTIA, "/usr/local/hestia/conf/hestia.conf", None)
    mod_md = Found(Client.MOD_MD, "/etc/apache2/mods-enabled/md.load", "itself")
    others(CERTBOT, hestia, mod_md, kept=[kept(Client.CERTBOT, "a.test"), kept(Client.CERTBOT, "b.test")])
    first, second, third = found("other_clients", host())
    assert {one.state for one in (first, second, third)} == {State.FINE}
    assert first.text == (
        "it is here (/etc/letsencrypt/renewal/a.test.conf) and looks after 2 certificates, run by certbot.timer, which"
        " AutoSSL leaves alone; taken over by: autossl import certbot"
    )
    assert "can't be seen without root" in second.text and third.text.endswith("renews by itself")


def test_a_client_that_nothing_runs_is_a_warning_as_long_as_it_has_something_to_renew(
    host: Make, others: Callable[..., None]
) -> None:
    stopped = replace(CERTBOT, renewed_by="")
    others(stopped, kept=[kept(Client.CERTBOT, "a.test")])
    (warning,) = found("other_clients", host())
    assert warning.state is State.WARNING and "no timer and no cron job runs it; a.test ends first" in warning.text
    assert "systemctl enable --now certbot.timer" in warning.remedy and "autossl import certbot" in warning.remedy
    others(stopped, kept=[kept(Client.CERTBOT, "a.test", renewing=False)])
    assert [one.state for one in found("other_clients", host())] == [State.FINE]


def test_what_is_renewed_here_and_there_is_a_warning_that_says_how_the_other_one_is_ended(
    host: Make, others: Callable[..., None]
) -> None:
    names = [f"n{number}.test" for number in range(7)]
    others(CERTBOT, kept=[kept(Client.CERTBOT, name) for name in names])
    assert len(found("other_clients", host(held={"elsewhere.test": "elsewhere.test"}))) == 1
    told = found("other_clients", host(held={f"www.{name}": name for name in names}))[1:]
    assert {one.state for one in told} == {State.WARNING} and len(told) == 6
    assert told[0].subject == "n0.test" and "mv /etc/letsencrypt/renewal/n0.test.conf" in told[0].remedy
    assert told[-1].text == "2 further certificates are renewed twice"
