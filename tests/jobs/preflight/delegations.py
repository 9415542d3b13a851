"""A small Internet of real BINDs in a private host: a signed root and `test`, zones below it that are served well or
badly, and the host's resolver, which checks signatures."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jobs.demo.daemons.starting import only_inside, run, start, until

RESOLVER, UPPER, LOWER, SILENT = "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.9"
"""The resolver; the server of the root and of `test`; that of the zones below; one where nobody is."""

_FOLDER = Path("/var/lib/bind/internet")
_HEAD = "$TTL 60\n@ SOA ns.{zone} root.{zone} 1 60 60 60 60\n@ NS ns.{zone}\nns.{zone} A {address}\n"
_CONFIG = """options {{
	directory "{folder}"; pid-file "{folder}/{name}.pid"; session-keyfile "{folder}/{name}.key";
	managed-keys-directory "{folder}"; listen-on port 53 {{ {address}; }}; listen-on-v6 {{ none; }};
	empty-zones-enable no; notify no; {options}
}};
controls {{ }};
"""


@dataclass(frozen=True)
class Zone:
    """A zone below `test` with `www`. `servers`: the addresses of those that it is delegated to. `signed`: for so long
    from now, None if it isn't; `ds`: whose key's digest stands in `test`: "its own", "another" or "none"."""

    name: str
    servers: Sequence[str] = (LOWER,)
    signed: timedelta | None = None
    ds: str = "none"
    loaded: bool = True
    broken: bool = False


def start_internet(zones: Iterable[Zone]) -> None:
    """Serve them all, and wait until the resolver answers."""
    only_inside()
    _FOLDER.mkdir(mode=0o755)
    rows, served = [], []
    for zone in zones:
        file = _write(f"{zone.name}.test", LOWER, ["www A 192.0.2.1\n", "alias CNAME www\n"])
        if zone.broken:
            file.write_text("this is no zone file\n")
        digests = {"none": ""}
        if zone.signed:
            file, digests["its own"] = _signed(file, f"{zone.name}.test", zone.signed)
        if zone.ds != "none":
            digests["another"] = _digest(_key(f"{zone.name}.test"))
        rows += [f"{zone.name} NS ns{number}.{zone.name}\n" for number in range(len(zone.servers))]
        rows += [f"ns{number}.{zone.name} A {address}\n" for number, address in enumerate(zone.servers)]
        rows.append(digests[zone.ds])
        if zone.loaded:
            served.append((f"{zone.name}.test", file))
    upper, digest = _signed(_write("test", UPPER, rows), "test", timedelta(days=9))
    delegated = [f"test NS ns.test.\nns.test A {UPPER}\n", digest]
    root, anchor = _signed(_write("", UPPER, delegated), ".", timedelta(days=9))
    _serve("upper", UPPER, "recursion no; dnssec-validation no;", [("test", upper), (".", root)])
    _serve("lower", LOWER, "recursion no; dnssec-validation no;", served)
    _resolve(anchor)


def _resolve(anchor: str) -> None:
    (_FOLDER / "hints").write_text(f". 60 NS ns.test.\nns.test. 60 A {UPPER}\n")
    tag, algorithm, kind, *digest = anchor.split()[anchor.split().index("DS") + 1 :]
    trust = f'trust-anchors {{ . static-ds {tag} {algorithm} {kind} "{"".join(digest)}"; }};\n'
    hints = f'zone "." {{ type hint; file "{_FOLDER}/hints"; }};\n'
    options = f"recursion yes; dnssec-validation yes; allow-recursion {{ {RESOLVER}; }}; resolver-query-timeout 3000;"
    _start("resolver", RESOLVER, options, trust + hints)


def _serve(name: str, address: str, options: str, zones: Iterable[tuple[str, Path]]) -> None:
    parts = (f'zone "{zone}" {{ type primary; file "{file}"; }};\n' for zone, file in zones)
    _start(name, address, options, "".join(parts))


def _start(name: str, address: str, options: str, rest: str) -> None:
    config = _FOLDER / f"{name}.conf"
    config.write_text(_CONFIG.format(folder=_FOLDER, name=name, address=address, options=options) + rest)
    for path in (_FOLDER, *_FOLDER.iterdir()):
        shutil.chown(path, "bind", "bind")
    if address != RESOLVER:  # named listens only at addresses that an interface has
        run("ip", "addr", "add", f"{address}/8", "dev", "lo")
    process = start(name, ["named", "-g", "-u", "bind", "-c", str(config)])
    asked = ["dig", "+short", "+time=1", "+tries=1", f"@{address}", ".", "SOA"]
    until(f"the name server at {address}", lambda: _answers(asked), lambda: process.poll() is not None)


def _answers(asked: Sequence[str]) -> bool:
    return subprocess.run(asked, capture_output=True, check=False, timeout=10).returncode == 0


def _write(zone: str, address: str, rows: Iterable[str]) -> Path:
    file = _FOLDER / f"{zone or 'root'}.db"
    file.write_text("".join([_HEAD.format(zone=f"{zone}." if zone else "", address=address), *rows]))
    return file


def _signed(file: Path, zone: str, lasts: timedelta) -> tuple[Path, str]:
    """The signed zone and the DS record of its key."""
    key, now = _key(zone), datetime.now(UTC)
    begins, ends = (f"{moment:%Y%m%d%H%M%S}" for moment in (now - timedelta(days=30), now + lasts))
    signed, public = file.with_suffix(".signed"), key.with_name(f"{key.name}.key").read_text()
    file.write_text(f"{file.read_text()}{public}")
    where = ("-K", str(_FOLDER), "-d", str(_FOLDER), "-f", str(signed), "-o", zone)
    run("dnssec-signzone", "-z", "-P", "-s", begins, "-e", ends, *where, str(file), key.name)
    return signed, _digest(key)


def _key(zone: str) -> Path:
    return _FOLDER / run("dnssec-keygen", "-q", "-K", str(_FOLDER), "-a", "ECDSAP256SHA256", "-f", "KSK", zone).strip()


def _digest(key: Path) -> str:
    return run("dnssec-dsfromkey", "-2", f"{key}.key")
