"""`autossl setup` where nobody can be asked: flags say everything, and what is missing or can't be meant is told before
anything is begun."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.panel.directory_server import DirectoryServer, pebble
from tests.panel.setup_host import SetupHost, make, no_services

pytestmark = pytest.mark.e2e(timeout=180)


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DirectoryServer]:
    with pebble(tmp_path_factory.mktemp("ca")) as server:
        yield server


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SetupHost:
    return make(tmp_path / "autossl", monkeypatch)


def own_ca(ca: DirectoryServer) -> tuple[str, ...]:
    return ("--directory", ca.directory, "--ca-bundle", str(ca.ca_bundle), "--accept-terms")


def untouched(host: SetupHost) -> bool:
    return [path.name for path in host.line.instance.iterdir()] == ["config.toml"] and (
        (host.line.instance / "config.toml").read_text() == no_services()
    )


def test_everything_by_flags(host: SetupHost, ca: DirectoryServer) -> None:
    flags = ("--yes", "--admin", "anna", "--hostname", "Panel.Example.org", "--contact", "anna@example.org")
    said = host.alone(*flags, *own_ca(ca))
    assert said.code == 0, said.err
    assert "The panel: https://panel.example.org:2087/" in said.out and "/setup/" in said.out
    stands = host.standing()
    assert (stands.administrator, stands.hostname, stands.provider) == ("anna", "panel.example.org", "private-ca")


def test_as_json_it_is_one_value_with_everything(host: SetupHost, ca: DirectoryServer) -> None:
    said = host.alone("--yes", "--json", "--hostname", "panel.example.org", *own_ca(ca))
    assert said.code == 0, said.err
    found = json.loads(said.out)
    assert (found["changes"], found["failed"], found["found"]["services"]) == ([], [], [])
    assert found["instance"] == {"directory": str(host.line.instance), "created": True}
    assert (found["administrator"], found["hostname"]) == ("admin", "panel.example.org")
    assert found["provider"]["name"] == "private-ca" and found["provider"]["account"].startswith("https://")
    assert found["panel"]["address"] == "https://panel.example.org:2087/" and found["panel"]["serving"] is False
    assert found["link"].startswith("https://panel.example.org:2087/setup/")
    assert found["doctor"]["checks"]


@pytest.mark.parametrize(
    ("flags", "missing"),
    [
        ((), ["--yes", "--accept-terms", "--no-provider"]),
        (("--json",), ["--yes", "--accept-terms"]),
        (("--yes",), ["--accept-terms", "--no-provider"]),
        (("--no-provider",), ["--yes"]),
        (("--yes", "--provider", "letsencrypt"), ["--accept-terms"]),
        (("--admin", "anna", "--accept-terms"), ["--yes"]),
    ],
    ids=" ".join,
)
def test_what_is_missing_is_named_by_its_flag_before_anything_is_begun(
    host: SetupHost, flags: tuple[str, ...], missing: list[str]
) -> None:
    said = host.alone(*flags)
    assert said.code == 2
    assert said.err.startswith("autossl: nobody is asked here, so this has to be said: ")
    assert all(flag in said.err for flag in missing)
    assert untouched(host)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--admin", "anna rm"), "expected a user name of letters"),
        (("--admin", "../../root"), "expected a user name of letters"),
        (("--admin", ""), "expected a user name of letters"),
        (("--admin", "\x1b]0;owned\x07"), "expected a user name of letters"),
        (("--hostname", 'panel.example.org"\nbind = "*:1'), "expected a host name"),
        (("--hostname", "*.example.org"), "not a wildcard"),
        (("--hostname", "192.0.2.7"), "it is an address, not a name"),
        (("--hostname", "a" * 70 + ".example.org"), "expected a host name"),
        (("--provider", "nobody", "--accept-terms"), "there is no such provider"),
        (("--provider", "../keys", "--directory", "https://ca.example.org/", "--accept-terms"), "a name of small"),
        (("--directory", "http://ca.example.org/dir", "--accept-terms"), "expected the https URL of an ACME directory"),
        (("--directory", "https://user:secret@ca.example.org/", "--accept-terms"), "without a user name"),
        (("--directory", "https://ca.example.org/", "--ca-bundle", "/etc/passwd", "--accept-terms"),
         "expected certificates in PEM"),
        (("--directory", "https://ca.example.org/", "--ca-bundle", "/nowhere", "--accept-terms"), "No such file"),
        (("--ca-bundle", "/etc/passwd", "--no-provider"), "--ca-bundle says whom to trust at --directory"),
        (("--no-provider", "--provider", "letsencrypt"), "expected either --no-provider, or --provider"),
        (("--contact", "anna", "--no-provider"), "expected a mail address"),
        (("--eab-kid", "kid-1", "--provider", "zerossl", "--accept-terms"), "has two parts"),
        (("--password-file", "/nowhere", "--no-provider"), "reading the password"),
    ],
    ids=lambda value: " ".join(value).encode("unicode_escape").decode()[:60] if isinstance(value, tuple) else "",
)
def test_what_can_not_be_meant_is_refused_before_anything_is_begun(
    host: SetupHost, flags: tuple[str, ...], sentence: str
) -> None:
    said = host.alone("--yes", *flags)
    assert said.code == 2, said.out
    assert sentence in said.err
    assert "\x1b" not in said.err and "secret@" not in said.err.replace("user:secret@", "")
    assert untouched(host)


def test_a_weak_password_is_refused_before_anything_is_begun(host: SetupHost, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("short\n")
    said = host.alone("--yes", "--no-provider", "--password-file", str(secret))
    assert said.code == 2 and "the password has 5 characters" in said.err
    assert untouched(host)


def test_a_ca_that_can_not_be_reached_leaves_everything_else_done(host: SetupHost, ca: DirectoryServer) -> None:
    flags = ("--yes", "--admin", "anna", "--hostname", "panel.example.org")
    said = host.alone(*flags, "--directory", "https://127.0.0.1:9/dir", "--accept-terms", "--json")
    found = json.loads(said.out)
    assert said.code == 1
    assert found["provider_error"]["code"] == "ca_unreachable" and "provider" not in found
    assert found["link"] and found["instance"]["created"]
    assert host.standing().administrator == "anna"
    assert host.alone(*flags, *own_ca(ca)).code == 0
    assert host.standing().provider == "private-ca"


def test_another_directory_under_a_name_that_is_taken_is_told(host: SetupHost, ca: DirectoryServer) -> None:
    host.alone("--yes", *own_ca(ca))
    said = host.alone("--yes", "--directory", "https://ca.example.org/dir", "--accept-terms")
    assert said.code == 1
    assert "another directory; choose a name for this one: --provider NAME" in said.out
    assert host.standing().directory == ca.directory


def test_a_second_run_changes_nothing_and_makes_no_second_link(host: SetupHost, ca: DirectoryServer) -> None:
    """Somebody may hold the first one: what runs by itself must not take it away."""
    flags = ("--yes", "--admin", "anna", *own_ca(ca))
    first = host.alone(*flags)
    before, stands = (host.line.instance / "config.toml").read_bytes(), host.standing()
    again = host.alone(*flags)
    assert (first.code, again.code) == (0, 0)
    assert "/setup/" not in again.out and "holds until" in again.out
    assert "autossl admin reset-password anna --link" in again.out
    assert (host.standing(), (host.line.instance / "config.toml").read_bytes()) == (stands, before)


def test_another_administrators_name_makes_no_second_one(host: SetupHost) -> None:
    host.alone("--yes", "--admin", "anna", "--no-provider")
    said = host.alone("--yes", "--admin", "mallory", "--no-provider")
    assert said.code == 0
    assert "anna is the administrator already; another one: autossl admin add mallory" in said.out
    assert host.standing().administrator == "anna"


def test_autossl_that_was_switched_off_stays_off(host: SetupHost, ca: DirectoryServer) -> None:
    host.alone("--yes", *own_ca(ca))
    assert host.line.run("provider", "disable").code == 0
    host.close()
    said = host.alone("--yes")
    assert said.code == 0, said.err
    assert host.standing().provider == ""
    assert host.alone("--yes", *own_ca(ca)).code == 0
    assert host.standing().provider == "private-ca"


def test_on_an_installation_with_its_administrator_it_does_the_services_and_what_flags_say(host: SetupHost) -> None:
    """As in a script that makes the installation by `autossl init`, and chooses the CA later."""
    assert host.line.run("init", "--admin", "root", "--link").code == 0
    host.close()
    said = host.alone()
    assert (said.code, said.out) == (0, "Everything is set up; nothing was changed.\n")
    assert host.standing().hostname == ""
    said = host.alone("--hostname", "panel.example.org")
    assert said.code == 0 and host.standing().hostname == "panel.example.org"
    assert "/setup/" not in said.out


def test_what_an_interrupted_init_left_gets_its_administrator(host: SetupHost) -> None:
    from jobs.wiring.instance import create

    create(host.line.instance)
    host.close()
    assert "--yes" in host.alone("--no-provider").err
    assert host.alone("--yes", "--no-provider").code == 0
    assert host.standing().administrator == "admin"


def test_the_plan_says_everything_and_does_nothing(host: SetupHost) -> None:
    said = host.alone("--plan", "--admin", "anna", "--hostname", "panel.example.org")
    assert said.code == 0, said.err
    assert "0 files would be changed. Nothing was changed." in said.out
    for line in (f"make the installation {host.line.instance}", "make the administrator anna",
                 "have the panel opened as panel.example.org", "take certificates from letsencrypt_staging"):
        assert f"- {line}" in said.out
    assert untouched(host)
    found = json.loads(host.alone("--plan", "--json").out)
    assert (found["instance"]["created"], found["changes"], found["provider"]) == (True, [], "letsencrypt_staging")
    assert untouched(host)


@pytest.mark.parametrize("flags", [("--yes",), ("--admin", "anna"), ("--no-doctor",), ("--eab-kid", "k")], ids=" ".join)
def test_undo_is_asked_for_alone(host: SetupHost, flags: tuple[str, ...]) -> None:
    said = host.alone("--undo", *flags)
    assert said.code == 2 and "expected --undo alone, or with --plan" in said.err


def test_a_configuration_that_can_not_be_read_is_told_before_anything_is_begun(host: SetupHost) -> None:
    (host.line.instance / "config.toml").write_text("[panel\n")
    said = host.alone("--yes", "--no-provider")
    assert said.code == 2 and "expected TOML" in said.err
    assert not host.made
