"""PowerDNS.

The Authoritative Server (4.7 or later) by its HTTP API: `api=yes` and `api-key=...` in pdns.conf.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import dns.rdata

from jobs.dns_backends.system import Nameserver, address_of, held_by, means, rdata_of, zone_name
from jobs.dns_backends.system import powerdns_zone as shape
from jobs.dns_backends.system.http_api import HttpApi
from jobs.dns_backends.system.in_the_way import refuse_in_the_way
from jobs.dns_backends.system.powerdns_zone import Head, Zone
from jobs.dns_backends.system.settling import settled
from jobs.dns_backends.system.turns import turn
from jobs.policy.failure import Failure
from jobs.policy.zone_serial import is_later, next_serial
from jobs.ports import Place, Record

_NOBODY = "none"
_ID = re.compile(r"\A[A-Za-z0-9._=-]+\Z")
_TRIES = 3
"""A set that somebody else writes over is merged and written anew, so often."""


@dataclass(frozen=True)
class Options:
    """Switched off until an address and a key are given."""

    api_url: str = field(
        default="",
        metadata={
            "label": "API URL",
            "help": "Such as http://127.0.0.1:8081; of another host by https, for the key is sent along.",
        },
    )
    api_key: str = field(
        default="", repr=False, metadata={"label": "API key", "help": "As in pdns.conf.", "secret": True}
    )
    server_id: str = field(default="localhost", metadata={"label": "Server id", "help": "Nearly always localhost."})
    zones: tuple[str, ...] = field(
        default=(), metadata={"label": "Zones", "help": "Empty: every native or primary zone that the API lists."}
    )
    ca_bundle: str = field(
        default="",
        metadata={"label": "CA bundle", "help": "A PEM file to trust the API's https by. Empty: as this host does."},
    )
    server: str = field(
        default="",
        metadata={
            "label": "Address",
            "help": f"Where this PowerDNS answers DNS; asked for the proof. Empty: the host of the API URL. "
            f"`{_NOBODY}`: nobody is asked, and the API's word counts.",
        },
    )
    port: int = field(default=53, metadata={"label": "Port", "help": "Of DNS, at that address."})
    wait: int = field(
        default=30, metadata={"label": "Time for a change", "help": "Seconds in which DNS must show it (caches)."}
    )


class Backend:
    """The API can only replace a whole set. So it is read (all of the zone, for a part of it lacks the disabled
    records), merged and written in one go, and read again: what somebody else wrote over is written anew. His own
    change can still be lost if it falls between our reading and writing, a few milliseconds; the API has no way to
    make that impossible."""

    name = "powerdns"

    def __init__(self, options: Options, place: Place) -> None:
        self._options = options
        self._place = place

    def active(self) -> bool:
        return bool(self._options.api_url and self._options.api_key)

    def zone_for(self, name: str) -> str | None:
        """A name below a zone that is not ours (a secondary one) is not ours either."""
        zone = held_by(self._all, name)
        return zone if zone in self._ours else None

    def add(self, record: Record) -> None:
        value, head = rdata_of(record), self._head(record)
        with turn(self._place, head.name):
            before = self._zone(head)
            _refuse_in_the_way(before, record, value)
            if before.standing(record.name, record.kind, value):
                self._prove(record, value, True, "zone_served_differently")
                return
            self._refuse_unserved(head)
            try:
                self._write(head, record, value, True)
                self._prove(record, value, True, "zone_change_not_served")
            except BaseException as error:  # a stop as well must leave nothing half-done
                words = self._take_back(head, record, value, error)
                if not isinstance(error, Failure):
                    raise
                raise Failure(error.code, f"{error.detail}. {words}", permanent=error.permanent) from error

    def remove(self, record: Record) -> None:
        value, head = rdata_of(record), self._head(record)
        with turn(self._place, head.name):
            if self._zone(head).standing(record.name, record.kind, value):
                self._refuse_unserved(head)
                self._write(head, record, value, False)
                self._prove(record, value, False, "zone_change_not_served")

    # --- which zones

    @cached_property
    def _chosen(self) -> tuple[str, ...]:
        return tuple(zone_name(zone) for zone in self._options.zones)

    @cached_property
    def _ours(self) -> frozenset[str]:
        return frozenset(self._chosen or (name for name, head in self._known.items() if head.primary))

    @cached_property
    def _known(self) -> dict[str, Head]:
        """Every zone of the server, of which one that is not ours may lie below one that is. Raises Failure."""
        answer = self._api.ask("GET", self._path())
        if answer.refused:
            words = f"{self._api}, asked for the zones of {self._options.server_id}, answers HTTP {answer.status}"
            raise Failure("dns_backend_api_missing", f"{words}: {answer.said}")
        try:
            return shape.heads(answer.content)
        except ValueError as error:
            raise self._api.unreadable(f"the list of zones: {error}") from error

    @cached_property
    def _all(self) -> frozenset[str]:
        return frozenset((*self._known, *self._chosen))

    def _head(self, record: Record) -> Head:
        """The zone that holds the record's name, as it was listed. Raises Failure for one that may not be changed."""
        name = held_by(self._all, record.name)
        head = self._known.get(name or "")
        if name in self._chosen and head is None:
            raise Failure("zone_not_at_server", f"{name}: {self._api} lists no such zone")
        if head is None:
            words = f"{record.name}: no zone of powerdns holds it"
            raise Failure("zone_not_served", words, permanent=True)
        if self._chosen and name not in self._chosen:
            words = f"{record.name}: it is in the zone {name}, which powerdns may not change"
            raise Failure("zone_not_served", words, permanent=True)
        return head

    # --- the API

    @cached_property
    def _api(self) -> HttpApi:
        options = self._options
        url = options.api_url.strip().rstrip("/").removesuffix("/api/v1")
        if not _ID.match(options.server_id):
            words = f"powerdns: server id {options.server_id[:80]!r}: expected one such as localhost"
            raise Failure("option_invalid", words, permanent=True)
        return HttpApi(url, "X-API-Key", options.api_key.strip(), options.ca_bundle)

    def _path(self, head: Head | None = None, more: str = "") -> str:
        if head is not None and not _ID.match(head.id):
            raise self._api.unreadable(f"the zone {head.name} has an id that can't stand in a path")
        return f"/api/v1/servers/{self._options.server_id}/zones" + (f"/{head.id}{more}" if head else "")

    def _zone(self, head: Head) -> Zone:
        """The zone as it is now. PowerDNS takes changes of a secondary one too, and loses them with a transfer."""
        answer = self._api.ask("GET", self._path(head))
        if answer.refused:
            words = f"{self._api}, asked for the zone {head.name}, answers HTTP {answer.status}: {answer.said}"
            raise Failure("zone_not_at_server", words)
        try:
            zone = shape.zone(answer.content)
        except ValueError as error:
            raise self._api.unreadable(f"the zone {head.name}: {error}") from error
        if zone.head.name != head.name:
            raise self._api.unreadable(f"asked for the zone {head.name}, it answers with another one")
        if not zone.head.primary:
            words = f"{head.name}: in PowerDNS its kind is {zone.head.kind[:40]!r}, expected Native or Master"
            raise Failure("zone_not_primary", words, permanent=True)
        return zone

    def _change(self, head: Head, change: dict[str, Any]) -> None:
        """PowerDNS does it as a whole or not at all, and raises the serial number if the zone is set up so."""
        answer = self._api.ask("PATCH", self._path(head), {"rrsets": [change]})
        if answer.status == 404:
            raise Failure("zone_not_at_server", f"{self._api} has no zone {head.name} any more: {answer.said}")
        if answer.status == 422:
            words = f"{self._api}, told to change {change['name']} {change['type']}, refuses: {answer.said}"
            raise Failure("zone_change_refused", words, permanent=True)

    def _write(self, head: Head, record: Record, value: dns.rdata.Rdata, present: bool) -> None:
        """Until the set, as it is read again, has the value, or has it no more. Raises Failure."""
        owner, kind, first = record.name, record.kind, None
        for written in range(_TRIES + 1):
            now = self._zone(head)
            standing, found = now.standing(owner, kind, value), now.record_set(owner, kind)
            if bool(standing) is present:
                if first is not None:
                    self._publish(now, first)
                return
            if written == _TRIES:
                break
            first = now.serial if first is None else first
            if present:
                _refuse_in_the_way(now, record, value)
                self._change(head, shape.with_value(found, owner, kind, value.to_text(), record.ttl))
            else:
                self._change(head, shape.without(found, owner, kind, standing))
        words = f"{owner} {kind}: somebody else wrote the set {_TRIES} times while it was changed here"
        raise Failure("zone_changed_meanwhile", words)

    def _publish(self, now: Zone, before: int) -> None:
        """Secondary servers look at the serial number, which PowerDNS leaves alone where SOA-EDIT-API is not set for
        the zone (pdnsutil sets none) or is none that it knows; and it notifies them once a minute unless it is told."""
        if not is_later(now.serial, before):
            try:
                change = shape.with_serial(now, next_serial(before, datetime.now(UTC)))
            except ValueError as error:
                raise self._api.unreadable(f"the zone {now.head.name}: {error}") from error
            self._change(now.head, change)
        if now.head.notifying:
            self._api.ask("PUT", self._path(now.head, "/notify"))

    def _take_back(self, head: Head, record: Record, value: dns.rdata.Rdata, cause: BaseException) -> str:
        """What was done, in words. Raises Failure("zone_not_restored")."""
        try:
            self._write(head, record, value, False)
        except Failure as failure:
            words = f"{getattr(cause, 'detail', cause)}. Taking it back: {failure.detail}"
            raise Failure("zone_not_restored", f"{head.name}: {record.name} {record.kind}: {words}") from failure
        return "The set is as before"

    # --- the proof

    @cached_property
    def _server(self) -> Nameserver | None:
        options = self._options
        if options.server.strip().lower() == _NOBODY:
            return None
        return Nameserver(address_of(options.server.strip() or self._api.host, options.port), options.port)

    def _refuse_unserved(self, head: Head) -> None:
        """Raises Failure where no proof would be possible afterwards."""
        if self._server is not None:
            self._server.serial(head.name)

    def _prove(self, record: Record, value: dns.rdata.Rdata, present: bool, code: str) -> None:
        if self._server is not None:
            server = self._server
            trouble = settled(float(self._options.wait), lambda: _trouble(server, record, value, present, code))
            if trouble is not None:
                raise trouble


def _trouble(server: Nameserver, record: Record, value: dns.rdata.Rdata, present: bool, code: str) -> Failure | None:
    try:
        shown = any(means(one, value) for one in server.look(record.name, record.kind).values)
    except Failure as failure:
        return failure
    if shown is present:
        return None
    what = "does not show it" if present else "shows it still"
    return Failure(code, f"the API has {record.name} {record.kind} as it shall be, but {server} {what}")


def _refuse_in_the_way(zone: Zone, record: Record, value: dns.rdata.Rdata) -> None:
    """The API takes what DNS would never show."""
    records = zone.listed()
    refuse_in_the_way(records, zone.head.name, record)
    if any(one.kind == "RRSIG" for one in records):
        words = f"{zone.head.name}: it was signed before it came here, and a change would break its signatures"
        raise Failure("zone_signed_elsewhere", words, permanent=True)
    if zone.standing(record.name, record.kind, value, disabled=True):
        words = f"{record.name} {record.kind} {record.value}: it stands there, but somebody disabled it"
        raise Failure("zone_record_disabled", words, permanent=True)
