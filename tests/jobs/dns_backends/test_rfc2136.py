"""DNS updates at a real BIND: one value more or less, everything else as it was, and every refusal by its own code."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import pytest

from jobs.demo.daemons.bind import TSIG_NAME, Bind, Zone, start_bind
from jobs.demo.daemons.starting import run
from jobs.dns_backends.rfc2136 import Backend, Options
from jobs.dns_backends.system import Found, Nameserver
from jobs.ports import Place, Record
from tests.jobs.dns_backends.bind_bench import ADDRESS, failure_of, transferred

pytestmark = pytest.mark.e2e(timeout=180)

CAA = '0 issue "ca.test"'
RECORDS = [
    ("www", "A", "192.0.2.1"), ("alias", "CNAME", "www"), ("@", "CAA", '0 issue "other.example"'),
    ("old", "TYPE257", r"\# 22 0005697373756561 626364656667686a6b6c6d6e6f6f"), ("away", "NS", "ns.elsewhere.test."),
    ("parts", "TXT", '"one" "two"'), ("slow 7200", "TXT", '"there"'),
]
ZONES = [
    Zone("dyn.test", RECORDS, dynamic=True), Zone("frozen.test", dynamic=True), Zone("static.test"),
    Zone("below.dyn.test"), Zone("allowed.test", clauses="allow-update { key autossl; };"),
    Zone("nowhere.test", clauses='update-policy { grant autossl zonesub TXT; }; journal "/nowhere/at.all";'),
    Zone("a.allowed.test", dynamic=True),
]
TOKEN = Record("_acme-challenge.dyn.test", "TXT", "token-of_the-CA")


@pytest.fixture(scope="module")
def bind() -> Bind:
    return start_bind(ZONES)


@pytest.fixture
def options(bind: Bind) -> Options:
    return Options(
        server=ADDRESS, zones=tuple(zone.name for zone in ZONES if not zone.name.startswith("below")),
        key_name=TSIG_NAME, key_secret=bind.keys[TSIG_NAME],
    )


@pytest.fixture
def backend(options: Options) -> Backend:
    return made(options)


def made(options: Options, **changes: object) -> Backend:
    return Backend(replace(options, **changes), Place(Path("/nowhere")))


def code_of(call: Callable[[], object], zone: str = "dyn.test") -> str:
    """The code of the Failure, after which the zone is as before."""
    before = transferred(zone)
    code = failure_of(call).code
    assert transferred(zone) == before
    return code


# --- the main path


def test_a_zone_is_found_by_its_longest_name(backend: Backend) -> None:
    assert backend.active() and not made(Options()).active() and not made(Options(server=ADDRESS)).active()
    assert backend.zone_for("x.y.dyn.test") == backend.zone_for("dyn.test") == "dyn.test"
    assert backend.zone_for("x.a.allowed.test") == "a.allowed.test" and backend.zone_for("b.allowed.test")
    assert backend.zone_for("xdyn.test") is None and backend.zone_for("test") is None
    assert made(Options(server=ADDRESS, zones=("Dyn.Test.",))).zone_for("dyn.test") == "dyn.test"


@pytest.mark.parametrize(("tcp", "server"), [(True, ADDRESS), (False, ADDRESS), (True, "ns.bench.test")])
def test_a_value_is_added_and_taken_away_and_all_else_stays(options: Options, tcp: bool, server: str) -> None:
    backend, before = made(options, tcp=tcp, server=server), transferred("dyn.test")
    caa = Record("dyn.test", "CAA", CAA, 7200)
    backend.add(TOKEN)
    backend.add(caa)
    assert transferred("dyn.test") - before == {
        ("_acme-challenge.dyn.test.", 300, f'TXT "{TOKEN.value}"'), ("dyn.test.", 300, f"CAA {CAA}"),
    }
    backend.add(caa)
    backend.remove(TOKEN)
    backend.remove(caa)
    backend.remove(caa)
    assert transferred("dyn.test") == before


def test_a_set_keeps_its_ttl(backend: Backend) -> None:
    before = transferred("dyn.test")
    record = Record("slow.dyn.test", "TXT", "another", 60)
    backend.add(record)
    assert transferred("dyn.test") - before == {("slow.dyn.test.", 7200, 'TXT "another"')}
    backend.remove(record)
    assert transferred("dyn.test") == before


def test_generic_forms_and_cut_texts_are_the_values_that_they_mean(backend: Backend) -> None:
    before = transferred("dyn.test")
    generic = Record("old.dyn.test", "CAA", '0 ISSUE "abcdefghjklmnoo"')
    for record in (generic, Record("parts.dyn.test", "TXT", "onetwo")):
        backend.add(record)
        assert transferred("dyn.test") == before
        backend.remove(record)
        assert len(before - transferred("dyn.test")) == 1
        backend.add(record)
        backend.remove(record)
        before = transferred("dyn.test")


def test_odd_values_come_back(backend: Backend) -> None:
    before = transferred("dyn.test")
    for value in ('quote " and ; and \\', "x" * 600):
        backend.add(replace(TOKEN, value=value))
        backend.remove(replace(TOKEN, value=value))
    assert transferred("dyn.test") == before


def test_several_threads_change_one_set(options: Options) -> None:
    before = transferred("dyn.test")
    records = [replace(TOKEN, value=f"value-{number}") for number in range(8)]
    backends = [made(options) for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda pair: backends[pair[0] % 2].add(pair[1]), enumerate(records)))
    assert len(transferred("dyn.test") - before) == len(records)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(backends[0].remove, records))
    assert transferred("dyn.test") == before


# --- what can not stand there


def test_a_caa_record_at_a_cname_is_refused_before_writing(backend: Backend) -> None:
    assert code_of(lambda: backend.add(Record("alias.dyn.test", "CAA", CAA))) == "zone_cname_in_the_way"
    backend.remove(Record("alias.dyn.test", "CAA", CAA))


def test_a_cname_that_appears_meanwhile_stops_the_update(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """BIND would ignore the record and answer NOERROR; the update's own condition makes it say so."""
    blind_once(monkeypatch)
    assert code_of(lambda: backend.add(Record("alias.dyn.test", "CAA", CAA))) == "zone_cname_in_the_way"


def test_a_record_that_bind_silently_ignores_is_seen_by_reading_it_back(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind_once(monkeypatch)
    monkeypatch.setattr("dns.update.UpdateMessage.absent", lambda *_: None)
    assert code_of(lambda: backend.add(Record("alias.dyn.test", "CAA", CAA))) == "zone_cname_in_the_way"


def blind_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first look sees nothing, as if the CNAME came after it."""
    looked: list[str] = []
    true_look = Nameserver.look

    def look(self: Nameserver, owner: str, kind: str) -> Found:
        looked.append(owner)
        return Found() if len(looked) == 1 else true_look(self, owner, kind)

    monkeypatch.setattr(Nameserver, "look", look)
    monkeypatch.setattr(Nameserver, "apex", lambda *_: "dyn.test")


def test_a_change_that_is_not_shown_is_told(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Backend, "_shown", lambda *_: False)
    assert code_of(lambda: backend.add(TOKEN)) == "zone_change_not_served"


def test_names_of_other_zones_are_not_hidden_in_this_one(backend: Backend) -> None:
    assert code_of(lambda: backend.add(Record("x.away.dyn.test", "TXT", "a"))) == "zone_delegated"
    assert code_of(lambda: backend.add(Record("x.below.dyn.test", "TXT", "a"))) == "zone_delegated"
    assert code_of(lambda: backend.add(Record("x.example.org", "TXT", "a"))) == "zone_not_served"
    assert code_of(lambda: backend.add(Record("x y.dyn.test", "TXT", "a"))) == "zone_record_invalid"


# --- the server says no


def test_the_wrong_secret_and_an_unknown_key_are_told_apart(options: Options) -> None:
    wrong = made(options, key_secret="YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXo=")
    assert code_of(lambda: wrong.add(TOKEN)) == "dns_backend_key_wrong"
    assert code_of(lambda: wrong.remove(TOKEN)) == "dns_backend_key_wrong"
    unknown = made(options, key_name="somebody-else")
    assert code_of(lambda: unknown.add(TOKEN)) == "dns_backend_key_unknown"
    assert code_of(lambda: made(options, key_algorithm="hmac-sha512").add(TOKEN)) == "dns_backend_key_unknown"


@pytest.mark.parametrize("changes", [
    {"key_secret": "not base64!"}, {"key_secret": ""}, {"key_name": ""}, {"key_name": "a..b"},
    {"key_algorithm": "rot13"}, {"zones": ("dyn.test", "not a zone")}, {"port": 0}, {"port": 70000},
])
def test_options_that_can_not_be_used_are_told_without_the_secret(options: Options, changes: dict[str, object]) -> None:
    failure = failure_of(lambda: made(options, **changes).add(TOKEN))
    assert failure.code == "option_invalid"
    assert options.key_secret not in failure.detail and "not base64" not in failure.detail


def test_the_secret_is_in_no_representation(options: Options) -> None:
    backend = made(options)
    backend.remove(TOKEN)
    assert options.key_secret not in repr(backend._server) + str(backend._server)


def test_an_unsigned_update_is_refused(options: Options) -> None:
    assert code_of(lambda: made(options, key_name="", key_secret="").add(TOKEN)) == "zone_update_forbidden"
    unsigned = made(options, key_name="", key_secret="")
    record = Record("x.allowed.test", "TXT", "a")
    assert code_of(lambda: unsigned.add(record), "allowed.test") == "zone_update_refused"


def test_frozen_static_and_missing_zones_are_told(options: Options) -> None:
    backend = made(options, zones=(*options.zones, "missing.test"))
    run("rndc", "freeze", "frozen.test")
    assert code_of(lambda: backend.add(Record("x.frozen.test", "TXT", "a")), "frozen.test") == "zone_update_refused"
    run("rndc", "thaw", "frozen.test")
    backend.add(Record("x.frozen.test", "TXT", "a"))
    assert code_of(lambda: backend.add(Record("x.static.test", "TXT", "a")), "static.test") == "zone_update_refused"
    assert failure_of(lambda: backend.add(Record("x.missing.test", "TXT", "a"))).code == "zone_not_at_server"


def test_a_kind_of_record_that_the_policy_forbids_is_told(options: Options) -> None:
    caa = Record("x.nowhere.test", "CAA", CAA)
    assert code_of(lambda: made(options).add(caa), "nowhere.test") == "zone_update_forbidden"


def test_a_server_that_can_not_write_its_journal_is_told(options: Options) -> None:
    record = Record("x.nowhere.test", "TXT", "a")
    assert code_of(lambda: made(options).add(record), "nowhere.test") == "dns_backend_server_failed"


def test_clocks_that_differ_are_told(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: now() - 4000)
        failure = failure_of(lambda: made(options).add(TOKEN))
    assert failure.code == "dns_backend_clock"


# --- the server says nothing, or nonsense


def test_nobody_there_and_no_such_name_are_told(options: Options) -> None:
    assert failure_of(lambda: made(options, port=5399).add(TOKEN)).code == "dns_backend_unreachable"
    assert failure_of(lambda: made(options, server="no.such.name.invalid").add(TOKEN)).code == "dns_backend_unreachable"


@pytest.mark.parametrize(("reply", "signed", "code"), [
    (lambda query: None, True, "dns_backend_timeout"),
    (lambda query: b"", True, "dns_backend_unreachable"),
    (lambda query: b"\x00\x05hello", True, "dns_backend_bad_answer"),
    (lambda query: framed(answer(query, dns.rcode.NOERROR)), True, "dns_backend_bad_answer"),
    (lambda query: framed(answer(query, dns.rcode.SERVFAIL)), False, "dns_backend_server_failed"),
    (lambda query: framed(answer(query, dns.rcode.REFUSED)), False, "zone_not_at_server"),
], ids=["silent", "hangs up", "rubbish", "unsigned", "SERVFAIL", "REFUSED"])
def test_servers_that_do_not_answer_as_they_should_are_told(
    options: Options, monkeypatch: pytest.MonkeyPatch, reply: Callable[[bytes], bytes | None], signed: bool, code: str
) -> None:
    key = {} if signed else {"key_name": "", "key_secret": ""}
    monkeypatch.setattr("jobs.dns_backends.system.nameserver._SECONDS", 0.5)
    with server(reply) as port:
        failure = failure_of(lambda: made(options, port=port, **key).add(TOKEN))
    assert failure.code == code, failure.detail


@pytest.mark.parametrize(("rcode", "code"), [
    (dns.rcode.NOTIMP, "dns_backend_no_updates"), (dns.rcode.NOTZONE, "zone_not_at_server"),
    (dns.rcode.NXRRSET, "dns_backend_server_failed"), (dns.rcode.YXRRSET, "zone_changed_meanwhile"),
])
def test_each_answer_to_an_update_has_its_code(options: Options, rcode: dns.rcode.Rcode, code: str) -> None:
    def reply(query: bytes) -> bytes:
        question = query[2] & 0x78 == 0  # the opcode
        return framed(answer(query, dns.rcode.NOERROR if question else rcode))

    with server(reply) as port:
        assert failure_of(lambda: made(options, port=port, key_name="", key_secret="").add(TOKEN)).code == code


def answer(query: bytes, rcode: dns.rcode.Rcode) -> bytes:
    """An unsigned answer, authoritative, with the SOA record of the zone."""
    asked = dns.message.from_wire(query, keyring=False, continue_on_error=True)
    message = dns.message.Message(asked.id)
    message.flags = dns.flags.QR | dns.flags.AA | (asked.flags & 0x7800)
    message.set_rcode(rcode)
    message.sections[0] = list(asked.sections[0])
    soa = dns.message.from_text(
        "id 1\nopcode QUERY\nflags QR\n;QUESTION\n;ANSWER\n;AUTHORITY\ndyn.test. 60 IN SOA ns. a. 1 2 3 4 5\n"
    )
    if message.opcode() == 0:
        message.authority.extend(soa.authority)
    return message.to_wire()


def framed(message: bytes) -> bytes:
    return len(message).to_bytes(2, "big") + message


@contextmanager
def server(reply: Callable[[bytes], bytes | None]) -> Iterator[int]:
    """A TCP server that gives each question this reply; None: it keeps silent, empty: it hangs up."""
    with socket.create_server((ADDRESS, 0)) as listening:
        held: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                held.append(connection)
                question = connection.recv(4096)
                said = reply(question[2:])
                if said is not None:
                    connection.sendall(said)
                    connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(5)
    for connection in held:
        connection.close()
