"""What is missing for CAA is put into zones of a real BIND: beside the rest, once, and only where that is right."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

import models
from jobs.config import load
from jobs.demo.daemons import bind
from jobs.demo.daemons.starting import run
from jobs.dns_backends.rfc2136 import Backend, Options
from jobs.place import Place
from jobs.policy.options import CaaMode
from jobs.ports import Record
from jobs.preflight import caa_changes
from jobs.preflight.caa_changes import Issuer
from jobs.preflight.permission import Permission, permit
from jobs.preflight.resolver import Lookup, servers
from jobs.wiring import caa_accounts
from jobs.wiring.instance import create, now, open_instance
from jobs.zones import NO_ZONES, Zones, kept
from tests.fakes import rights_to
from tests.jobs.dns_backends.bind_bench import transferred

pytestmark = pytest.mark.e2e(timeout=120)

NEW, OLD = "https://ca.test/acct/2", "https://ca.test/acct/1"
OURS = Issuer(("ca.test",), NEW, "testca", (OLD,))
FOREIGN = ("@", "CAA", '0 issue "other.example"')
LONG = ("@", "A", "192.0.2.1")


def raw(flags: int, tag: str, value: str) -> str:
    """A CAA record as RFC 3597 writes what a program doesn't know."""
    data = bytes([flags, len(tag)]) + tag.encode() + value.encode()
    return f"\\# {len(data)} {data.hex()}"


ZONES = [
    bind.Zone("foreign.test", [("@ 900", "CAA", '0 issue "other.example"'), LONG], True),
    bind.Zone("both.test", [FOREIGN, ("@", "CAA", '0 issuewild "other.example"')], True),
    bind.Zone("quoted.test", [("@", "CAA", "0 issue other.example"), ("@", "CAA", '128 IsSue "CA-X.test; a=b"')], True),
    bind.Zone("oldform.test", [("@", "TYPE257", raw(0, "issue", "other.example"))], True),
    bind.Zone("ours.test", [("@", "TYPE257", raw(0, "issue", " ca.test ; policy=ev"))], True),
    bind.Zone("alias.test", [("www", "CNAME", "target"), ("target", "A", "192.0.2.1"),
                             ("target", "CAA", '0 issue "other.example"'),
                             ("out", "CNAME", "elsewhere.test.")], True),
    bind.Zone("elsewhere.test", [FOREIGN]),
    bind.Zone("nobody.test", [("@", "CAA", '0 issue ";"'), LONG], True),
    bind.Zone("nowild.test", [("@", "CAA", '0 issue "ca.test"'), ("@", "CAA", '0 issuewild ";"')], True),
    bind.Zone("critical.test", [FOREIGN, ("@", "CAA", '128 tbs "unknown"')], True),
    bind.Zone("twice.test", [("@", "CAA", f'0 issue "ca.test; accounturi={NEW}; accounturi={NEW}"')], True),
    bind.Zone("star.test", [("*", "A", "192.0.2.1"), ("*", "CAA", '0 issue "other.example"')], True),
    bind.Zone("frozen.test", [FOREIGN], True),
    bind.Zone("bare.test", [LONG], True),
    bind.Zone("mailonly.test", [("@", "CAA", '0 iodef "mailto:a@b.test"')], True),
    bind.Zone("former.test", [("@", "CAA", f'0 issue "ca.test; accounturi={OLD}; validationmethods=http-01"')], True),
    bind.Zone("reset.test", [FOREIGN], True),
    bind.Zone("static.test", [FOREIGN]),
    bind.Zone("stale.test", [FOREIGN, ("@", "NS", "ns2.bench.test.")], True),
    bind.Zone("fixed.test", [FOREIGN], True),
]


@pytest.fixture(scope="module")
def dns() -> bind.Bind:
    return bind.start_bind(ZONES)


@pytest.fixture(scope="module", autouse=True)
def second(dns: bind.Bind) -> bind.SecondServer:
    """Started first, so that its look at the zone after the start is over when it shall be stale."""
    return dns.second_server(["stale.test"])


@pytest.fixture(scope="module")
def zones(dns: bind.Bind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zones]:
    directory = tmp_path_factory.mktemp("instance")
    create(directory)
    instance = open_instance(directory)
    names = tuple(zone.name for zone in ZONES if zone.name not in ("elsewhere.test", "fixed.test"))
    options = Options(server=bind.ADDRESS, zones=names, key_name=bind.TSIG_NAME, key_secret=dns.keys[bind.TSIG_NAME])
    yield Zones([Backend(options, Place(directory))], rights=rights_to(*names))
    instance.close()


def ask(
    zones: Zones, *names: str, mode: CaaMode = CaaMode.WHEN_NEEDED, act: bool = True, issuer: Issuer = OURS
) -> dict[str, Permission]:
    methods = {name: "dns-01" if name.startswith("*.") else "http-01" for name in names}

    async def asked() -> dict[str, Permission]:
        lookup = Lookup(servers([bind.ADDRESS]), authoritative=False, timeout=3)
        return await permit(lookup, zones, methods, names, issuer, mode, act, 10)

    return asyncio.run(asked())


def codes(found: Permission) -> tuple[str, list[str]]:
    return found.finding.code if found.finding else "", [one.code for one in found.remarks]


def added(zone: str, before: set[tuple[str, int, str]]) -> set[tuple[str, int, str]]:
    """What is new in the zone; nothing may be missing."""
    now = transferred(zone)
    assert before <= now
    return now - before


def test_a_foreign_set_gets_ours_beside_it_once_for_all_names_and_keeps_its_ttl(zones: Zones) -> None:
    before = transferred("foreign.test")
    found = ask(zones, "foreign.test", "www.foreign.test", "*.foreign.test")
    assert {codes(one)[0] for one in found.values()} == {""}
    assert codes(found["foreign.test"])[1] == ["caa_added"]
    assert added("foreign.test", before) == {("foreign.test.", 900, 'CAA 0 issue "ca.test"')}
    assert {str(record) for record in found["www.foreign.test"].steps[-1].records} == {
        '0 issue "other.example"', '0 issue "ca.test"'
    }
    assert [(one.zone, one.provider) for one in kept.left(kept.CAA)] == [("foreign.test", "testca")]
    assert codes(ask(zones, "foreign.test")["foreign.test"]) == ("", [])


def test_an_apex_and_its_wildcard_get_two_records_at_most(zones: Zones) -> None:
    before = transferred("both.test")
    found = ask(zones, "both.test", "www.both.test", "*.both.test")
    assert all(one.finding is None for one in found.values())
    assert {text for _, _, text in added("both.test", before)} == {'CAA 0 issue "ca.test"', 'CAA 0 issuewild "ca.test"'}


@pytest.mark.parametrize("zone", ["quoted.test", "oldform.test"])
def test_forms_of_a_zone_file_are_all_read(zones: Zones, zone: str) -> None:
    before = transferred(zone)
    assert codes(ask(zones, zone)[zone]) == ("", ["caa_added"])
    assert {text for _, _, text in added(zone, before)} == {'CAA 0 issue "ca.test"'}


def test_what_allows_in_another_form_is_left_as_it_is(zones: Zones) -> None:
    before = transferred("ours.test")
    assert codes(ask(zones, "ours.test")["ours.test"]) == ("", [])
    assert transferred("ours.test") == before


def test_behind_a_cname_the_record_goes_where_the_set_stands(zones: Zones) -> None:
    before, elsewhere = transferred("alias.test"), transferred("elsewhere.test")
    found = ask(zones, "www.alias.test", "out.alias.test")
    assert found["www.alias.test"].finding is None
    assert {(owner, text) for owner, _, text in added("alias.test", before)} == {
        ("target.alias.test.", 'CAA 0 issue "ca.test"')
    }
    assert codes(found["out.alias.test"])[0] == "caa_forbids"
    assert found["out.alias.test"].record == 'elsewhere.test. CAA 0 issue "ca.test"'
    assert transferred("elsewhere.test") == elsewhere


@pytest.mark.parametrize(
    ("name", "zone", "code", "record"),
    [
        ("nobody.test", "nobody.test", "caa_forbids_everyone", 'nobody.test. CAA 0 issue "ca.test"'),
        ("*.nowild.test", "nowild.test", "caa_forbids_everyone", 'nowild.test. CAA 0 issuewild "ca.test"'),
        ("critical.test", "critical.test", "caa_critical", ""),
        ("any.star.test", "star.test", "caa_forbids", '*.star.test. CAA 0 issue "ca.test"'),
        ("a.b.star.test", "star.test", "caa_forbids", '*.star.test. CAA 0 issue "ca.test"'),
    ],
)
@pytest.mark.parametrize("mode", [CaaMode.WHEN_NEEDED, CaaMode.ALWAYS])
def test_what_may_not_be_touched_stays_and_the_record_is_told(
    zones: Zones, name: str, zone: str, code: str, record: str, mode: CaaMode
) -> None:
    before = transferred(zone)
    found = ask(zones, name, mode=mode)[name]
    assert found.finding is not None and (found.finding.code, found.record) == (code, record)
    assert "Not added by itself" in found.finding.text
    assert transferred(zone) == before


def test_a_parameter_that_is_given_twice_gets_one_that_can_be_met(zones: Zones) -> None:
    before = transferred("twice.test")
    assert codes(ask(zones, "twice.test")["twice.test"]) == ("", ["caa_added"])
    assert {text for _, _, text in added("twice.test", before)} == {f'CAA 0 issue "ca.test; accounturi={NEW}"'}


def test_a_preview_writes_nothing_and_says_what_would_be_added(zones: Zones) -> None:
    before = transferred("reset.test")
    found = ask(zones, "reset.test", act=False)["reset.test"]
    assert codes(found) == ("", ["caa_would_add"])
    assert 'reset.test. CAA 0 issue "ca.test" would be added' in found.remarks[0].text
    assert transferred("reset.test") == before and not kept.known(Record("reset.test", "CAA", '0 issue "ca.test"'))


def test_never_adds_nothing_and_neither_does_a_host_without_the_zone(zones: Zones) -> None:
    before = transferred("fixed.test")
    for served, mode in ((zones, CaaMode.WHEN_NEEDED), (zones, CaaMode.NEVER), (NO_ZONES, CaaMode.ALWAYS)):
        found = ask(served, "fixed.test", mode=mode)["fixed.test"]
        assert (codes(found)[0], found.record) == ("caa_forbids", 'fixed.test. CAA 0 issue "ca.test"')
    assert transferred("fixed.test") == before


def test_a_backend_that_fails_is_told_with_the_record_to_add_and_nothing_is_left(zones: Zones) -> None:
    run("rndc", "freeze", "frozen.test")
    before = transferred("frozen.test")
    found = ask(zones, "frozen.test", "www.frozen.test")
    for one in found.values():
        assert one.finding is not None and one.finding.code == "zone_update_refused"
        assert one.record == 'frozen.test. CAA 0 issue "ca.test"' and one.record in one.finding.text
    assert transferred("frozen.test") == before
    run("rndc", "thaw", "frozen.test")
    assert ask(zones, "frozen.test")["frozen.test"].finding is None
    assert {text for _, _, text in added("frozen.test", before)} == {'CAA 0 issue "ca.test"'}


def test_a_static_zone_behind_a_key_is_told_as_what_it_is(zones: Zones) -> None:
    before = transferred("static.test")
    found = ask(zones, "static.test")["static.test"]
    assert codes(found)[0].startswith("zone_update_") and found.record == 'static.test. CAA 0 issue "ca.test"'
    assert transferred("static.test") == before


def test_always_adds_the_first_record_of_a_zone_once_and_says_what_that_means(zones: Zones) -> None:
    assert codes(ask(zones, "bare.test")["bare.test"]) == ("", [])
    before = transferred("bare.test")
    found = ask(zones, "www.bare.test", "bare.test", mode=CaaMode.ALWAYS)
    assert [codes(one) for one in found.values()] == [("", ["caa_only_ours"]), ("", [])]
    assert added("bare.test", before) == {("bare.test.", 3600, 'CAA 0 issue "ca.test"')}
    _update("bare.test", 'update delete bare.test. CAA 0 issue "ca.test"')
    assert codes(ask(zones, "bare.test", mode=CaaMode.ALWAYS)["bare.test"]) == ("", [])
    assert transferred("bare.test") == before
    _update("bare.test", 'update add bare.test. 300 CAA 0 issue "other.example"')
    assert codes(ask(zones, "bare.test")["bare.test"]) == ("", ["caa_added"])


def test_always_stands_beside_a_set_that_says_nothing_of_issuing(zones: Zones) -> None:
    before = transferred("mailonly.test")
    assert codes(ask(zones, "mailonly.test", mode=CaaMode.ALWAYS)["mailonly.test"]) == ("", ["caa_only_ours"])
    assert {text for _, _, text in added("mailonly.test", before)} == {'CAA 0 issue "ca.test"'}


def test_a_record_of_a_former_account_is_replaced_and_stays_its_owner_s(zones: Zones) -> None:
    before = transferred("former.test")
    elsewhere = ask(NO_ZONES, "former.test")["former.test"]
    wanted = f'0 issue "ca.test; accounturi={NEW}; validationmethods=http-01"'
    assert (codes(elsewhere)[0], elsewhere.record) == ("caa_account_changed", f"former.test. CAA {wanted}")
    assert codes(ask(zones, "former.test", act=False)["former.test"]) == ("", ["caa_would_renew"])
    assert transferred("former.test") == before
    assert codes(ask(zones, "former.test")["former.test"]) == ("", ["caa_renewed"])
    changed = {text for _, _, text in transferred("former.test") ^ before}
    assert changed == {f"CAA {wanted}", f"CAA {wanted.replace(NEW, OLD)}"}
    assert not kept.known(Record("former.test", "CAA", wanted))


def test_a_record_that_we_put_names_the_new_account_before_the_next_order(
    zones: Zones, tmp_path: Path
) -> None:
    _update("reset.test", f'update add reset.test. 300 CAA 0 issue "ca.test; accounturi={OLD}x"')
    ask(zones, "reset.test", issuer=Issuer(("ca.test",), OLD, "testca"))
    before = {text for _, _, text in transferred("reset.test")}
    assert f'CAA 0 issue "ca.test; accounturi={OLD}"' in before
    models.Provider.create(
        name="testca", plugin="custom", account_url=NEW, former_accounts=f'["{OLD}"]', added_at=now()
    )
    config = tmp_path / "config.toml"
    config.write_text(f'[dns]\nresolvers = ["{bind.ADDRESS}"]\n')
    assert [one.code for one in caa_accounts.renew(load(config), zones)] == ["caa_renewed"]
    after = {text for _, _, text in transferred("reset.test")}
    assert after ^ before == {f'CAA 0 issue "ca.test; accounturi={account}"' for account in (OLD, NEW)}
    assert kept.known(Record("reset.test", "CAA", f'0 issue "ca.test; accounturi={NEW}"'))
    assert caa_accounts.renew(load(config), zones) == []


def test_a_name_server_that_shows_the_old_zone_is_waited_for(
    zones: Zones, second: bind.SecondServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caa_changes, "LONGEST_WAIT", 0.5)
    before = transferred("stale.test")
    found = ask(zones, "stale.test")["stale.test"]
    assert found.finding is not None and found.finding.code == "caa_not_everywhere"
    assert bind.SECOND_ADDRESS in found.finding.text
    assert {text for _, _, text in added("stale.test", before)} == {'CAA 0 issue "ca.test"'}
    second.catch_up("stale.test")
    assert ask(zones, "stale.test")["stale.test"].finding is None


def _update(zone: str, *lines: str) -> None:
    """As somebody else would change it."""
    script = Path("/run/update")
    script.write_text("\n".join([f"server {bind.ADDRESS}", f"zone {zone}", *lines, "send", ""]))
    run("nsupdate", "-k", "/etc/bind/autossl.key", str(script))
