"""`autossl provider` against a real ACME server."""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

import models
from jobs.wiring import providers
from jobs.wiring.instance import open_instance
from tests.panel.command_line import Line, Said
from tests.panel.directory_server import HMAC, KID, DirectoryServer, pebble


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DirectoryServer]:
    with pebble(tmp_path_factory.mktemp("pebble")) as server:
        yield server


@pytest.fixture(scope="module")
def binding_ca(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DirectoryServer]:
    with pebble(tmp_path_factory.mktemp("pebble-eab"), eab=True) as server:
        yield server


def add(line: Line, ca: DirectoryServer, name: str = "local", *more: str) -> Said:
    return line.run("provider", "add", name, "--directory", ca.directory, "--ca-bundle", str(ca.ca_bundle), *more)


def use(line: Line, name: str = "local", *more: str) -> Said:
    return line.run("provider", "use", name, "--accept-terms", *more)


def listed(line: Line) -> dict[str, dict]:
    return {one["name"]: one for one in json.loads(line.run("provider", "list", "--json").out)["providers"]}


def account(line: Line, name: str = "local") -> str | None:
    return json.loads(line.run("provider", "show", name, "--json").out)["account"]


def test_the_known_providers_are_listed_and_none_is_in_use(line: Line) -> None:
    found = listed(line)
    assert {"letsencrypt", "letsencrypt_staging", "zerossl", "google", "sslcom", "actalis", "sectigo"} <= set(found)
    assert "custom" not in found
    assert not any(one["current"] or one["account"] for one in found.values())
    text = line.run("provider", "list").out
    assert "AutoSSL is disabled" in text
    assert max(map(len, text.splitlines())) <= 100


def test_stars_are_explained(line: Line) -> None:
    shown = json.loads(line.run("provider", "show", "letsencrypt", "--json").out)
    assert 0 < shown["stars"] <= 9
    assert shown["score"]
    assert shown["specs"]["directory"].startswith("https://")
    assert f"{shown['stars']} of 9" in line.run("provider", "show", "letsencrypt").out


def test_a_ca_is_added_taken_into_use_and_disabled(line: Line, ca: DirectoryServer) -> None:
    answer = add(line, ca, "local", "--caa", "ca.example.com", "--wildcard", "--ancestor-dcv", "--max-names", "7")
    assert answer.code == 0, answer.err
    assert "autossl provider use local --accept-terms" in answer.out
    answer = use(line)
    assert answer.code == 0, answer.err
    found = listed(line)["local"]
    assert found["current"] and found["account"].startswith("https://127.0.0.1")
    assert found["specs"]["ancestor_dcv"] is True
    assert (found["wildcard"], found["max_names"], found["specs"]["caa_identities"]) == (True, 7, ["ca.example.com"])
    assert json.loads(line.run("provider", "disable", "--json").out) == {"disabled": True, "former": "local"}
    assert not listed(line)["local"]["current"]
    assert "Nothing was changed" in line.run("provider", "disable").out
    former = account(line)
    assert line.run("provider", "use", "local").code == 0, "terms that were accepted stay accepted"
    assert account(line) == former


def test_of_a_ca_that_validates_by_http_only_nothing_is_expected_by_dns(line: Line, ca: DirectoryServer) -> None:
    for name, more in (("local", ()), ("plain", ("--http-only",))):
        assert add(line, ca, name, "--wildcard", *more).code == 0
    found = listed(line)
    assert found["local"]["specs"]["dcv_methods"] == ["http-01", "dns-01"] and found["local"]["wildcard"]
    assert found["plain"]["specs"]["dcv_methods"] == ["http-01"] and not found["plain"]["wildcard"]


def test_terms_must_be_accepted_and_are_named(line: Line, ca: DirectoryServer) -> None:
    add(line, ca)
    answer = line.run("provider", "use", "local", "--json")
    assert answer.code == 2
    assert json.loads(answer.out)["error"]["code"] == "terms_not_accepted"
    assert "data:text/plain,Do%20what%20thou%20wilt" in answer.err
    assert account(line) is None
    assert not (line.instance / "keys" / "local.pem").exists()


def test_terms_that_changed_are_asked_for_again(line: Line, ca: DirectoryServer) -> None:
    add(line, ca)
    use(line)
    open_instance(line.instance)
    models.Provider.update(terms_accepted="https://ca.example.com/former-terms").execute()
    answer = line.run("provider", "use", "local")
    assert answer.code == 2
    assert "have changed" in answer.err
    assert line.run("provider", "reset", "local").code == 2
    assert use(line).code == 0
    assert listed(line)["local"]["terms_accepted"].startswith("data:")


def test_the_account_key_is_closed_and_used(line: Line, ca: DirectoryServer) -> None:
    add(line, ca)
    use(line, "local", "--contact", "hostmaster@example.com")
    key = line.instance / "keys" / "local.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert b"PRIVATE KEY" in key.read_bytes()
    chosen = providers.current(open_instance(line.instance))
    assert chosen is not None and chosen[0].name == "local"
    key.unlink()
    answer = use(line)
    assert answer.code == 1
    assert "autossl provider reset local" in answer.err


def test_reset_makes_a_new_account_with_a_new_key(line: Line, ca: DirectoryServer) -> None:
    add(line, ca)
    use(line)
    former, key = account(line), (line.instance / "keys" / "local.pem").read_bytes()
    answer = line.run("provider", "reset", "local")
    assert answer.code == 0, answer.err
    assert account(line) not in (None, former)
    assert (line.instance / "keys" / "local.pem").read_bytes() != key
    assert (line.instance / "keys" / "local.former.pem").read_bytes() == key
    assert listed(line)["local"]["current"]


def test_reset_takes_changed_terms_and_another_contact(line: Line, ca: DirectoryServer) -> None:
    add(line, ca)
    use(line, "local", "--contact", "a@example.com")
    former = account(line)
    open_instance(line.instance)
    models.Provider.update(terms_accepted="https://ca.example.com/former-terms").execute()
    answer = line.run("provider", "reset", "local", "--accept-terms", "--contact", "b@example.com", "--json")
    assert answer.code == 0, answer.err
    made = json.loads(answer.out)
    assert made["account"] not in (None, former)
    assert made["contact"] == "b@example.com" and made["terms_accepted"].startswith("data:")


def test_an_account_is_bound_and_its_secret_is_in_no_table(
    line: Line, binding_ca: DirectoryServer, tmp_path: Path
) -> None:
    (tmp_path / "hmac").write_text(HMAC + "\n")
    add(line, binding_ca)
    answer = use(line)
    assert answer.code == 2
    assert "external account binding" in answer.err
    answer = use(line, "local", "--eab-kid", KID, "--eab-hmac-file", str(tmp_path / "hmac"))
    assert answer.code == 0, answer.err
    assert listed(line)["local"]["eab_kid"] == KID
    secret = line.instance / "keys" / "local.eab.json"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    models.database.close()
    dump = "\n".join(sqlite3.connect(line.instance / "panel.sqlite3").iterdump())
    assert KID in dump and HMAC not in dump


def test_a_binding_given_at_adding_is_used_later(line: Line, binding_ca: DirectoryServer, tmp_path: Path) -> None:
    (tmp_path / "hmac").write_text(HMAC)
    eab = ("--eab-kid", KID, "--eab-hmac-file", str(tmp_path / "hmac"))
    assert add(line, binding_ca, "local", *eab).code == 0
    assert use(line).code == 0


def test_a_ca_that_is_down_or_unknown_is_not_kept(line: Line, ca: DirectoryServer, tmp_path: Path) -> None:
    with pebble(tmp_path / "other") as gone:
        pass
    answer = add(line, gone)
    assert answer.code == 1
    assert gone.directory.rpartition("/")[0].removeprefix("https://") in answer.err
    untrusted = line.run("provider", "add", "local", "--directory", ca.directory)
    assert untrusted.code == 1
    assert "certificate" in untrusted.err.lower()
    assert "local" not in listed(line)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "local", "--directory", "http://127.0.0.1/dir"], "expected the https URL"),
        (["add", "local", "--directory", "file:///etc/passwd"], "expected the https URL"),
        (["add", "local", "--directory", "https://user:pw@127.0.0.1/dir"], "expected the https URL"),
        (["add", "local", "--directory", "https://127.0.0.1:port/"], "expected a URL"),
        (["add", "../up", "--directory", "https://127.0.0.1/dir"], "expected a name of small letters"),
        (["add", "letsencrypt", "--directory", "https://127.0.0.1/dir"], "of that name already"),
        (["add", "custom", "--directory", "https://127.0.0.1/dir"], "of that name already"),
        (["add", "local", "--directory", "https://127.0.0.1/", "--caa", 'x"; issue'], "in CAA records"),
        (["add", "local", "--directory", "https://127.0.0.1/", "--eab-kid", "k"], "expected both"),
        (["add", "local", "--directory", "https://127.0.0.1/", "--ca-bundle", "/etc/hostname"], "expected PEM"),
        (["add", "local", "--directory", "https://127.0.0.1/", "--ca-bundle", "/nowhere"], "reading the CA bundle"),
        (["add", "local", "--directory", "https://127.0.0.1/", "--max-names", "0"], "--max-names"),
        (["use", "nobody", "--accept-terms"], "there is no such provider"),
        (["show", "custom"], "there is no such provider"),
        (["reset", "letsencrypt"], "has no account yet"),
        (["reset", "../../etc/passwd"], "there is no such provider"),
    ],
)
def test_bad_input_is_refused_before_anything_is_asked(line: Line, words: list[str], said: str) -> None:
    answer = line.run("provider", *words)
    assert answer.code == 2
    assert said in answer.err


@pytest.mark.parametrize("address", ["nobody", "a b@example.com", "a@", "@example.com", "a@b", "a,b@example.com"])
def test_a_contact_that_is_none_is_refused(line: Line, ca: DirectoryServer, address: str) -> None:
    add(line, ca)
    answer = use(line, "local", "--contact", address)
    assert answer.code == 2
    assert "expected a mail address" in answer.err
    assert account(line) is None


@pytest.mark.parametrize("text", ["", "short", "with spaces in the middle of it", "x" * 5000])
def test_an_hmac_file_with_something_else_is_refused(line: Line, tmp_path: Path, text: str) -> None:
    (tmp_path / "hmac").write_text(text)
    answer = line.run("provider", "use", "zerossl", "--accept-terms", "--eab-kid", "k", "--eab-hmac-file",
                      str(tmp_path / "hmac"))
    assert answer.code == 2
    assert "expected an HMAC key" in answer.err
    assert len(text) < 5 or text not in answer.err


def test_a_provider_is_registered_to_stand_behind_the_current_one(line: Line, ca: DirectoryServer) -> None:
    add(line, ca)
    add(line, ca, "other")
    assert use(line).code == 0
    refused = line.run("provider", "fallback", "set", "other")
    assert refused.code == 2 and "has no account yet" in refused.err
    answer = line.run("provider", "register", "other", "--accept-terms", "--contact", "a@example.com", "--json")
    assert answer.code == 0, answer.err
    assert json.loads(answer.out)["contact"] == "a@example.com"
    assert listed(line)["local"]["current"] and not listed(line)["other"]["current"]
    assert line.run("provider", "fallback", "set", "other").out.strip() == "1. other"
    assert json.loads(line.run("provider", "fallback", "list", "--json").out) == {"fallbacks": ["other"]}
    assert line.run("provider", "use", "other").code == 0
    assert "only the current provider is tried" in line.run("provider", "fallback", "list").out


def test_a_provider_that_was_added_is_removed(line: Line, ca: DirectoryServer) -> None:
    add(line, ca)
    use(line)
    assert line.run("provider", "remove", "local").code == 2
    line.run("provider", "disable")
    assert line.run("provider", "remove", "local").code == 0
    assert "local" not in listed(line)
    assert line.run("provider", "remove", "letsencrypt").code == 2
