"""Zone files of a real BIND: one value more or less, and everything else as it was, also when something goes wrong."""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jobs import privileged
from jobs.demo.daemons.bind import Bind, Zone, served, start_bind
from jobs.demo.daemons.starting import run
from jobs.dns_backends.bind_zonefile import Backend, Options
from jobs.policy.failure import Failure
from jobs.ports import Place, Record
from tests.jobs.dns_backends.bind_bench import failure_of, transferred

pytestmark = pytest.mark.e2e(timeout=240)

CAA = '0 issue "ca.test"'
SERIAL = re.compile(rb"[0-9]{10}")
ODD = r"""; the zone of somebody who writes by hand
$TTL 1h	; one hour
$ORIGIN test.
odd	IN SOA ns.bench.test. admin.bench.test. (
		2026010100 ; serial (counted by date)
		3600 600 ; refresh, retry
		86400 60 )
	IN	NS ns.bench.test.
	0 IN CAA 0 issue "other.example"
$ORIGIN odd.test.
www 300 IN A 192.0.2.1
	IN 300 TXT "semi;colon" "quote\"d" ; a comment with ( and "
_acme-challenge 120 TXT ( "of somebody
else" )
alias CNAME www
sub NS ns.bench.test.
gone DNAME elsewhere.test.
$INCLUDE /etc/bind/odd.inc
$GENERATE 1-3 host$ A 192.0.2.$
old 600 TYPE257 \# 22 0005697373756561 626364656667686a6b6c6d6e6f6f
old	CAA 0 issue "Zweite.example"
* A 192.0.2.9
""".replace("somebody\nelse", "somebody else")
INCLUDED = "inc TXT included\nhost9 A 192.0.2.99\n"


def zone(name: str, *records: tuple[str, str, str], **more: object) -> Zone:
    return Zone(f"{name}.test", [("www", "A", "192.0.2.1"), ("alias", "CNAME", "www"), *records], **more)


ZONES = [
    zone("plain"), zone("views"), zone("broken"), zone("pending"), zone("newer"), zone("unreadable"), zone("threads"),
    zone("link"), zone("linked"), zone("open"), zone("owned"), zone("twins", ("x", "TXT", '"same"')), zone("hidden"),
    zone("journal"), zone("dyn", dynamic=True), zone("frozen", dynamic=True), zone("fine"),
    zone("full", clauses="max-zone-ttl 300;"), zone("allowed", clauses="allow-update { key autossl; };"),
    zone("signed", clauses="dnssec-policy default; inline-signing yes;"),
    zone("differs", clauses="ixfr-from-differences yes;"), Zone("odd.test"),
]


@pytest.fixture(scope="module", autouse=True)
def bind() -> Bind:
    started = start_bind(ZONES)
    Path("/etc/bind/odd.inc").write_text(INCLUDED)
    file("odd").write_text(ODD)
    run("rndc", "reload", "odd.test")
    return started


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def backend(place: Place) -> Backend:
    return Backend(Options(enabled=True, wait=5), place)


def file(name: str) -> Path:
    return Zone(f"{name}.test").file


def without_serial(content: bytes) -> bytes:
    return SERIAL.sub(b"SERIAL", content, count=1)


def rewritten(name: str, old: str, new: str) -> None:
    """Somebody edits a file by hand, with the next serial number, and reloads it or not."""
    text = file(name).read_text()
    assert old in text
    number = re.search(r"[0-9]{10}", text)
    assert number
    text = text.replace(number[0], str(int(number[0]) + 1), 1).replace(old, new)
    file(name).write_text(text)


def untouched(name: str, call) -> Failure:
    """The Failure of `call`, after which the file, its owner and what is served are what they were."""
    before, facts, number = file(name).read_bytes(), file(name).stat(), served(f"{name}.test")
    records = transferred(f"{name}.test")
    failure = failure_of(call)
    assert file(name).read_bytes() == before
    assert (file(name).stat().st_mode, file(name).stat().st_uid) == (facts.st_mode, facts.st_uid)
    assert served(f"{name}.test") == number and transferred(f"{name}.test") == records
    assert not list(file(name).parent.glob(".*autossl"))
    return failure


# --- the main path


def test_static_primary_zones_are_found_and_no_others(backend: Backend) -> None:
    assert backend.active() and not Backend(Options(), Place(Path("/"))).active()
    assert backend.zone_for("www.plain.test") == backend.zone_for("plain.test") == "plain.test"
    assert backend.zone_for("a.b.plain.test") == "plain.test"
    for other in ("www.dyn.test", "allowed.test", "notplain.test", "example.org", "test"):
        assert backend.zone_for(other) is None


def test_a_value_is_added_and_taken_away_and_all_else_stays(backend: Backend) -> None:
    before, records, number = file("odd").read_bytes(), transferred("odd.test"), served("odd.test")
    token = Record("_acme-challenge.odd.test", "TXT", "token-of_the-CA")
    caa = Record("odd.test", "CAA", CAA, 7200)
    backend.add(token)
    backend.add(caa)
    after = file("odd").read_bytes()
    added = (
        b'_acme-challenge.odd.test. 120 IN TXT "token-of_the-CA" ; added by AutoSSL Panel\n'
        b'odd.test. 0 IN CAA 0 issue "ca.test" ; added by AutoSSL Panel\n'
    )
    assert without_serial(after) == without_serial(before) + added
    assert transferred("odd.test") - records == {
        ("_acme-challenge.odd.test.", 120, 'TXT "token-of_the-CA"'), ("odd.test.", 0, f"CAA {CAA}"),
    }
    assert records < transferred("odd.test")
    assert served("odd.test") > number
    backend.remove(token)
    backend.remove(caa)
    assert without_serial(file("odd").read_bytes()) == without_serial(before)
    assert transferred("odd.test") == records


def test_a_new_set_gets_the_ttl_that_is_asked_for(backend: Backend) -> None:
    backend.add(Record("deep.below.plain.test", "TXT", "a", 77))
    assert ("deep.below.plain.test.", 77, 'TXT "a"') in transferred("plain.test")
    backend.remove(Record("deep.below.plain.test", "TXT", "a", 77))


def test_what_stands_there_already_is_not_written_again(backend: Backend) -> None:
    record = Record("again.plain.test", "TXT", "a")
    backend.add(record)
    before = file("plain").read_bytes()
    backend.add(record)
    assert file("plain").read_bytes() == before
    backend.remove(record)
    before = file("plain").read_bytes()
    backend.remove(record)
    assert file("plain").read_bytes() == before


def test_two_values_at_one_name_stand_beside_each_other(backend: Backend) -> None:
    first, second = (Record("_acme-challenge.plain.test", "TXT", value) for value in ("one", "two"))
    before = transferred("plain.test")
    backend.add(first)
    backend.add(second)
    assert len(transferred("plain.test") - before) == 2
    backend.remove(first)
    assert transferred("plain.test") - before == {("_acme-challenge.plain.test.", 300, 'TXT "two"')}
    backend.remove(second)
    assert transferred("plain.test") == before


def test_odd_values_are_written_as_they_are(backend: Backend) -> None:
    for value in ('quote " and ; and \\ and (', "x" * 300, "$TTL 1"):
        record = Record("odd.plain.test", "TXT", value)
        before = file("plain").read_bytes()
        backend.add(record)
        backend.remove(record)
        assert without_serial(file("plain").read_bytes()) == without_serial(before)


def test_a_value_in_generic_form_is_known_and_removed(backend: Backend) -> None:
    """`TYPE257 \\# ...` is CAA written for name servers that don't know it (RFC 3597)."""
    before = file("odd").read_bytes()
    values = {text for owner, _, text in transferred("odd.test") if owner == "old.odd.test." and text.startswith("CAA")}
    generic = next(text.removeprefix("CAA ") for text in values if "Zweite" not in text)
    backend.add(Record("old.odd.test", "CAA", generic))
    assert file("odd").read_bytes() == before, "it stands there already"
    backend.remove(Record("old.odd.test", "CAA", generic))
    assert b"TYPE257" not in file("odd").read_bytes()
    left = {(ttl, text) for owner, ttl, text in transferred("odd.test") if owner == "old.odd.test."}
    assert left == {(3600, 'CAA 0 issue "Zweite.example"')}, "the first line had said the TTL of the set"
    file("odd").write_text(ODD.replace("2026010100", str(served("odd.test") + 1)))
    run("rndc", "reload", "odd.test")


def test_the_file_keeps_its_owner_and_mode(backend: Backend) -> None:
    file("owned").chmod(0o640)
    backend.add(Record("a.owned.test", "TXT", "a"))
    facts = file("owned").stat()
    assert (facts.st_mode & 0o777, file("owned").owner(), file("owned").group()) == (0o640, "bind", "bind")


def test_a_value_that_stands_twice_is_removed_as_a_whole(backend: Backend) -> None:
    rewritten("twins", 'x IN TXT "same"\n', 'x IN TXT "same"\n\tTXT ("sa" "me") ; once more\n\tA 192.0.2.7\n')
    run("rndc", "reload", "twins.test")
    backend.remove(Record("x.twins.test", "TXT", "same"))
    left = {record for record in transferred("twins.test") if record[0] == "x.twins.test."}
    assert left == {("x.twins.test.", 300, "A 192.0.2.7")}


def test_many_threads_and_instances_change_one_zone(place: Place) -> None:
    """The locks know nothing of threads or of instances, so that two processes are no other case."""
    before = transferred("threads.test")
    records = [Record("_acme-challenge.threads.test", "TXT", f"value-{number}") for number in range(6)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda record: Backend(Options(enabled=True), place).add(record), records))
    assert len(transferred("threads.test") - before) == len(records)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(Backend(Options(enabled=True), place).remove, records))
    assert transferred("threads.test") == before


@pytest.mark.parametrize("name", ["signed", "differs"])
def test_a_static_file_of_which_named_keeps_a_journal_is_edited(backend: Backend, name: str) -> None:
    before = without_serial(file(name).read_bytes())
    for value in ("one", "two"):
        record = Record(f"_acme-challenge.{name}.test", "TXT", value)
        backend.add(record)
        assert (f"_acme-challenge.{name}.test.", 300, f'TXT "{value}"') in transferred(f"{name}.test")
        backend.remove(record)
        assert without_serial(file(name).read_bytes()) == before
    assert Path(f"{file(name)}.jnl").exists()


# --- what is not written


@pytest.mark.parametrize(("name", "kind", "code"), [
    ("alias.plain.test", "CAA", "zone_cname_in_the_way"),
    ("alias.plain.test", "TXT", "zone_cname_in_the_way"),
    ("sub.odd.test", "CAA", "zone_delegated"),
    ("_acme-challenge.www.sub.odd.test", "TXT", "zone_delegated"),
    ("x.gone.odd.test", "TXT", "zone_delegated"),
    ("www.elsewhere.example", "TXT", "zone_not_served"),
    ("x.dyn.test", "TXT", "zone_not_served"),
    ("x y.plain.test", "TXT", "zone_record_invalid"),
    ("x.plain.test\nevil.test", "TXT", "zone_record_invalid"),
    ("$include.plain.test", "TXT", "zone_record_invalid"),
    ("www.plain.test", "A", "zone_record_invalid"),
])
def test_what_can_not_stand_there_is_refused_before_writing(backend: Backend, name: str, kind: str, code: str) -> None:
    part = "odd" if name.endswith("odd.test") else "plain"
    record = Record(name, kind, CAA if kind == "CAA" else "a")
    assert untouched(part, lambda: backend.add(record)).code == code


@pytest.mark.parametrize("value", ["", "line\nbreak", "\x00", "ü", 'x" 1\n@ A 192.0.2.66\n'])
def test_a_value_that_is_more_than_a_value_is_refused(backend: Backend, value: str) -> None:
    record = Record("x.plain.test", "TXT", value)
    assert untouched("plain", lambda: backend.add(record)).code == "zone_record_invalid"
    caa = Record("x.plain.test", "CAA", f'0 issue "{value}" rubbish')
    assert untouched("plain", lambda: backend.add(caa)).code == "zone_record_invalid"


def test_a_value_that_an_included_file_holds_is_not_removed(backend: Backend) -> None:
    record = Record("inc.odd.test", "TXT", "included")
    backend.add(record)
    assert untouched("odd", lambda: backend.remove(record)).code == "zone_file_unsupported"


# --- zones that are not as they should be


def test_a_zone_that_was_broken_before_is_not_touched(backend: Backend) -> None:
    with file("broken").open("a") as text:
        text.write("www IN A 300.1.2.3\n")
    failure = untouched("broken", lambda: backend.add(Record("x.broken.test", "TXT", "a")))
    assert failure.code == "zone_broken_before" and f"{file('broken')}:" in failure.detail


def test_somebody_elses_unloaded_edit_is_not_published(backend: Backend) -> None:
    rewritten("pending", "192.0.2.1", "192.0.2.2")
    failure = untouched("pending", lambda: backend.add(Record("x.pending.test", "TXT", "a")))
    assert failure.code == "zone_edit_pending"
    run("rndc", "reload", "pending.test")
    backend.add(Record("x.pending.test", "TXT", "a"))


def test_an_unloaded_edit_without_a_new_serial_number_is_seen_by_its_time(backend: Backend) -> None:
    file("newer").write_text(file("newer").read_text().replace("192.0.2.1", "192.0.2.2"))
    later = time.time() + 3
    os.utime(file("newer"), (later, later))
    failure = untouched("newer", lambda: backend.add(Record("x.newer.test", "TXT", "a")))
    assert failure.code == "zone_edit_pending"


def test_a_dynamic_zone_is_not_edited_frozen_or_not(place: Place) -> None:
    backend = Backend(Options(enabled=True, zones=("frozen.test", "dyn.test", "Plain.test.")), place)
    assert backend.zone_for("x.frozen.test") == "frozen.test"
    assert backend.zone_for("x.plain.test") == "plain.test" and backend.zone_for("x.fine.test") is None
    failure = untouched("dyn", lambda: backend.add(Record("x.dyn.test", "TXT", "a")))
    assert failure.code == "zone_is_dynamic" and "frozen" not in failure.detail
    run("rndc", "freeze", "frozen.test")
    failure = untouched("frozen", lambda: backend.add(Record("x.frozen.test", "TXT", "a")))
    assert failure.code == "zone_is_dynamic" and "frozen" in failure.detail


def test_a_journal_beside_the_file_means_dynamic(backend: Backend) -> None:
    Path(f"{file('journal')}.jnl").touch()
    assert untouched("journal", lambda: backend.add(Record("x.journal.test", "TXT", "a"))).code == "zone_is_dynamic"


def test_a_zone_in_several_views_is_refused_with_words(backend: Backend, tmp_path: Path) -> None:
    config = tmp_path / "views.conf"
    clause = f'zone "views.test" {{ type primary; file "{file("views")}"; }};'
    config.write_text(f'view "in" {{ match-clients {{ 10.0.0.0/8; }}; {clause} }}; view "out" {{ {clause} }};')
    several = Backend(Options(enabled=True, named_conf=str(config)), Place(tmp_path))
    assert several.zone_for("x.views.test") == "views.test"
    failure = untouched("views", lambda: several.add(Record("x.views.test", "TXT", "a")))
    assert failure.code == "zone_in_several_views" and "in, out" in failure.detail


def test_a_zone_that_named_does_not_know_yet_is_refused(tmp_path: Path) -> None:
    config = tmp_path / "named.conf"
    config.write_text(f'zone "new.test" {{ type primary; file "{tmp_path}/new.db"; }};')
    new = Backend(Options(enabled=True, named_conf=str(config)), Place(tmp_path))
    assert failure_of(lambda: new.add(Record("x.new.test", "TXT", "a"))).code == "zone_not_loaded"


@pytest.mark.parametrize(("text", "code"), [
    ("zone oops {", "config_broken_before"),
    ('zone "plain.test" { type secondary; primaries { 127.0.0.1; }; };', "zone_not_primary"),
    ('zone "plain.test" { type primary; file "plain.db"; };', "zone_file_unsupported"),
    ('zone "plain.test" { type primary; masterfile-format raw; file "/x"; };', "zone_file_unsupported"),
])
def test_other_configurations_are_told_apart(tmp_path: Path, text: str, code: str) -> None:
    config = tmp_path / "named.conf"
    config.write_text(text)
    backend = Backend(Options(enabled=True, named_conf=str(config), zones=("plain.test",)), Place(tmp_path))
    assert untouched("plain", lambda: backend.add(Record("x.plain.test", "TXT", "a"))).code == code


def test_a_missing_configuration_is_told(tmp_path: Path) -> None:
    backend = Backend(Options(enabled=True, named_conf=f"{tmp_path}/none"), Place(tmp_path))
    assert failure_of(lambda: backend.zone_for("x.plain.test")).code == "config_broken_before"


def test_links_and_files_that_others_may_change_are_not_written(backend: Backend) -> None:
    file("linked").rename(file("elsewhere"))
    file("linked").symlink_to(file("elsewhere"))
    failure = failure_of(lambda: backend.add(Record("x.linked.test", "TXT", "a")))
    assert failure.code == "zone_file_unsafe" and "a link" in failure.detail
    file("open").chmod(0o666)
    assert failure_of(lambda: backend.add(Record("x.open.test", "TXT", "a"))).code == "zone_file_unsafe"
    file("open").chmod(0o644)
    os.chown(file("open"), 1234, 0)
    assert failure_of(lambda: backend.add(Record("x.open.test", "TXT", "a"))).code == "zone_file_unsafe"
    os.link(file("link"), file("link").with_name("second-name"))
    assert failure_of(lambda: backend.add(Record("x.link.test", "TXT", "a"))).code == "zone_file_unsafe"


def test_a_directory_that_others_may_write_to_is_not_written_to(backend: Backend) -> None:
    parent = file("plain").parent
    parent.chmod(0o777)
    try:
        failure = untouched("plain", lambda: backend.add(Record("x.plain.test", "TXT", "a")))
    finally:
        parent.chmod(0o775)
    assert failure.code == "zone_file_unsafe" and str(parent) in failure.detail


# --- after the reload


def test_a_reload_that_is_queued_and_serves_the_old_zone_is_seen_and_put_back(place: Place) -> None:
    """named can't read the file any more; `rndc reload` says that all is well."""
    impatient = Backend(Options(enabled=True, wait=1), place)
    os.chown(file("unreadable"), 0, 0)
    file("unreadable").chmod(0o600)
    failure = untouched("unreadable", lambda: impatient.add(Record("x.unreadable.test", "TXT", "a")))
    assert failure.code == "zone_change_not_served" and "The former file was put back" in failure.detail
    shutil.chown(file("unreadable"), "bind", "bind")


def test_a_zone_that_named_alone_refuses_is_put_back(place: Place) -> None:
    """named-checkzone knows nothing of `max-zone-ttl`."""
    impatient = Backend(Options(enabled=True, wait=1), place)
    failure = untouched("full", lambda: impatient.add(Record("x.full.test", "TXT", "a", 301)))
    assert failure.code == "zone_change_not_served" and "still serves" in failure.detail
    impatient.remove(Record("x.full.test", "TXT", "a"))


def test_a_record_that_is_not_shown_is_put_back_with_a_later_serial_number(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """named has loaded our version, and other servers may have it: an earlier serial number would never reach them."""
    for name in ("hidden", "differs", "signed"):
        records, number = transferred(f"{name}.test"), served(f"{name}.test")
        before = without_serial(file(name).read_bytes())
        impatient = Backend(Options(enabled=True, wait=1), place)
        with monkeypatch.context() as patched:
            patched.setattr("jobs.dns_backends.system.zone_publish.shown", lambda *_: False)
            failure = failure_of(lambda one=impatient, at=name: one.add(Record(f"x.{at}.test", "TXT", "a")))
        assert failure.code == "zone_change_not_served" and "with the serial number" in failure.detail
        assert without_serial(file(name).read_bytes()) == before
        if name != "signed":
            assert transferred(f"{name}.test") == records
        assert not any(owner == f"x.{name}.test." for owner, _, _ in transferred(f"{name}.test"))
        assert served(f"{name}.test") > number
        Backend(Options(enabled=True), place).add(Record(f"x.{name}.test", "TXT", "a"))


def test_a_stop_in_the_middle_puts_the_file_back(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    before, records = file("fine").read_bytes(), transferred("fine.test")
    true_reload, calls = privileged.zone_reload, []

    def stopped(*words: object) -> None:
        calls.append(words)
        if len(calls) == 1:
            raise KeyboardInterrupt
        true_reload(*words)

    monkeypatch.setattr(privileged, "zone_reload", stopped)
    with pytest.raises(KeyboardInterrupt):
        Backend(Options(enabled=True), place).add(Record("x.fine.test", "TXT", "a"))
    assert file("fine").read_bytes() == before and transferred("fine.test") == records


def test_somebody_elses_edit_between_reading_and_writing_is_kept(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_publish = privileged.publish_zone_file

    def edited(was: privileged.ZoneFile, content: bytes) -> privileged.ZoneFile:
        rewritten("fine", "192.0.2.1", "192.0.2.5")
        return true_publish(was, content)

    with monkeypatch.context() as patched:
        patched.setattr(privileged, "publish_zone_file", edited)
        failure = failure_of(lambda: Backend(Options(enabled=True), place).add(Record("x.fine.test", "TXT", "a")))
    assert failure.code == "zone_changed_meanwhile"
    text = file("fine").read_text()
    assert "192.0.2.5" in text and "x.fine.test" not in text


def test_a_zone_that_is_held_for_too_long_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.dns_backends.system.turns._LONGEST_TURN", 0.1)
    (place.instance / "locks").mkdir()
    with privileged.locked(place.instance / "locks" / "zone-plain.test", 1):
        failure = untouched(
            "plain", lambda: Backend(Options(enabled=True), place).add(Record("x.plain.test", "TXT", "a"))
        )
    assert failure.code == "zone_busy"


def test_an_address_where_somebody_else_answers_is_told(place: Place) -> None:
    elsewhere = Backend(Options(enabled=True, server="127.0.0.9"), place)
    failure = untouched("plain", lambda: elsewhere.add(Record("x.plain.test", "TXT", "a")))
    assert failure.code == "dns_backend_unreachable"


def test_a_wrong_key_of_rndc_is_told(place: Place, tmp_path: Path) -> None:
    key = tmp_path / "key"
    run("rndc-confgen", "-a", "-A", "hmac-sha256", "-c", str(key))
    wrong = Backend(Options(enabled=True, rndc_key=str(key)), place)
    failure = untouched("plain", lambda: wrong.add(Record("x.plain.test", "TXT", "a")))
    assert failure.code == "dns_backend_no_control"


def test_a_disk_that_takes_nothing_more_leaves_the_zone_as_it_was(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    record = Record("x.plain.test", "TXT", "a")
    with monkeypatch.context() as patched:
        patched.setattr("jobs.privileged.zone_files.os.fchmod", full)
        failure = untouched("plain", lambda: backend.add(record))
    assert failure.code == "zone_not_written" and "No space left" in failure.detail


def test_warnings_of_named_checkconf_are_not_taken_for_configuration(tmp_path: Path) -> None:
    config = tmp_path / "named.conf"
    config.write_text(
        'options { root-delegation-only; allow-update { any; }; };'
        'zone "a.test" { type primary; file "/a"; };'
        'zone "b.test" { type primary; file "/b"; allow-update { none; }; };'
    )
    assert "is deprecated" in privileged.introspect(["/usr/bin/named-checkconf", str(config)]).text
    backend = Backend(Options(enabled=True, named_conf=str(config)), Place(tmp_path))
    assert backend.zone_for("a.test") is None and backend.zone_for("b.test") == "b.test"


# --- the end of named: the last tests of this module


def test_a_named_that_ends_in_the_middle_finds_the_former_file_at_its_next_start(
    place: Place, bind: Bind, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file("plain").read_bytes()
    true_reload = privileged.zone_reload

    def ends(*words: str) -> None:
        bind.process.terminate()
        bind.process.wait()
        true_reload(*words)

    monkeypatch.setattr(privileged, "zone_reload", ends)
    failure = failure_of(lambda: Backend(Options(enabled=True), place).add(Record("x.plain.test", "TXT", "a")))
    assert failure.code == "dns_backend_no_control" and "The former file was put back" in failure.detail
    assert file("plain").read_bytes() == before


def test_a_named_that_is_gone_is_told_and_nothing_is_written(place: Place) -> None:
    before = file("plain").read_bytes()
    failure = failure_of(lambda: Backend(Options(enabled=True), place).add(Record("x.plain.test", "TXT", "a")))
    assert failure.code == "dns_backend_no_control" and file("plain").read_bytes() == before
