"""`autossl dns` and `autossl plugin`: backends and their options, zones, and what DNS says of a name."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import models
from jobs import registry
from jobs.keys import new_key
from jobs.policy.failure import Failure
from jobs.policy.keys import KeyType
from jobs.ports import Place, Record
from jobs.wiring import provider_keys
from jobs.wiring.instance import now
from tests.jobs.acme.odd_server import OddServer, odd_server
from tests.panel import seed
from tests.panel.command_line import Line, Said
from tests.panel.name_server import NameServer, name_server

ACCOUNT = "https://ca.example/acct/123"
META = {
    "caaIdentities": ["ca.example"], "issuerDomainNames": ["ca.example"], "accountHashPrefix": "https://ca.example/h/",
}


@dataclass(frozen=True)
class TableOptions:
    server: str = field(default="", metadata={"label": "Server", "help": "Its address; empty: not in use."})
    zones: tuple[str, ...] = field(default=(), metadata={"label": "Zones", "help": "One a line."})
    port: int = field(default=53, metadata={"label": "Port", "help": ""})
    wait: bool = field(default=True, metadata={"label": "Wait", "help": ""})
    secret: str = field(default="", metadata={"label": "Secret", "help": "", "secret": True})


class TableBackend:
    """Serves the zones of its options."""

    name = "table"

    def __init__(self, options: TableOptions, place: Place) -> None:
        self._options = options

    def active(self) -> bool:
        return bool(self._options.server)

    def zone_for(self, name: str) -> str | None:
        if self._options.server == "down":
            raise Failure("dns_backend_unreachable", "down port 53: no answer")
        fits = [zone for zone in self._options.zones if name == zone or name.endswith(f".{zone}")]
        return max(fits, key=len, default=None)

    def add(self, record: Record) -> None:
        raise AssertionError("nothing is written by what only looks")

    remove = add


@pytest.fixture(autouse=True)
def plugin(monkeypatch: pytest.MonkeyPatch) -> registry.Plugin:
    """As if `jobs/dns_backends/table.py` were the only plug-in that a person sets up."""
    made = registry.Plugin("dns_backends", "table", "A table", TableOptions, TableBackend)
    of_others = registry.load_all

    def load_all(package: str) -> tuple[registry.Plugin, ...]:
        return {"dns_backends": (made,), "notifiers": ()}.get(package) or of_others(package)

    monkeypatch.setattr(registry, "load_all", load_all)
    return made


@pytest.fixture
def dns(line: Line) -> Iterator[NameServer]:
    """The only name server that the instance asks."""
    with name_server() as server:
        (line.instance / "config.toml").write_text(f'[dns]\nresolvers = ["{server.address}"]\n')
        yield server


@pytest.fixture
def ca(line: Line, tmp_path: Path) -> Iterator[OddServer]:
    """A CA in use, with an account."""
    with odd_server(tmp_path / "ca") as server:
        options = {"directory": server.directory, "ca_bundle": str(server.ca_bundle)}
        models.database.connect(reuse_if_open=True)
        models.Provider.create(name="ours", plugin="custom", options=json.dumps(options), account_url=ACCOUNT,
                               current=True, added_at=now())
        provider_keys.write_key(Place(line.instance), "ours", new_key(KeyType.ECDSA_P256))
        yield server


def told(answer: Said) -> Any:
    return json.loads(answer.out)


def shown(line: Line, name: str) -> dict[str, Any]:
    answer = line.run("dns", "show", name, "--json")
    assert answer.code == 0, answer.err
    found: dict[str, Any] = told(answer)
    return found


# --- plug-ins and their options


def test_plugins_are_listed_with_whether_they_are_in_use(line: Line) -> None:
    assert told(line.run("plugin", "list", "--json"))["plugins"][0]["active"] is False
    assert line.run("plugin", "set", "table", "server=192.0.2.1").code == 0
    answer = line.run("plugin", "list")
    rows = [row.split() for row in answer.out.splitlines()]
    assert ["table", "DNS", "backend", "A", "table", "yes"] in rows
    assert rows[-1][:2] == ["smtp", "notifier"] and rows[-1][-1] == "no"


def test_options_are_set_as_strictly_as_in_the_panel(line: Line) -> None:
    answer = line.run("plugin", "set", "table", "server=192.0.2.1", "zones=a.example,b.example", "port=5353", "wait=no",
                      "--json")
    assert told(answer)["options"] == {
        "server": "192.0.2.1", "zones": ["a.example", "b.example"], "port": 5353, "wait": False, "secret": "",
    }
    assert told(line.run("plugin", "set", "table", "zones=", "--json"))["options"]["zones"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["table", "port=many"], "port: Expected a whole number"),
        (["table", "wait=maybe"], "wait: expected yes or no"),
        (["table", "server"], "expected KEY=VALUE"),
        (["table", "server=a\x1bb"], "without control characters"),
        (["table", "color=red"], "color: expected one of server, zones"),
        (["table", "--secret-file", "server=/etc/hostname"], "server is no secret"),
        (["table", "--secret-file", "secret=/nowhere"], "/nowhere: reading the secret: No such file"),
        (["nothing", "a=b"], "nothing: expected one of table"),
    ],
)
def test_what_does_not_go_is_refused_in_one_sentence(line: Line, words: list[str], said: str) -> None:
    answer = line.run("plugin", "set", *words)
    assert answer.code == 2 and said in answer.err and answer.err.count("\n") == 1
    assert told(line.run("plugin", "show", "table", "--json"))["options"]["port"] == 53


def test_a_secret_comes_from_a_file_or_stdin_is_never_shown_and_can_be_taken_away(line: Line, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("hush from a file\n")
    assert line.run("plugin", "set", "table", "--secret-file", f"secret={path}").code == 0
    kept = line.instance / "keys" / "dns_backends.table.json"
    assert "hush from a file" in kept.read_text() and stat.S_IMODE(kept.stat().st_mode) == 0o600
    answer = line.run("plugin", "set", "table", "--secret-file", "secret=-", "--json", stdin="hush from stdin\n")
    assert "hush from stdin" in kept.read_text()
    for said in (answer, line.run("plugin", "show", "table"), line.run("plugin", "list", "--json")):
        assert "hush" not in said.out
    assert told(answer)["options"]["secret"] == "kept"
    assert told(line.run("plugin", "set", "table", "port=54", "--json"))["options"]["secret"] == "kept"
    assert told(line.run("plugin", "set", "table", "secret=", "--json"))["options"]["secret"] == ""
    assert "hush" not in kept.read_text()


@pytest.mark.parametrize("words", [["table", "secret=hush"], ["nothing", "secret=hush"], ["table", "scret=hush"]])
def test_a_secret_on_the_command_line_is_refused_and_not_written_down(line: Line, words: list[str]) -> None:
    answer = line.run("plugin", "set", *words)
    assert answer.code == 2 and "hush" not in answer.err + answer.out
    models.database.connect(reuse_if_open=True)
    assert [row for row in models.AuditEntry.select() if "hush" in str(row.__data__)] == []


def test_setting_is_told_in_the_audit_log_by_its_keys(line: Line) -> None:
    line.run("plugin", "set", "table", "server=192.0.2.1", "port=54")
    line.run("plugin", "show", "table")
    line.run("dns", "zones")
    models.database.connect(reuse_if_open=True)
    found = [(row.action, row.object) for row in models.AuditEntry.select() if row.action != "init"]
    assert found == [("plugin set", "table server port")]


def test_options_that_do_not_hold_are_told_and_stop_nothing(line: Line) -> None:
    (line.instance / "config.toml").write_text("[dns_backends.table]\nport = 'many'\n")
    answer = line.run("plugin", "list")
    assert answer.code == 0 and "options don't hold" in answer.out
    assert "expected int, got 'many'" in line.run("plugin", "show", "table").out


# --- zones


def test_zones_say_who_serves_the_names_of_the_websites(line: Line) -> None:
    models.database.connect(reuse_if_open=True)
    seed.accounts(2, names=3)
    line.run("plugin", "set", "table", "server=192.0.2.1", "zones=shop1.example.com,com")
    found = told(line.run("dns", "zones", "--json"))["names"]
    assert {(one["name"], one["zone"]) for one in found} >= {
        ("shop0.example.com", "com"), ("www.shop1.example.com", "shop1.example.com"),
    }
    text = line.run("dns", "zones").out.splitlines()
    assert [row.split() for row in text[2:4]] == [["com", "table", "3"], ["shop1.example.com", "table", "3"]]
    assert {one["account"] for one in told(line.run("dns", "zones", "--user", "user00001", "--json"))["names"]} == {
        "user00001"
    }


def test_names_of_outside_zones_and_a_backend_that_is_down_are_told(line: Line) -> None:
    models.database.connect(reuse_if_open=True)
    seed.accounts(1, names=3)
    line.run("plugin", "set", "table", "server=down")
    answer = line.run("dns", "zones")
    assert answer.code == 0
    assert "3 names in zones that no backend serves:\n  shop0.example.com\n" in answer.out
    assert "table can't be asked: down port 53: no answer" in answer.out


def test_records_that_we_put_are_listed(line: Line) -> None:
    assert line.run("dns", "records").out == "Nothing of ours stands in any zone.\n"
    models.database.connect(reuse_if_open=True)
    common = {"backend": "table", "zone": "a.example", "put_at": now()}
    models.DnsRecord.create(**common, name="_acme-challenge.a.example", kind="TXT", value="x", purpose="challenge")
    models.DnsRecord.create(**common, name="a.example", kind="CAA", value='0 issue "ca.example"', purpose="caa",
                            provider="ours")
    found = told(line.run("dns", "records", "--json"))["records"]
    assert [(one["name"], one["purpose"], one["provider"]) for one in found] == [
        ("_acme-challenge.a.example", "challenge", None), ("a.example", "caa", "ours"),
    ]
    assert '_acme-challenge.a.example. TXT "x"' in line.run("dns", "records").out


# --- one name


def test_a_name_of_a_zone_that_is_served_here(line: Line, dns: NameServer) -> None:
    line.run("plugin", "set", "table", "server=192.0.2.1", "zones=shop.example")
    line.run("option", "set", "challenge_zone", "challenges.example")
    found = shown(line, "www.shop.example")
    assert (found["zone"], found["backend"]) == ("shop.example", "table")
    assert found["caa"] is None, "no provider is in use"
    assert "Add:" not in line.run("dns", "show", "www.shop.example").out, "it needs no delegation"


def test_the_delegation_is_shown_and_looked_up(line: Line, dns: NameServer) -> None:
    line.run("plugin", "set", "table", "server=192.0.2.1", "zones=challenges.example")
    line.run("option", "set", "challenge_zone", "challenges.example")
    record = "_acme-challenge.shop.example. CNAME shop.example.challenges.example."
    dns.records["shop.example", "A"] = ["192.0.2.7"]
    found = shown(line, "shop.example")["delegation"]
    assert (found["record"], found["set"], found["backend"]) == (record, False, "table")
    assert f"  Add: {record}\n" in line.run("dns", "show", "shop.example").out
    dns.records["_acme-challenge.shop.example", "TXT"] = ["old"]
    assert "take them away first" in shown(line, "shop.example")["delegation"]["text"]
    del dns.records["_acme-challenge.shop.example", "TXT"]
    dns.records["_acme-challenge.shop.example", "CNAME"] = ["elsewhere.example."]
    assert "a CNAME to elsewhere.example, not to" in shown(line, "shop.example")["delegation"]["text"]
    dns.records["_acme-challenge.shop.example", "CNAME"] = ["shop.example.challenges.example."]
    assert shown(line, "*.shop.example")["delegation"]["set"] is True
    assert "it is set" in line.run("dns", "show", "shop.example").out


def test_a_challenge_zone_that_nobody_serves_and_a_zone_that_is_broken_are_told(line: Line, dns: NameServer) -> None:
    line.run("option", "set", "challenge_zone", "challenges.example")
    dns.broken.add("_acme-challenge.shop.example")
    text = line.run("dns", "show", "shop.example").out
    assert "no backend here serves shop.example.challenges.example" in text
    assert "_acme-challenge.shop.example can't be looked up" in text


def test_caa_is_judged_for_the_provider_in_use(line: Line, dns: NameServer, ca: OddServer) -> None:
    ca.meta.update(META)
    assert shown(line, "shop.example")["caa"]["allowed"] is True
    dns.records["shop.example", "CAA"] = ['0 issue "other.example"']
    found = shown(line, "www.shop.example")["caa"]
    assert (found["allowed"], found["code"]) == (False, "caa_forbids")
    assert found["record"] == 'shop.example. CAA 0 issue "ca.example"'
    text = line.run("dns", "show", "www.shop.example").out
    assert '  Add: shop.example. CAA 0 issue "ca.example"\n' in text


def test_the_lasting_record_is_shown_and_judged(line: Line, dns: NameServer, ca: OddServer) -> None:
    ca.meta.update(META)
    plain, wild = shown(line, "shop.example")["lasting"]
    assert (plain["code"], plain["stands"], wild["name"]) == ("persist_missing", False, "*.shop.example")
    value = wild["record"].partition(" TXT ")[2]
    soon = int((now() + timedelta(days=3)).timestamp())
    owner = ("_validation-persist.shop.example", "TXT")
    dns.records[owner] = ['"v=spf1 -all"', value[:40] + '" "' + value[40:]]
    assert [one["stands"] for one in shown(line, "shop.example")["lasting"]] == [True, True]
    dns.records[owner] = [f'{value[:-1]}; persistUntil={soon}"']
    found = shown(line, "*.shop.example")["lasting"]
    assert [(one["stands"], one["code"]) for one in found] == [(True, "persist_ends_soon")]
    assert "stands: yes, until " in line.run("dns", "show", "shop.example").out
    dns.broken.add(owner[0])
    assert "can't be looked up" in shown(line, "shop.example")["lasting"][0]["text"]


def test_what_the_ca_said_once_holds_while_it_is_silent(line: Line, dns: NameServer, ca: OddServer) -> None:
    assert shown(line, "shop.example")["lasting"] == []
    ca.meta.update(META)
    assert len(shown(line, "shop.example")["lasting"]) == 2
    models.database.connect(reuse_if_open=True)
    models.Provider.update(options=json.dumps({"directory": "https://127.0.0.1:9/dir"})).execute()
    found = shown(line, "shop.example")
    assert len(found["lasting"]) == 2
    assert [(one["of"], one["code"]) for one in found["troubles"]] == [("ours", "ca_unreachable")]


def test_a_name_that_is_none_is_refused(line: Line, dns: NameServer) -> None:
    answer = line.run("dns", "show", "no name; at all")
    assert answer.code == 2 and "is not made of letters" in answer.err
