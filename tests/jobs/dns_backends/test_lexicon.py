"""dns-lexicon as a DNS backend, against a real PowerDNS by its API: one value more or less, and no secret in a word.

What PowerDNS never does is done by a stranger's server in between, or in its place.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import dns.query
import dns.rdatatype
import pytest

from jobs import registry
from jobs.demo.daemons.powerdns import ADDRESS, API_PORT, PowerDns, Zone, start_powerdns
from jobs.demo.daemons.starting import run
from jobs.dns_backends.lexicon import Backend, Options
from jobs.ports import Place, Record
from jobs.zones import Zones
from tests.jobs.dns_backends.bind_bench import failure_of

pytestmark = pytest.mark.e2e(timeout=180)

SECRET = "hush-hush/Kx9+longsecret"
"""What a server of ours is told in the place of PowerDNS's own key."""

VALUE = "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"
TOKEN = Record("_acme-challenge.lex.test", "TXT", VALUE, 60)
CAA = Record("lex.test", "CAA", '0 issue "ca.test; accounturi=https://ca.test/acct/1"')
ZONE = Zone("lex.test", [
    ("@", "CAA", '0 issue "other.test"'), ("alias", "CNAME", "ns"), ("many", "TXT", '"one"'), ("many", "TXT", '"two"'),
])


@pytest.fixture(scope="module")
def pdns() -> PowerDns:
    return start_powerdns([ZONE])


@pytest.fixture
def options(pdns: PowerDns) -> Options:
    return Options(service="powerdns", zones=("lex.test",), credentials=credentials(pdns.key), timeout=30)


def credentials(key: str, port: int = API_PORT) -> str:
    return f"pdns_server=http://127.0.0.1:{port} auth_token={key}"


def made(options: Options, **changes: object) -> Backend:
    return Backend(replace(options, **changes), Place(Path("/nowhere")))


def zone() -> set[tuple[str, int, str]]:
    """Every record that is served: owner, TTL, kind and value, but the SOA record, of which the serial number grows."""
    return {
        (rrset.name.to_text(), rrset.ttl, f"{dns.rdatatype.to_text(rrset.rdtype)} {value.to_text()}")
        for message in dns.query.xfr(ADDRESS, "lex.test", relativize=False)
        for rrset in message.answer for value in rrset
        if rrset.rdtype != dns.rdatatype.SOA
    }


def code_of(call: Callable[[], object]) -> str:
    """The code of the Failure, after which the zone is as before."""
    before = zone()
    failure = failure_of(call)
    assert zone() == before
    return failure.code


# --- the main path


@pytest.mark.parametrize("written", [
    lambda pairs: " ".join(f"{key}={value}" for key, value in pairs.items()),
    lambda pairs: "\n".join(f"  {key}={value}" for key, value in pairs.items()),
    json.dumps,
], ids=["words", "lines", "json"])
def test_a_value_is_added_and_taken_away_and_all_else_stays(
    options: Options, pdns: PowerDns, written: Callable[[dict[str, str]], str]
) -> None:
    text = written({"auth_token": pdns.key, "pdns_server": f"http://127.0.0.1:{API_PORT}"})
    backend, before = made(options, credentials=text), zone()
    backend.add(TOKEN)
    backend.add(CAA)
    assert zone() - before == {
        ("_acme-challenge.lex.test.", 60, f'TXT "{VALUE}"'), ("lex.test.", 300, f"CAA {CAA.value}"),
    }
    assert not before - zone()
    backend.add(CAA)
    backend.remove(TOKEN)
    backend.remove(CAA)
    backend.remove(CAA)
    assert zone() == before


def test_apex_and_wildcard_have_their_values_beside_each_other(options: Options) -> None:
    before, other = zone(), replace(TOKEN, value="another-value", ttl=3600)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(made(options).add, (TOKEN, other)))
    added = zone() - before
    assert {text for _, _, text in added} == {f'TXT "{VALUE}"', 'TXT "another-value"'}
    assert len({ttl for _, ttl, _ in added}) == 1
    made(options).remove(TOKEN)
    assert {text for _, _, text in zone() - before} == {'TXT "another-value"'}
    made(options).remove(other)
    assert zone() == before


def test_a_set_keeps_its_ttl_and_a_new_one_has_what_the_service_demands(options: Options) -> None:
    before, more = zone(), Record("many.lex.test", "TXT", "three", 60)
    backend = made(options, ttl=900)
    backend.add(more)
    backend.add(TOKEN)
    assert {(name, ttl) for name, ttl, _ in zone() - before} == {
        ("many.lex.test.", 300), ("_acme-challenge.lex.test.", 900),
    }
    backend.remove(more)
    backend.remove(TOKEN)
    assert zone() == before


def test_zones_are_served_for_what_the_library_can_write(options: Options) -> None:
    one = made(options)
    assert one.active() and not made(options, service="").active() and not made(options, zones=()).active()
    assert one.zone_for("a.b.lex.test") == "lex.test" and one.zone_for("xlex.test") is None
    assert Zones([one]).serving("lex.test", "CAA")
    fields = Zones([made(options, service="digitalocean")])
    assert fields.serving("lex.test", "TXT") and not fields.serving("lex.test", "CAA")
    assert code_of(lambda: made(options, service="digitalocean").add(CAA)) == "dns_backend_kind_unsupported"


def test_the_services_for_caa_are_ones_that_the_library_has() -> None:
    from lexicon._private.discovery import find_providers

    from jobs.dns_backends.lexicon import _CAA, _UNFIT

    assert set(find_providers()) >= _CAA | _UNFIT


# --- the library is not there


def test_without_the_library_the_plugin_is_listed_and_says_what_to_install(
    options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "lexicon" else found(name))
    assert "lexicon" in registry.names("dns_backends") and registry.load("dns_backends", "lexicon").title
    assert not Backend(Options(), Place(Path("/nowhere"))).active()
    known = Zones([made(options)])
    assert known.serving("lex.test") is None
    trouble = known.troubles["lexicon"]
    assert trouble.code == "dns_backend_extra_missing" and "-m pip install 'autossl-panel[lexicon]'" in trouble.detail


def test_the_panel_itself_never_imports_the_library(options: Options) -> None:
    made(options).remove(TOKEN)
    code = "import sys, jobs.dns_backends.lexicon; print([name for name in sys.modules if name.startswith('lexicon')])"
    assert run(sys.executable, "-c", code) == "[]\n"


# --- what is refused before the service hears of it


@pytest.mark.parametrize(("changes", "word"), [
    ({"credentials": "hush"}, "KEY=VALUE"), ({"credentials": '{"a": '}, "JSON"),
    ({"credentials": '{"a": ["hush"]}'}, "JSON"), ({"credentials": "a:b=hush"}, "KEY=VALUE"),
    ({"service": "../../x"}, "service"), ({"service": "auto"}, "service"), ({"service": "localzone"}, "service"),
    ({"timeout": 1}, "time limit"), ({"ttl": -1}, "TTL"), ({"zones": ("not a zone",)}, "zone"),
])
def test_options_that_can_not_be_used_are_told_without_the_secret(
    options: Options, changes: dict[str, object], word: str
) -> None:
    failure = failure_of(lambda: made(options, **changes).add(TOKEN))
    assert failure.code == "option_invalid" and word in failure.detail and "hush" not in failure.detail


@pytest.mark.parametrize(("record", "code"), [
    (Record("x.example.org", "TXT", VALUE), "zone_not_served"),
    (Record("x y.lex.test", "TXT", "a"), "zone_record_invalid"),
    (Record("x.lex.test", "A", "192.0.2.1"), "zone_record_invalid"),
    (Record("x.lex.test", "TXT", 'a" "b'), "zone_record_invalid"),
    (Record("x.lex.test", "TXT", "a\\b"), "zone_record_invalid"),
    (Record("x.lex.test", "CAA", "0 issue"), "zone_record_invalid"),
])
def test_records_that_can_not_be_written_are_told(options: Options, record: Record, code: str) -> None:
    for call in (made(options).add, made(options).remove):
        assert code_of(partial(call, record)) == code


# --- the service says no


def test_wrong_credentials_and_missing_ones_are_told(options: Options) -> None:
    wrong = failure_of(lambda: made(options, credentials=credentials(SECRET)).add(TOKEN))
    assert wrong.code == "dns_backend_denied" and "401" in wrong.detail and SECRET not in wrong.detail
    missing = failure_of(lambda: made(options, credentials="").add(TOKEN))
    assert missing.code == "dns_backend_service_failed" and "pdns_server" in missing.detail


def test_what_the_service_says_is_in_the_words(options: Options) -> None:
    failure = failure_of(lambda: made(options).add(Record("alias.lex.test", "CAA", CAA.value)))
    assert failure.code == "dns_backend_service_failed"
    assert "422" in failure.detail and "Conflicts with pre-existing" in failure.detail
    gone = failure_of(lambda: made(options, zones=("gone.test",)).add(Record("x.gone.test", "TXT", VALUE)))
    assert gone.code == "dns_backend_service_failed" and "404" in gone.detail


def test_services_that_are_not_there_are_told(options: Options) -> None:
    nobody = failure_of(lambda: made(options, credentials=credentials(SECRET, 9)).add(TOKEN))
    assert nobody.code == "dns_backend_unreachable" and SECRET not in nobody.detail
    unknown = failure_of(lambda: made(options, service="nosuchservice").add(TOKEN))
    assert unknown.code == "option_invalid" and "not supported" in unknown.detail
    route = failure_of(lambda: made(options, service="route53").add(TOKEN))
    assert route.code == "dns_backend_extra_missing" and "dns-lexicon[route53]" in route.detail


# --- a service that does something else than it says


Answer = tuple[int, bytes]


@contextmanager
def server(reply: Callable[[BaseHTTPRequestHandler, bytes], Answer]) -> Iterator[int]:
    """The port of a server that answers what `reply` says to a request and its body."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            status, content = reply(self, self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PATCH = do_PUT = _answer

        def log_message(self, *_: object) -> None:
            """Nothing."""

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield made.server_address[1]
    finally:
        made.shutdown()
        made.server_close()


def between(change: Callable[[bytes], bytes], look: Callable[[], object] = bytes) -> AbstractContextManager[int]:
    """A server that passes on to PowerDNS what `change` makes of a change: nothing, where that is empty."""

    def reply(request: BaseHTTPRequestHandler, body: bytes) -> Answer:
        look()
        changes = request.command == "PATCH"
        body = change(body) if changes else body
        if changes and not body:
            return 204, b""
        headers = {"X-API-Key": request.headers["X-API-Key"], "Content-Type": "application/json"}
        url = f"http://127.0.0.1:{API_PORT}{request.path}"
        passed = urllib.request.Request(url, body or None, headers, method=request.command)
        with urllib.request.urlopen(passed) as answer:
            return answer.status, answer.read()

    return server(reply)


def test_a_change_that_the_service_only_says_it_made_is_told(options: Options, pdns: PowerDns) -> None:
    with between(lambda body: b"") as port:
        backend = made(options, credentials=credentials(pdns.key, port), timeout=10)
        assert code_of(lambda: backend.add(TOKEN)) == "zone_change_not_served"
        assert code_of(lambda: backend.remove(Record("many.lex.test", "TXT", "one"))) == "zone_change_not_served"


def test_values_that_a_service_takes_away_are_put_back(options: Options, pdns: PowerDns) -> None:
    """As services do that hold one value of a name: what is written takes the place of all others."""
    replaced: list[bytes] = []

    def only_ours_once(body: bytes) -> bytes:
        found = json.loads(body)
        records = found["rrsets"][0]["records"]
        if not replaced and len(records) > 1:
            replaced.append(body)
            found["rrsets"][0]["records"] = [one for one in records if one["content"] == f'"{VALUE}"']
        return json.dumps(found).encode()

    record = Record("many.lex.test", "TXT", VALUE)
    with between(only_ours_once) as port:
        backend = made(options, credentials=credentials(pdns.key, port), timeout=10)
        assert code_of(lambda: backend.add(record)) == "dns_backend_replaces"
    assert replaced


def test_values_that_go_along_with_a_removed_one_are_put_back(options: Options, pdns: PowerDns) -> None:
    emptied: list[bytes] = []

    def all_once(body: bytes) -> bytes:
        found = json.loads(body)
        if not emptied:
            emptied.append(body)
            found["rrsets"][0]["records"] = []
        return json.dumps(found).encode()

    before, record = zone(), Record("many.lex.test", "TXT", VALUE)
    made(options).add(record)
    with between(all_once) as port:
        failure = failure_of(lambda: made(options, credentials=credentials(pdns.key, port)).remove(record))
    assert failure.code == "dns_backend_replaces" and zone() == before


def test_a_service_that_holds_one_value_alone_is_told_with_what_it_lost(options: Options, pdns: PowerDns) -> None:
    def first(body: bytes) -> bytes:
        found = json.loads(body)
        del found["rrsets"][0]["records"][1:]
        return json.dumps(found).encode()

    before, record = zone(), Record("many.lex.test", "TXT", VALUE)
    with between(first) as port:
        failure = failure_of(lambda: made(options, credentials=credentials(pdns.key, port), timeout=10).add(record))
    assert failure.code == "zone_not_restored" and "not put back: one" in failure.detail
    made(options).add(Record("many.lex.test", "TXT", "one"))
    assert zone() == before


def test_a_service_that_does_not_answer_is_given_up(options: Options, pdns: PowerDns) -> None:
    stop = threading.Event()

    with between(bytes, lambda: stop.wait(60)) as port:
        try:
            backend = made(options, credentials=credentials(pdns.key, port), timeout=10)
            assert code_of(lambda: backend.add(TOKEN)) == "dns_backend_timeout"
        finally:
            stop.set()


@pytest.mark.parametrize("text", [
    f"the key {SECRET} is wrong", "hush-hush%2FKx9%2Blongsecret", "hush-hush/Kx9%2Blongsecret",
    "aHVzaC1odXNoL0t4OStsb25nc2VjcmV0", f"control \x1b[31m {SECRET}\n\n{SECRET}",
], ids=["plain", "quoted", "half quoted", "base64", "control signs"])
def test_a_service_that_repeats_the_secret_is_masked(options: Options, text: str) -> None:
    with server(lambda *_: (500, text.encode())) as port:
        failure = failure_of(lambda: made(options, credentials=credentials(SECRET, port)).add(TOKEN))
    assert failure.code == "dns_backend_service_failed" and "***" in failure.detail
    assert SECRET not in failure.detail and "longsecret" not in failure.detail and "\x1b" not in failure.detail
    assert "aHVzaC" not in failure.detail


@pytest.mark.parametrize("answer", [(200, b"[]"), (200, b"no JSON"), (200, b'{"rrsets": 7}'), (304, b"")])
def test_rubbish_in_the_place_of_an_answer_is_told(options: Options, answer: Answer) -> None:
    with server(lambda *_: answer) as port:
        failure = failure_of(lambda: made(options, credentials=credentials(SECRET, port)).add(TOKEN))
    assert failure.code == "dns_backend_service_failed" and "Traceback" not in failure.detail


# --- where credentials come from, and where they are not to be seen


def test_credentials_come_from_the_options_alone(
    options: Options, pdns: PowerDns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEXICON_POWERDNS_AUTH_TOKEN", pdns.key)
    monkeypatch.setenv("LEXICON_POWERDNS_PDNS_SERVER", f"http://127.0.0.1:{API_PORT}")
    monkeypatch.chdir("/var/tmp")
    Path("lexicon_powerdns.yml").write_text(f"auth_token: {pdns.key}\npdns_server: http://127.0.0.1:{API_PORT}\n")
    assert code_of(lambda: made(options, credentials="").add(TOKEN)) == "dns_backend_service_failed"


def test_no_process_and_no_file_shows_the_secret(options: Options, pdns: PowerDns) -> None:
    seen: list[str] = []

    def look() -> None:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                seen.extend((process / name).read_bytes().decode("latin-1") for name in ("cmdline", "environ"))
            except OSError:
                continue

    with between(bytes, look) as port:
        backend = made(options, credentials=credentials(pdns.key, port))
        backend.add(TOKEN)
        backend.remove(TOKEN)
    assert any("lexicon_call" in text for text in seen)
    assert not [text for text in seen if pdns.key in text]
    assert pdns.key not in repr(backend) + repr(backend._options) and not Path("/root/.lexicon_tld_set").exists()
