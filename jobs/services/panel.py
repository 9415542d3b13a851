"""Panel: its own HTTPS.

The server of this panel (`autossl serve`) looks every name up in a map of ours at each handshake, so it needs neither
a reload nor a configuration: a new certificate is a switched link, a new name is a line of the map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs import privileged
from jobs.policy.certificate import Certificate
from jobs.policy.failure import Failure
from jobs.policy.file_change import SharedFile
from jobs.policy.name_map import NameMap
from jobs.policy.panel_files import (
    MAP,
    SERVICE,
    STATE,
    Address,
    parse_map,
    parse_state,
    render_map,
    website_for,
)
from jobs.policy.site import Website
from jobs.ports import Endpoint, Installed, Place, Served
from jobs.services.system import handshakes, presented, rendered_name

PROBED_LABEL = "autossl-probe"
"""A wildcard is asked for under this label."""


@dataclass(frozen=True)
class Options:
    """Nothing to choose: the server says itself where it listens."""


class Service:
    """Every name of a website's certificate gets that certificate on the panel's port."""

    name = SERVICE
    needs_root = False

    def __init__(self, options: Options, place: Place) -> None:
        self._place = place
        self._planned: NameMap | None = None

    @property
    def map(self) -> Path:
        return self._place.conf / MAP

    def present(self) -> bool:
        return True

    def forget(self) -> None:
        self._planned = None

    def concerns(self, website: Website) -> bool:
        return True

    def installed(self, website: Website) -> Installed | None:
        """Configured is a website with a name in the map: a certificate need not cover its main name."""
        if not self._names().names_of(website.main):
            return None
        link = self._place.link(website.main, self.name)
        return presented(self._place, website.main, self.name, link / "fullchain.pem")

    def install(self, website: Website, certificate: Certificate) -> Sequence[SharedFile]:
        """The certificate's names point to this website, and no others do."""
        names = self._names()
        if not names.give([rendered_name(name) for name in certificate.names], rendered_name(website.main)):
            return ()
        return (SharedFile(self.map, lambda: render_map(names), mode=0o644),)

    def test(self) -> None:
        self._read()

    def reload(self) -> None:
        """Nothing to do but to see that a server is there."""
        self._addresses()

    def probe(self, website: Website, certificate: Certificate) -> Sequence[Served]:
        """Names that the map gives to another website are not asked for: they are not this one's to answer."""
        names = self._names()
        asked = [name.replace("*", PROBED_LABEL, 1) for name in certificate.names]
        endpoints = [
            Endpoint(host, port, name)
            for host, port in self._addresses()
            for name in asked
            if website_for(names, name) == website.main
        ]
        return handshakes(endpoints, certificate.fingerprint, None)

    def _names(self) -> NameMap:
        """The map with what this run has planned."""
        if self._planned is None:
            self._planned = NameMap(self._read())
        return self._planned

    def _read(self) -> dict[str, str]:
        try:
            return parse_map(privileged.read(self.map))
        except ValueError as error:
            remedy = "remove the file; the next check writes it anew"
            raise Failure("config_test_failed", f"{self.map}: {error}; {remedy}", permanent=True) from error

    def _addresses(self) -> tuple[Address, ...]:
        """Where the running server can be asked. Raises Failure("service_not_running"), Failure("unreadable")."""
        path = self._place.instance / STATE
        try:
            running = privileged.lock_taken(path)
            addresses = parse_state(privileged.read(path)) if running else ()
        except (OSError, ValueError) as error:
            words = f"{path}: reading where the panel listens: {getattr(error, 'strerror', None) or error}"
            raise Failure("unreadable", words) from error
        if not running:
            raise Failure("service_not_running", "panel: not running (`autossl serve`)")
        return addresses
