"""BIND as Debian has it, authoritative for the test zones, and answering NXDOMAIN at once for the rest of the world."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jobs.demo.daemons.starting import only_inside, run, start
from jobs.demo.inside import PUBLIC_ADDRESS

ADDRESS, PORT = "127.0.0.1", 53
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
}};
"""
_NO_WORLD = """zone "." {
	type primary;
	file "/etc/bind/db.nothing";
};
"""
_HEAD = "$TTL 300\n@ IN SOA ns.bench.test. admin.bench.test. {serial} 3600 600 86400 60\n@ IN NS ns.bench.test.\n"


@dataclass(frozen=True)
class Zone:
    """`records`: as in a zone file, for instance `("www", "A", "127.0.0.1")`. `dynamic`: changed by RFC 2136 only."""

    name: str
    records: Sequence[tuple[str, str, str]] = ()
    dynamic: bool = False

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


def start_bind(zones: Sequence[Zone]) -> Bind:
    """Serve `zones` and `bench.test` (name server and host names of the bench itself) on port 53."""
    only_inside()
    own = Zone("bench.test", [("ns", "A", ADDRESS), *((label, "A", PUBLIC_ADDRESS) for label in ("@", "panel"))])
    everything = [own, *zones]
    secret = _keys()
    (_ETC / "named.conf.options").write_text(_OPTIONS, encoding="utf-8")
    (_ETC / "named.conf.default-zones").write_text(_NO_WORLD, encoding="utf-8")
    nothing = Zone(".", [("ns.bench.test.", "A", ADDRESS)])
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
    path = _ZONES / f"{zone.name}.db"
    path.write_text(zone.text(), encoding="utf-8")
    shutil.chown(path, "bind", "bind")


def _clause(zone: Zone) -> str:
    policy = f"\tupdate-policy {{ grant {TSIG_NAME} zonesub TXT CAA; }};\n" if zone.dynamic else ""
    return f'zone "{zone.name}" {{\n\ttype primary;\n\tfile "{_ZONES}/{zone.name}.db";\n{policy}}};\n'
