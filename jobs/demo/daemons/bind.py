"""BIND as Debian has it, authoritative for the test zones, and answering NXDOMAIN at once for the rest of the world."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import dns.flags
import dns.message
import dns.query

from jobs.demo.daemons.starting import only_inside, run, start, until
from jobs.demo.inside import PUBLIC_ADDRESS

ADDRESS, PORT = "127.0.0.1", 53
SECOND_ADDRESS, SECOND_IPV6 = PUBLIC_ADDRESS, "::1"
TSIG_NAME = "autossl"
_ETC, _ZONES = Path("/etc/bind"), Path("/var/lib/bind")

_OPTIONS = f"""options {{
	directory "/var/cache/bind";
	listen-on port {PORT} {{ {ADDRESS}; }};
	listen-on-v6 {{ none; }};
	recursion yes;
	allow-recursion {{ {ADDRESS}; }};
	dnssec-validation no;
	empty-zones-enable no;
	notify no;
	max-cache-ttl 0;
	max-ncache-ttl 0;
}};
"""
_NO_WORLD = """zone "." {
	type primary;
	file "/etc/bind/db.nothing";
};
"""
_SECOND = """options {{
	directory "/var/cache/bind";
	pid-file "/run/named/second.pid";
	session-keyfile "/run/named/second.key";
	managed-keys-directory "/run/named";
	listen-on port {port} {{ {address}; }};
	listen-on-v6 port {port} {{ {ipv6}; }};
	recursion no;
	dnssec-validation no;
	notify no;
}};
include "/etc/bind/rndc.key";
controls {{ inet 127.0.0.1 port {control} allow {{ 127.0.0.1; }} keys {{ "rndc-key"; }}; }};
"""
_SECONDARY = """zone "{name}" {{
	type secondary;
	primaries {{ {address}; }};
}};
"""
_SECOND_CONTROL = 954
_HEAD = "$TTL 300\n@ IN SOA ns.bench.test. admin.bench.test. {serial} 3600 600 86400 60\n@ IN NS ns.bench.test.\n"


@dataclass(frozen=True)
class Zone:
    """`records`: as in a zone file, for instance `("www", "A", "127.0.0.1")`. `dynamic`: changed by RFC 2136 only.
    `clauses`: further statements for the configuration."""

    name: str
    records: Sequence[tuple[str, str, str]] = ()
    dynamic: bool = False
    clauses: str = ""

    @property
    def file(self) -> Path:
        return _ZONES / f"{self.name}.db"

    def text(self) -> str:
        """The zone file, with a serial number that grows with the clock (a hundredth of a second each, modulo 2^32)."""
        serial = time.time_ns() // 10_000_000 % 2**32
        rows = [f"{label} IN {kind} {value}\n" for label, kind, value in self.records]
        return "".join([_HEAD.format(serial=serial), *rows])


@dataclass(frozen=True)
class Bind:
    """A running BIND. `keys`: the TSIG secrets that may change dynamic zones, base64, by name."""

    process: subprocess.Popen[bytes]
    keys: Mapping[str, str] = field(repr=False)

    def write(self, zone: Zone) -> None:
        """Give a zone another content; a running server takes it over at once."""
        _write_zone(zone)
        run("rndc", "reload", zone.name)

    def second_server(self, names: Sequence[str]) -> SecondServer:
        """Start another BIND at SECOND_ADDRESS (`ns2.bench.test`) and SECOND_IPV6, a secondary for these zones that is
        never notified: what changes at the first one is stale there until `catch_up`."""
        zones = "".join(_SECONDARY.format(name=name, address=ADDRESS) for name in names)
        config = _ETC / "second.conf"
        where = {"address": SECOND_ADDRESS, "ipv6": SECOND_IPV6, "port": PORT, "control": _SECOND_CONTROL}
        config.write_text(_SECOND.format(**where) + zones)
        process = start("bind-second", ["named", "-g", "-u", "bind", "-c", str(config)], [_SECOND_CONTROL])
        second = SecondServer(process)
        for name in names:
            second.wait_for(name)
        return second


@dataclass(frozen=True)
class SecondServer:
    """A second authoritative server for some zones."""

    process: subprocess.Popen[bytes]

    def catch_up(self, zone: str) -> None:
        """Transfer the zone, and wait until it is served as at the first server."""
        run("rndc", "-p", str(_SECOND_CONTROL), "retransfer", zone)
        self.wait_for(zone)

    def wait_for(self, zone: str) -> None:
        """Until the zone is served as at the first server. At the start without `catch_up`, for BIND carries that out
        half a second later, when something else may have changed."""
        until(f"{zone} at the second server", lambda: served(zone, SECOND_ADDRESS) == served(zone, ADDRESS))


def served(zone: str, address: str = ADDRESS) -> int | None:
    """The serial number of a zone as it is served, None when it is not."""
    question = dns.message.make_query(zone, "SOA")
    question.flags &= ~dns.flags.RD
    found = dns.query.udp(question, address, timeout=5, port=PORT).answer
    return found[0][0].serial if found else None


def start_bind(zones: Sequence[Zone], elsewhere: Mapping[str, str] = MappingProxyType({})) -> Bind:
    """Serve `zones` and `bench.test` (name server and host names of the bench itself) on port 53.

    `elsewhere`: zones that another server has, each with its address; who asks this one is answered by asking there.
    """
    only_inside()
    servers = [("ns", "A", ADDRESS), ("ns2", "A", SECOND_ADDRESS)]
    own = Zone("bench.test", [*servers, *((label, "A", PUBLIC_ADDRESS) for label in ("@", "panel"))])
    everything = [own, *zones]
    secret = _keys()
    (_ETC / "named.conf.options").write_text(_OPTIONS, encoding="utf-8")
    (_ETC / "named.conf.default-zones").write_text(_NO_WORLD, encoding="utf-8")
    glue = [(f"ns.{name}.", "A", address) for name, address in elsewhere.items()]
    delegations = [(f"{name}.", "NS", f"ns.{name}.") for name in elsewhere]
    nothing = Zone(".", [("ns.bench.test.", "A", ADDRESS), *delegations, *glue])
    (_ETC / "db.nothing").write_text(nothing.text(), encoding="utf-8")
    for zone in everything:
        _write_zone(zone)
    local = 'include "/etc/bind/autossl.key";\n' + "".join(_clause(zone) for zone in everything)
    (_ETC / "named.conf.local").write_text(local, encoding="utf-8")
    run("named-checkconf")
    Path("/run/named").mkdir(exist_ok=True)
    shutil.chown("/run/named", "bind", "bind")
    return Bind(start("bind", ["named", "-g", "-u", "bind"], [PORT, 953]), {TSIG_NAME: secret})


def _keys() -> str:
    """A TSIG key for updates, and rndc's key where the package made none."""
    text = run("tsig-keygen", "-a", "hmac-sha256", TSIG_NAME)
    key = _ETC / "autossl.key"
    key.touch(0o640)
    key.write_text(text, encoding="utf-8")
    shutil.chown(key, "root", "bind")
    if not (_ETC / "rndc.key").exists():
        run("rndc-confgen", "-a", "-A", "hmac-sha256", "-u", "bind")
    return text.partition('secret "')[2].partition('"')[0]


def _write_zone(zone: Zone) -> None:
    zone.file.write_text(zone.text(), encoding="utf-8")
    shutil.chown(zone.file, "bind", "bind")


def _clause(zone: Zone) -> str:
    policy = f"\tupdate-policy {{ grant {TSIG_NAME} zonesub TXT CAA; }};\n" if zone.dynamic else ""
    more = f"\t{zone.clauses}\n" if zone.clauses else ""
    return f'zone "{zone.name}" {{\n\ttype primary;\n\tfile "{zone.file}";\n{policy}{more}}};\n'
