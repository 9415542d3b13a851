"""Web Disk.

The WebDAV vhosts that Apache has on a port of their own, secured like any website's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from jobs import ports, privileged
from jobs.policy.apache_config import Vhost
from jobs.policy.apache_layout import layout
from jobs.policy.certificate import Certificate
from jobs.policy.failure import Failure
from jobs.policy.file_change import FileChange
from jobs.policy.site import Website
from jobs.ports import Installed, Served
from jobs.services.httpd import Httpd
from jobs.services.httpd.pointing import pointed, presented, refuse_all, served

_WEB_PORTS = (80, 443)
_NO_PORT = 0


@dataclass(frozen=True)
class Options(privileged.WhereApacheIs):
    """Where Apache is, and the port of its WebDAV vhosts."""

    port: int = field(default=2078, metadata={"label": "Port", "help": "Where WebDAV vhosts speak TLS."})


class Service(ports.ServiceTarget):
    """Vhosts with mod_dav on at the port, which speak TLS already. No vhost is made: whether a website has a Web Disk
    is the host's choice."""

    name = "webdisk"

    def __init__(self, options: Options, place: ports.Place) -> None:
        if options.port in _WEB_PORTS:
            words = f"config.toml: services.webdisk.port: expected a port beside the websites' own, got {options.port}"
            raise Failure("config_invalid", words, permanent=True)
        self._options = options
        self._httpd = Httpd(options, place, self.name, _NO_PORT, options.port)

    def present(self) -> bool:
        return privileged.apache_present(self._options)

    def forget(self) -> None:
        self._httpd.forget()

    def concerns(self, website: Website) -> bool:
        return bool(self._disks(website))

    def installed(self, website: Website) -> Installed | None:
        return next(iter(presented(self._httpd, website, self._disks(website))), None)

    def install(self, website: Website, certificate: Certificate) -> Sequence[FileChange]:
        disks = self._disks(website)
        changes, failures = pointed(self._httpd, website, disks)
        if len(failures) == len(disks):
            refuse_all(failures)
        return changes

    def test(self) -> None:
        self._httpd.test()

    def reload(self) -> None:
        self._httpd.reload()

    def probe(self, website: Website, certificate: Certificate) -> Sequence[Served]:
        return served(self._httpd, website, certificate, ())

    def _disks(self, website: Website) -> list[Vhost]:
        land = self._httpd.view().land
        vhosts = [land.vhosts[position] for position in layout(land, website.names).secured]
        return [vhost for vhost in vhosts if vhost.dav]
