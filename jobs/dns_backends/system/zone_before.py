"""The zone before a change: its file can be loaded, is what named has loaded and serves, and is nobody else's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

from jobs import privileged
from jobs.dns_backends.system.nameserver import Nameserver
from jobs.policy import zone_listing
from jobs.policy.failure import Failure
from jobs.policy.named_conf import Zone
from jobs.policy.zone_listing import Listed
from jobs.privileged import ZoneFile

ENCODING = "iso-8859-1"
"""Every byte is one sign and comes back as it was."""


@dataclass(frozen=True)
class Target:
    """A zone and how its named is spoken to. `wait`: seconds in which a reload has to be served."""

    zone: Zone
    server: Nameserver
    rndc_key: str
    wait: float


@dataclass(frozen=True)
class Before:
    """The zone before a change, when file and named agree. `shown`: the serial number that is served; with inline
    signing that is a later one than the file's. `signed`: by inline signing."""

    file: ZoneFile
    text: str
    records: tuple[Listed, ...]
    serial: int
    shown: int
    signed: bool


def look(target: Target) -> Before:
    """The zone as it stands. Raises Failure unless the file can be loaded, is what named has loaded, and is static."""
    zone = target.zone
    status = privileged.zone_status(zone.name, zone.view, target.rndc_key)
    signed = status.get("inline signing") == "yes"
    _refuse_dynamic(zone, status, signed)
    file = privileged.read_zone_file(Path(zone.file))
    records = listing(zone, file.content, "zone_broken_before")
    serial = zone_listing.serial(records, zone.name)
    _refuse_pending(zone, file, status, serial, signed)
    if any(record.kind == "RRSIG" for record in records):
        words = f"{zone.name}: {zone.file} is signed already, and a change would break its signatures"
        raise Failure("zone_file_unsupported", words, permanent=True)
    shown = target.server.serial(zone.name)
    if not signed and shown != serial:
        words = f"{zone.name}: {target.server} serves the serial number {shown}, and named has loaded {serial}"
        raise Failure("zone_served_differently", words)
    return Before(file, file.content.decode(ENCODING), records, serial, shown, signed)


def _refuse_dynamic(zone: Zone, status: dict[str, str], signed: bool) -> None:
    """named alone knows for sure. With inline signing or ixfr-from-differences it keeps a journal of a static file too;
    any other journal holds changes that the file doesn't have."""
    words = ""
    if status.get("dynamic") != "no":
        words = "named takes dynamic updates for it" + (", and it is frozen" if status.get("frozen") == "yes" else "")
    elif not signed and not zone.journal and Path(f"{zone.file}.jnl").exists():
        words = f"there is a journal of dynamic updates, {zone.file}.jnl"
    if words:
        raise Failure("zone_is_dynamic", f"{zone.name}: its file is not edited, because {words}", permanent=True)


def _refuse_pending(zone: Zone, file: ZoneFile, status: dict[str, str], serial: int, signed: bool) -> None:
    """Somebody's edit that named has not loaded yet is not ours to publish. Where the signed zone is what named speaks
    of, the time is that one's."""
    said = status.get("serial", "")
    if said != str(serial):
        words = f"{zone.name}: {zone.file} has the serial number {serial}, and named has loaded {said or 'none'}"
        raise Failure("zone_edit_pending", words)
    try:
        loaded = parsedate_to_datetime(status.get("last loaded", "")).timestamp()
    except ValueError:
        return
    if not signed and file.changed_ns / 1e9 > loaded + 1:
        words = f"{zone.name}: {zone.file} was written after named last loaded it ({status['last loaded']})"
        raise Failure("zone_edit_pending", words)


def listing(zone: Zone, content: bytes, code: str) -> tuple[Listed, ...]:
    """The records of a file by named's own reading. Raises Failure(code) for what it would not load."""
    try:
        text = privileged.zone_listing(zone.name, Path(zone.file), content, zone.directory, zone.integrity)
        return zone_listing.listed(text)
    except Failure as failure:
        if failure.code != "zone_check_failed":
            raise
        raise Failure(code, failure.detail) from failure
    except ValueError as error:
        raise Failure(code, f"{zone.name}: named-checkzone's listing of {zone.file}: {error}") from error
