"""BIND zone files on this host.

Static zones of the named that runs here: the file is edited with its comments and order kept, and what named serves
afterwards is the proof. Zones that named itself changes (dynamic ones) are for `rfc2136`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from jobs import privileged
from jobs.dns_backends.system import Nameserver, address_of, held_by, rdata_of, zone_name
from jobs.dns_backends.system.turns import turn
from jobs.dns_backends.system.zone_before import Target, look
from jobs.dns_backends.system.zone_change import add, holds, remove
from jobs.policy import named_conf, zone_listing
from jobs.policy.failure import Failure
from jobs.policy.named_conf import Zone
from jobs.ports import Place, Record

_PLACES = ("/etc/bind/named.conf", "/etc/named.conf")


@dataclass(frozen=True)
class Options:
    """Switched off until `enabled`. Where nothing else is said, everything is where distributions put it."""

    enabled: bool = field(
        default=False, metadata={"label": "In use", "help": "Then static primary zones of this host are changed."}
    )
    named_conf: str = field(
        default="", metadata={"label": "Configuration", "help": f"Empty: {' or '.join(_PLACES)}."}
    )
    zones: tuple[str, ...] = field(
        default=(), metadata={"label": "Zones", "help": "Empty: every static primary zone of the configuration."}
    )
    rndc_key: str = field(
        default="", metadata={"label": "File of rndc's key", "help": "Empty: as rndc itself finds it."}
    )
    server: str = field(
        default="127.0.0.1", metadata={"label": "Address", "help": "Where this named answers; asked for the proof."}
    )
    port: int = field(default=53, metadata={"label": "Port"})
    wait: int = field(
        default=30, metadata={"label": "Time for a reload", "help": "Seconds in which named must serve a change."}
    )


class Backend:
    """One change at a time for each zone, also between processes of this installation."""

    name = "bind_zonefile"
    needs_root = True

    def __init__(self, options: Options, place: Place) -> None:
        self._options = options
        self._place = place

    def active(self) -> bool:
        return self._options.enabled

    def zone_for(self, name: str) -> str | None:
        """A name below a zone that is not ours (a secondary one, a dynamic one) is not ours either."""
        zone = held_by({*self._known, *self._chosen}, name)
        return zone if zone in self._ours else None

    def add(self, record: Record) -> None:
        value, target = rdata_of(record), self._target(record)
        with turn(self._place, target.zone.name):
            add(target, record, value)

    def remove(self, record: Record) -> None:
        value, target = rdata_of(record), self._target(record)
        with turn(self._place, target.zone.name):
            remove(target, record, value)

    def holds(self, record: Record) -> bool:
        return holds(self._target(record), record, rdata_of(record))

    def takes_down(self, record: Record) -> str | None:
        target = self._target(record)
        return zone_listing.lost_to(look(target).records, target.zone.name, record.name)

    @cached_property
    def _chosen(self) -> tuple[str, ...]:
        return tuple(zone_name(zone) for zone in self._options.zones)

    @cached_property
    def _ours(self) -> frozenset[str]:
        """What was chosen; else the zones that can be changed here, those in several views included, so that the
        refusal says why."""
        if self._chosen:
            return frozenset(self._chosen)
        static = {
            name: all(zone.primary and zone.file and not zone.dynamic for zone in zones)
            for name, zones in self._known.items()
        }
        return frozenset(name for name, ours in static.items() if ours and name)

    @cached_property
    def _known(self) -> dict[str, list[Zone]]:
        """The zones of the configuration by name; more than one where several views have it. Raises Failure."""
        path = self._configuration()
        known: dict[str, list[Zone]] = {}
        try:
            for zone in named_conf.zones(named_conf.parse(privileged.named_configuration(path))):
                known.setdefault(zone.name, []).append(zone)
        except ValueError as error:
            words = f"{path}: what named-checkconf prints of it can't be read: {error}"
            raise Failure("config_broken_before", words) from error
        return known

    def _configuration(self) -> Path:
        if self._options.named_conf:
            return Path(self._options.named_conf)
        found = [path for path in map(Path, _PLACES) if path.exists()]
        if not found:
            words = f"no configuration of named: neither {' nor '.join(_PLACES)} exists"
            raise Failure("unreadable", words, permanent=True)
        return found[0]

    def _target(self, record: Record) -> Target:
        """Raises Failure for a zone that is not changed by its file."""
        name = self.zone_for(record.name)
        zones = [zone for zone in self._known.get(name or "", []) if zone.kind != "in-view"]
        if name is None or not zones:
            words = f"{record.name}: no zone of {self._configuration()} that may be changed holds it"
            raise Failure("zone_not_served", words, permanent=True)
        if len(zones) > 1:
            views = ", ".join(str(zone.view) for zone in zones)
            words = f"{name}: it stands in several views ({views}), of which each may have a file of its own"
            raise Failure("zone_in_several_views", words, permanent=True)
        zone = zones[0]
        if not zone.primary:
            raise Failure("zone_not_primary", f"{name}: its type is {zone.kind}, expected primary", permanent=True)
        if not zone.file or not zone.text:
            words = "its file is not a text" if zone.file else "the configuration names no file with a full path"
            raise Failure("zone_file_unsupported", f"{name}: {words}", permanent=True)
        options = self._options
        server = Nameserver(address_of(options.server, options.port), options.port)
        return Target(zone, server, options.rndc_key, float(options.wait))
