"""Publishes a changed zone file, proves it by what named serves afterwards, and puts the former file back otherwise.

named says of a reload that it is queued, and goes on serving the old zone when the file can't be loaded. So nothing is
believed but the serial number and the record that it serves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import dns.rdata

from jobs import privileged
from jobs.dns_backends.system.settling import settled
from jobs.dns_backends.system.values import means, value_of
from jobs.dns_backends.system.zone_before import ENCODING, Before, Target, listing
from jobs.policy import zone_file, zone_listing
from jobs.policy.failure import Failure
from jobs.policy.named_conf import Zone
from jobs.policy.zone_listing import Listed
from jobs.policy.zone_serial import is_later, next_serial
from jobs.ports import Record


@dataclass(frozen=True)
class Change:
    """What shall be different: `value` there, or not. `ttl`: of the set, where the value is added."""

    record: Record
    value: dns.rdata.Rdata
    present: bool
    ttl: int = 0


def publish(target: Target, before: Before, text: str, change: Change) -> None:
    """Give `text` the next serial number, write it, and see it served. Raises Failure; the zone is as before then."""
    serial = next_serial(before.serial, datetime.now(UTC))
    content = _with_serial(target.zone, text, serial)
    _refuse_side_effects(target.zone, before, content, change)
    try:
        privileged.publish_zone_file(before.file, content)
        privileged.zone_reload(target.zone.name, target.zone.view, target.rndc_key)
        trouble = settled(target.wait, lambda: _trouble(target, before, serial, change))
        if trouble is not None:
            raise trouble
    except BaseException as error:  # a stop as well must leave nothing half-done
        words = _put_back(target, before, content, serial)
        if not isinstance(error, Failure):
            raise
        raise Failure(error.code, f"{error.detail}. {words}", permanent=error.permanent) from error


def shown(target: Target, change: Change) -> bool:
    """Whether named answers as the change wants it."""
    found = target.server.look(change.record.name, change.record.kind)
    return any(means(one, change.value) for one in found.values) is change.present


def _with_serial(zone: Zone, text: str, serial: int) -> bytes:
    try:
        soa = zone_file.soa(zone_file.entries(text, zone.name), zone.name)
        return zone_file.with_serial(text, soa, serial).encode(ENCODING)
    except ValueError as error:
        raise Failure("zone_file_unsupported", f"{zone.name}: {zone.file}: {error}", permanent=True) from error


def _refuse_side_effects(zone: Zone, before: Before, content: bytes, change: Change) -> None:
    """By named's own reading the two texts differ in that value and nothing else."""
    after = listing(zone, content, "zone_check_failed")
    ignored = None if change.present else (change.record.name, change.record.kind)
    gone, new = zone_listing.difference(before.records, after, zone.name, ignored)
    moved, others = (new, gone) if change.present else (gone, new)
    if others or not moved or not all(_is(one, change) for one in moved) or len(new) > 1:
        words = f"{zone.name}: with this change {zone.file} would differ in more than one value: "
        words += f"{_listed(gone)} gone, {_listed(new)} new; nothing was written"
        raise Failure("zone_check_failed", words)


def _is(listed: Listed, change: Change) -> bool:
    record = change.record
    same = (listed.owner, listed.kind) == (record.name, record.kind) and change.ttl in (0, listed.ttl)
    return same and means(value_of(listed.kind, listed.value), change.value)


def _listed(records: list[Listed]) -> str:
    return ", ".join(f"{one.owner} {one.kind}" for one in records[:4]) or "nothing"


def _trouble(target: Target, before: Before, serial: int, change: Change) -> Failure | None:
    """What is not yet served; None when all is. With inline signing, the serial number of the unsigned zone is known to
    rndc only, and what is served has a later one than before."""
    zone, served = target.zone, 0
    try:
        if before.signed:
            said = privileged.zone_status(zone.name, zone.view, target.rndc_key).get("serial", "")
            loaded = said == str(serial)
            served = target.server.serial(zone.name) if loaded else 0
            right = loaded and is_later(served, before.shown)
        else:
            served = target.server.serial(zone.name)
            right = served == serial
        if not right:
            words = f"named was told to reload {zone.file} with the serial number {serial}, and after "
            words += f"{target.wait:g} s {target.server} still serves {served or before.shown}; named's log says why"
            return Failure("zone_change_not_served", f"{zone.name}: {words}")
        if not shown(target, change):
            words = f"{target.server} serves the new serial number, but {change.record.name} {change.record.kind} "
            words += "does not show the value" if change.present else "shows the value still"
            return Failure("zone_change_not_served", f"{zone.name}: {words}")
    except Failure as failure:
        return failure
    return None


def _put_back(target: Target, before: Before, content: bytes, serial: int) -> str:
    """Put the former file back, byte for byte, and see it served; what was done, in words.

    Once named has loaded our serial number, other servers may have it, and named itself may refuse an earlier one: then
    the former content gets a later one. Raises Failure("zone_not_restored").
    """
    zone, expected, former, taken = target.zone, before.serial, before.file.content, _loaded(target) == serial
    if taken:
        expected = next_serial(serial, datetime.now(UTC))
        former = _with_serial(zone, before.text, expected)
    try:
        present = privileged.read_zone_file(before.file.path)
        if present.content != content:
            return "Nothing was written" if present == before.file else "The file is as somebody else has written it"
        privileged.publish_zone_file(present, former)
    except Failure as failure:
        words = f"{zone.name}: the former content of {zone.file} could not be put back: {failure.detail}"
        raise Failure("zone_not_restored", words, permanent=True) from failure
    trouble = _reloaded(target, expected)
    if trouble is None:
        return "The former file was put back" + (f", with the serial number {expected}" if taken else "")
    words = f"The former file was put back, but named can't be seen to have loaded it: {trouble.detail}"
    if taken:
        raise Failure("zone_not_restored", f"{zone.name}: {zone.file}: {words}", permanent=True)
    return words


def _reloaded(target: Target, serial: int) -> Failure | None:
    """Have the file loaded, and see its serial number; None when it is so."""
    try:
        privileged.zone_reload(target.zone.name, target.zone.view, target.rndc_key)
    except Failure as failure:
        return failure
    return settled(target.wait, lambda: _not_loaded(target, serial))


def _loaded(target: Target) -> int | None:
    """The serial number that named has loaded, as far as it says so."""
    try:
        said = privileged.zone_status(target.zone.name, target.zone.view, target.rndc_key).get("serial", "")
    except Failure:
        return None
    return int(said) if said.isdigit() else None


def _not_loaded(target: Target, serial: int) -> Failure | None:
    loaded = _loaded(target)
    if loaded == serial:
        return None
    return Failure("zone_change_not_served", f"expected the serial number {serial}, named has {loaded or 'none'}")
