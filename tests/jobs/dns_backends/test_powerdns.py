"""PowerDNS by its API: one value more or less, all else as it was, and nothing written where it can't be seen."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs.demo.daemons import powerdns
from jobs.demo.daemons.powerdns import ADDRESS, API_URL, PowerDns, Zone, start_powerdns
from jobs.demo.daemons.starting import run, start
from jobs.dns_backends.powerdns import Backend, Options
from jobs.dns_backends.system import Nameserver
from jobs.dns_backends.system.http_api import HttpApi
from jobs.policy.zone_serial import is_later
from jobs.ports import Place, Record
from tests.jobs.dns_backends.bind_bench import failure_of

pytestmark = pytest.mark.e2e(timeout=120)

CAA = '0 issue "ca.test"'
RECORDS = [
    ("www", "A", "192.0.2.1"), ("alias", "CNAME", "www"), ("@", "CAA", '0 issue "other.example"'),
    ("parts", "TXT", '"one" "two"'), ("away", "NS", "ns.elsewhere.test."), ("gone", "DNAME", "elsewhere.test."),
    ("below", "NS", "ns.pd.test."),
]
ZONES = [
    Zone("pd.test", RECORDS), Zone("below.pd.test"), Zone("copy.test", kind="Slave"), Zone("other.test"),
    Zone("main.test", kind="Master", serials=""), Zone("odd.test", serials="INCEPTION-INCREMENT"),
]
TOKEN = Record("_acme-challenge.pd.test", "TXT", "token-of_the-CA")


@pytest.fixture(scope="module")
def server() -> PowerDns:
    return start_powerdns(ZONES)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def options(server: PowerDns) -> Options:
    return Options(api_url=API_URL, api_key=server.key, server=ADDRESS, wait=5)


@pytest.fixture
def make(options: Options, place: Place) -> Callable[..., Backend]:
    return lambda **changes: Backend(replace(options, **changes), place)


@pytest.fixture
def backend(make: Callable[..., Backend]) -> Backend:
    return make()


def held(server: PowerDns, zone: str = "pd.test") -> list[str]:
    """Everything in the zone, comments and disabled records included, but the serial number."""
    sets = server.zone(zone)["rrsets"]
    for one in sets:
        if one["type"] == "SOA":
            one["records"][0]["content"] = " ".join(one["records"][0]["content"].split()[3:])
        one["records"].sort(key=lambda record: record["content"])
    return sorted(json.dumps(one, sort_keys=True) for one in sets)


def contents(server: PowerDns, owner: str, kind: str, zone: str = "pd.test") -> list[str]:
    found = [one for one in server.zone(zone)["rrsets"] if (one["name"], one["type"]) == (f"{owner}.", kind)]
    return sorted(record["content"] for one in found for record in one["records"])


def replaced(owner: str, kind: str, *values: str, ttl: int = 300, **more: Any) -> dict[str, Any]:
    """A set as somebody else writes it; a value that begins with `-` is disabled."""
    records = [{"content": one.removeprefix("-"), "disabled": one.startswith("-")} for one in values]
    return {"name": f"{owner}.", "type": kind, "ttl": ttl, "changetype": "REPLACE", "records": records, **more}


def code_of(server: PowerDns, call: Callable[[], object], zone: str = "pd.test") -> str:
    """The code of the Failure, after which the zone is as before."""
    before = held(server, zone)
    code = failure_of(call).code
    assert held(server, zone) == before
    return code


# --- the main path


def test_a_zone_is_found_by_its_longest_name(make: Callable[..., Backend], place: Place) -> None:
    backend = make()
    assert backend.active() and not Backend(Options(api_url=API_URL), place).active()
    assert backend.zone_for("x.y.pd.test") == backend.zone_for("pd.test") == "pd.test"
    assert backend.zone_for("x.below.pd.test") == "below.pd.test"
    assert backend.zone_for("xpd.test") is None and backend.zone_for("test") is None and backend.zone_for("") is None
    assert backend.zone_for("x.copy.test") is None, "a secondary zone is changed elsewhere"


def test_of_chosen_zones_no_other_is_served(make: Callable[..., Backend]) -> None:
    backend = make(zones=("PD.test.",))
    assert backend.zone_for("x.pd.test") == "pd.test" and backend.zone_for("other.test") is None
    assert backend.zone_for("x.below.pd.test") is None


def test_a_value_is_added_and_taken_away_and_all_else_stays(server: PowerDns, backend: Backend) -> None:
    before, serial = held(server), server.zone("pd.test")["serial"]
    caa = Record("pd.test", "CAA", CAA, 7200)
    backend.add(TOKEN)
    backend.add(caa)
    backend.add(caa)
    assert [str(one) for one in Nameserver(ADDRESS).look(TOKEN.name, "TXT").values] == [f'"{TOKEN.value}"']
    assert contents(server, "pd.test", "CAA") == [CAA, '0 issue "other.example"']
    assert {one["ttl"] for one in server.zone("pd.test")["rrsets"]} == {300}
    assert server.zone("pd.test")["serial"] == serial + 2
    backend.remove(TOKEN)
    backend.remove(caa)
    backend.remove(caa)
    assert held(server) == before
    assert server.zone("pd.test")["serial"] == serial + 4


def test_what_stands_there_already_raises_no_serial_number(server: PowerDns, backend: Backend) -> None:
    serial = server.zone("pd.test")["serial"]
    backend.add(Record("pd.test", "CAA", '0 ISSUE "other.example"'))
    backend.remove(Record("pd.test", "CAA", CAA))
    assert server.zone("pd.test")["serial"] == serial


def test_a_set_keeps_its_ttl_its_comments_and_its_disabled_records(server: PowerDns, backend: Backend) -> None:
    comment = {"content": "keep this", "account": "alice", "modified_at": 1700000000}
    values = ('0 issue "one.example"', '-0 issue "two.example"')
    server.change("other.test", replaced("other.test", "CAA", *values, ttl=7200, comments=[comment]))
    before, record = held(server, "other.test"), Record("other.test", "CAA", CAA, 60)
    backend.add(record)
    (found,) = [one for one in server.zone("other.test")["rrsets"] if one["type"] == "CAA"]
    assert found["ttl"] == 7200 and found["comments"] == [comment]
    assert {one["content"]: one["disabled"] for one in found["records"]} == {
        '0 issue "one.example"': False, '0 issue "two.example"': True, CAA: False,
    }
    backend.remove(record)
    assert held(server, "other.test") == before


@pytest.mark.parametrize(("kind", "standing"), [("TXT", '-"off"'), ("CNAME", "-www.other.test.")])
def test_what_is_disabled_is_in_nobodys_way_and_stays(
    server: PowerDns, backend: Backend, kind: str, standing: str
) -> None:
    owner = f"was-{kind.lower()}.other.test"
    server.change("other.test", replaced(owner, kind, standing))
    before, record = held(server, "other.test"), Record(owner, "TXT", "on")
    backend.add(record)
    backend.remove(record)
    assert held(server, "other.test") == before


def test_two_values_of_one_challenge_stand_side_by_side(server: PowerDns, backend: Backend) -> None:
    before, second = held(server), replace(TOKEN, value="of-the-wildcard")
    backend.add(TOKEN)
    backend.add(second)
    assert contents(server, TOKEN.name, "TXT") == ['"of-the-wildcard"', '"token-of_the-CA"']
    backend.remove(TOKEN)
    assert contents(server, TOKEN.name, "TXT") == ['"of-the-wildcard"']
    backend.remove(second)
    assert held(server) == before


def test_a_cut_text_is_the_value_that_it_means(server: PowerDns, backend: Backend) -> None:
    before, record = held(server), Record("parts.pd.test", "TXT", "onetwo")
    backend.add(record)
    assert held(server) == before
    backend.remove(record)
    assert contents(server, "parts.pd.test", "TXT") == []
    server.change("pd.test", replaced("parts.pd.test", "TXT", '"one" "two"'))


@pytest.mark.parametrize("value", ['quote " and ; and \\', "x" * 600, "a b  c", "\\000"])
def test_odd_texts_come_back(server: PowerDns, backend: Backend, value: str) -> None:
    before, record = held(server), replace(TOKEN, value=value)
    backend.add(record)
    (found,) = Nameserver(ADDRESS).look(TOKEN.name, "TXT").values
    assert b"".join(found.strings) == value.encode()  # type: ignore[attr-defined]
    backend.remove(record)
    assert held(server) == before


@pytest.mark.parametrize("value", [
    '0 issue "ca.test; accounturi=https://ca.test/acct/1; validationmethods=dns-01"', '128 issuewild ";"',
    '0 iodef "mailto:a@b.test"', r"\# 14 000569737375656361 2e74657374",
])
def test_every_form_of_a_caa_record_is_taken(server: PowerDns, backend: Backend, value: str) -> None:
    before, record = held(server), Record("www.pd.test", "CAA", value)
    backend.add(record)
    backend.remove(record)
    assert held(server) == before


def test_several_threads_and_instances_change_one_set(server: PowerDns, make: Callable[..., Backend]) -> None:
    before, records = held(server), [replace(TOKEN, value=f"value-{number}") for number in range(8)]
    backends = [make(), make()]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda pair: backends[pair[0] % 2].add(pair[1]), enumerate(records)))
    assert len(contents(server, TOKEN.name, "TXT")) == len(records)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(backends[0].remove, records))
    assert held(server) == before


@pytest.mark.parametrize("zone", ["main.test", "odd.test"])
def test_where_powerdns_raises_no_serial_number_it_is_raised(server: PowerDns, backend: Backend, zone: str) -> None:
    before, serial = held(server, zone), server.zone(zone)["serial"]
    backend.add(Record(f"x.{zone}", "TXT", "a"))
    later = Nameserver(ADDRESS).serial(zone)
    assert is_later(later, serial)
    backend.remove(Record(f"x.{zone}", "TXT", "a"))
    assert is_later(server.zone(zone)["serial"], later)
    assert held(server, zone) == before


def test_secondary_servers_are_notified_at_once(server: PowerDns, backend: Backend) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as secondary:
        secondary.bind(("127.0.0.77", 0))
        secondary.settimeout(20)
        where = f"127.0.0.77:{secondary.getsockname()[1]}"
        path = "/api/v1/servers/localhost/zones/main.test./metadata"
        server.ask("POST", path, {"kind": "ALSO-NOTIFY", "metadata": [where]})
        backend.add(Record("n.main.test", "TXT", "a"))
        message = secondary.recv(512)
    backend.remove(Record("n.main.test", "TXT", "a"))
    assert message[2] & 0x78 == 4 << 3 and b"\x04main\x04test" in message


def test_a_zone_that_powerdns_signs_stays_valid(server: PowerDns, backend: Backend) -> None:
    server.make(Zone("secure.test"))
    run("pdnsutil", f"--config-dir={powerdns.HOME}", "secure-zone", "secure.test")
    before, record = held(server, "secure.test"), Record("_acme-challenge.a.b.secure.test", "TXT", "a")
    backend.add(record)
    said = run("pdnsutil", f"--config-dir={powerdns.HOME}", "check-zone", "secure.test")
    assert "0 errors, 0 warnings" in said
    backend.remove(record)
    assert held(server, "secure.test") == before


# --- what can not stand there


def test_a_record_at_a_cname_is_refused_before_writing(server: PowerDns, backend: Backend) -> None:
    record = Record("alias.pd.test", "CAA", CAA)
    assert code_of(server, lambda: backend.add(record)) == "zone_cname_in_the_way"
    backend.remove(record)


def test_a_value_that_somebody_disabled_stays_disabled(server: PowerDns, backend: Backend) -> None:
    server.change("other.test", replaced("off.other.test", "CAA", f"-{CAA}"))
    record = Record("off.other.test", "CAA", CAA)
    assert code_of(server, lambda: backend.add(record), "other.test") == "zone_record_disabled"
    before = held(server, "other.test")
    backend.remove(record)
    assert held(server, "other.test") == before


@pytest.mark.parametrize("owner", ["x.away.pd.test", "away.pd.test", "x.gone.pd.test"])
def test_what_another_zone_answers_for_is_not_hidden_in_this_one(
    server: PowerDns, backend: Backend, owner: str
) -> None:
    assert code_of(server, lambda: backend.add(Record(owner, "TXT", "a"))) == "zone_delegated"


def test_names_outside_of_the_zones_are_refused(server: PowerDns, make: Callable[..., Backend]) -> None:
    assert code_of(server, lambda: make().add(Record("x.example.org", "TXT", "a"))) == "zone_not_served"
    chosen = make(zones=("pd.test", "missing.test"))
    assert code_of(server, lambda: chosen.add(Record("x.below.pd.test", "TXT", "a"))) == "zone_not_served"
    assert code_of(server, lambda: chosen.add(Record("x.missing.test", "TXT", "a"))) == "zone_not_at_server"
    assert code_of(server, lambda: make().add(Record("x y.pd.test", "TXT", "a"))) == "zone_record_invalid"


@pytest.mark.parametrize("zones", [(), ("copy.test",)])
def test_a_secondary_zone_is_not_changed(
    server: PowerDns, make: Callable[..., Backend], zones: tuple[str, ...]
) -> None:
    """PowerDNS itself would take the change, and lose it with the next transfer."""
    backend, record = make(zones=zones), Record("x.copy.test", "TXT", "a")
    assert code_of(server, lambda: backend.add(record), "copy.test") == "zone_not_primary"
    assert code_of(server, lambda: backend.remove(record), "copy.test") == "zone_not_primary"


def test_a_zone_that_becomes_secondary_during_a_run_is_not_changed(server: PowerDns, backend: Backend) -> None:
    assert backend.zone_for("odd.test") == "odd.test"
    path = "/api/v1/servers/localhost/zones/odd.test."
    server.ask("PUT", path, {"kind": "Slave", "masters": ["127.0.0.9"]})
    assert code_of(server, lambda: backend.add(Record("x.odd.test", "TXT", "a")), "odd.test") == "zone_not_primary"
    server.ask("PUT", path, {"kind": "Native", "masters": []})


def test_a_zone_that_goes_during_a_run_is_told(server: PowerDns, backend: Backend) -> None:
    server.make(Zone("brief.test"))
    assert backend.zone_for("brief.test") == "brief.test"
    server.ask("DELETE", "/api/v1/servers/localhost/zones/brief.test.")
    failure = failure_of(lambda: backend.add(Record("x.brief.test", "TXT", "a")))
    assert failure.code == "zone_not_at_server" and "404" in failure.detail


def test_a_zone_that_came_signed_is_not_changed(server: PowerDns, backend: Backend) -> None:
    signature = "SOA 13 2 300 20301231000000 20250101000000 1 signed.test. AAAA"
    server.make(Zone("signed.test", [("@", "RRSIG", signature)]))
    record = Record("x.signed.test", "TXT", "a")
    assert code_of(server, lambda: backend.add(record), "signed.test") == "zone_signed_elsewhere"


# --- somebody else writes at the same time


def meddling(monkeypatch: pytest.MonkeyPatch, method: str, times: int, act: Callable[[], None]) -> None:
    """Somebody acts right after each of the first requests of this method."""
    true_ask, left = HttpApi.ask, [times]

    def ask(self: HttpApi, asked: str, path: str, body: Any = None) -> Any:
        answer = true_ask(self, asked, path, body)
        if asked == method and left[0]:
            left[0] -= 1
            act()
        return answer

    monkeypatch.setattr(HttpApi, "ask", ask)


def test_a_value_that_somebody_wrote_over_is_written_anew_beside_his(
    server: PowerDns, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = held(server)
    with monkeypatch.context() as patched:
        meddling(patched, "PATCH", 2, lambda: server.change("pd.test", replaced(TOKEN.name, "TXT", '"his"')))
        backend.add(TOKEN)
    assert contents(server, TOKEN.name, "TXT") == ['"his"', f'"{TOKEN.value}"']
    backend.remove(TOKEN)
    backend.remove(replace(TOKEN, value="his"))
    assert held(server) == before


def test_who_writes_over_it_again_and_again_is_told_of_and_keeps_his(
    server: PowerDns, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    his = replaced(TOKEN.name, "TXT", '"his"')
    server.change("pd.test", his)
    with monkeypatch.context() as patched:
        meddling(patched, "PATCH", 9, lambda: server.change("pd.test", his))
        assert code_of(server, lambda: backend.add(TOKEN)) == "zone_changed_meanwhile"
    backend.remove(replace(TOKEN, value="his"))


def test_a_cname_that_appears_meanwhile_is_refused_in_the_servers_words(
    server: PowerDns, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("jobs.dns_backends.powerdns._refuse_in_the_way", lambda *_: None)
        before = held(server)
        failure = failure_of(lambda: backend.add(Record("alias.pd.test", "CAA", CAA)))
    assert failure.code == "zone_change_refused"
    assert "Conflicts with pre-existing RRset" in failure.detail and "The set is as before" in failure.detail
    assert held(server) == before


# --- the proof


def test_a_change_that_dns_does_not_show_is_taken_back(
    server: PowerDns, make: Callable[..., Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.dns_backends.powerdns.means", lambda *_: False)
    assert code_of(server, lambda: make(wait=0).add(TOKEN)) == "zone_change_not_served"


def test_a_value_that_stands_and_is_not_shown_is_told(
    server: PowerDns, make: Callable[..., Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.dns_backends.powerdns.means", lambda *_: False)
    record = Record("pd.test", "CAA", '0 issue "other.example"')
    assert code_of(server, lambda: make(wait=0).add(record)) == "zone_served_differently"


def test_a_stop_in_the_middle_leaves_nothing(
    server: PowerDns, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = held(server)
    monkeypatch.setattr(Backend, "_prove", stop)
    with pytest.raises(KeyboardInterrupt):
        backend.add(TOKEN)
    assert held(server) == before


def test_where_taking_back_fails_too_that_is_told(
    server: PowerDns, make: Callable[..., Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, before = make(wait=0), held(server)
    with monkeypatch.context() as patched:
        patched.setattr("jobs.dns_backends.powerdns.means", lambda *_: False)
        meddling(patched, "PATCH", 1, lambda: server.process.send_signal(19))
        patched.setattr("jobs.dns_backends.system.http_api._SILENCE", 0.3)
        patched.setattr("jobs.dns_backends.system.nameserver._SECONDS", 0.3)
        failure = failure_of(lambda: backend.add(TOKEN))
        server.process.send_signal(18)
    assert failure.code == "zone_not_restored" and TOKEN.name in failure.detail
    backend.remove(TOKEN)
    assert held(server) == before


def test_nothing_is_written_where_no_proof_is_possible(server: PowerDns, make: Callable[..., Backend]) -> None:
    serial = server.zone("pd.test")["serial"]
    assert code_of(server, lambda: make(port=5399).add(TOKEN)) == "dns_backend_unreachable"
    assert code_of(server, lambda: make(server="").add(TOKEN)) == "dns_backend_unreachable"
    assert code_of(server, lambda: make(server="no.such.name.invalid").add(TOKEN)) == "dns_backend_unreachable"
    standing = Record("pd.test", "CAA", '0 issue "other.example"')
    assert code_of(server, lambda: make(port=5399).remove(standing)) == "dns_backend_unreachable"
    assert server.zone("pd.test")["serial"] == serial


def test_somebody_may_want_no_proof(server: PowerDns, make: Callable[..., Backend]) -> None:
    before, backend = held(server), make(server="none")
    backend.add(TOKEN)
    assert contents(server, TOKEN.name, "TXT") == [f'"{TOKEN.value}"']
    backend.remove(TOKEN)
    assert held(server) == before


# --- the API says no


def test_a_wrong_key_is_told_and_is_in_no_message(server: PowerDns, make: Callable[..., Backend]) -> None:
    backend = make(api_key="not-the-key")
    failure = failure_of(lambda: backend.zone_for("pd.test"))
    assert failure.code == "dns_backend_api_key_wrong" and "401" in failure.detail
    assert code_of(server, lambda: backend.add(TOKEN)) == "dns_backend_api_key_wrong"
    assert "not-the-key" not in str(failure) + repr(backend._options) + repr(backend._api)


def test_an_unknown_server_id_is_told(make: Callable[..., Backend]) -> None:
    failure = failure_of(lambda: make(server_id="elsewhere").zone_for("pd.test"))
    assert failure.code == "dns_backend_api_missing"


def test_a_server_that_does_not_let_this_host_in_is_told(make: Callable[..., Backend], tmp_path: Path) -> None:
    """PowerDNS hangs up on who is not in `webserver-allow-from`."""
    text = (powerdns.HOME / "pdns.conf").read_text().replace(ADDRESS, "127.0.0.54").replace("=8081", "=8082")
    settings = text.replace("allow-from=127.0.0.1", "allow-from=192.0.2.1").replace("set", "#set")
    (tmp_path / "pdns.conf").write_text(settings.replace(f"socket-dir={powerdns.HOME}", f"socket-dir={tmp_path}"))
    process = start("powerdns-closed", ["pdns_server", f"--config-dir={tmp_path}"], [8082])
    failure = failure_of(lambda: make(api_url="http://127.0.0.1:8082").zone_for("pd.test"))
    process.kill()
    assert failure.code == "dns_backend_api_hung_up"


def test_a_value_that_the_server_can_not_read_makes_it_fail_in_its_own_words(
    server: PowerDns, backend: Backend
) -> None:
    """A row that PowerDNS can't parse makes its API answer 500 for the whole zone."""
    server.make(Zone("broken.test", [("www", "A", "192.0.2.1")]))
    assert backend.zone_for("broken.test")
    with closing(sqlite3.connect(powerdns.HOME / "zones.db", isolation_level=None)) as database:
        database.execute("UPDATE records SET content = 'rubbish' WHERE name = 'www.broken.test'")
    failure = failure_of(lambda: backend.add(Record("x.broken.test", "TXT", "a")))
    assert failure.code == "dns_backend_server_failed" and "500" in failure.detail


def test_nobody_there_is_told(make: Callable[..., Backend]) -> None:
    for url in ("http://127.0.0.1:5399", "https://no.such.name.invalid"):
        assert failure_of(lambda url=url: make(api_url=url).zone_for("pd.test")).code == "dns_backend_unreachable"


def test_a_server_that_stands_still_is_told(
    server: PowerDns, make: Callable[..., Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.dns_backends.system.http_api._SILENCE", 0.3)
    server.process.send_signal(19)
    failure = failure_of(lambda: make().zone_for("pd.test"))
    server.process.send_signal(18)
    assert failure.code == "dns_backend_timeout"


def test_threads_that_come_first_ask_for_the_zones_and_all_get_them(make: Callable[..., Backend]) -> None:
    backend, found = make(), []
    threads = [threading.Thread(target=lambda: found.append(backend.zone_for("pd.test"))) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(20)
    assert found == ["pd.test"] * 6
