"""Apache.

The TLS vhosts of its websites, and the rule that answers challenges before any vhost does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jobs import ports, privileged
from jobs.policy.apache_config import Vhost
from jobs.policy.apache_layout import Layout, layout
from jobs.policy.apache_repoint import goes_along, points_to
from jobs.policy.apache_twin import is_twin_file, twin_files, twin_text
from jobs.policy.certificate import Certificate
from jobs.policy.failure import Failure
from jobs.policy.file_change import FileChange
from jobs.policy.site import Website
from jobs.ports import Installed, Served
from jobs.services.httpd import Httpd
from jobs.services.httpd.once import Once, difference, once
from jobs.services.httpd.pointing import pointed, presented, refuse_all, served
from jobs.services.system import MARK
from jobs.services.system import presented as presented_at


@dataclass(frozen=True)
class Options(privileged.WhereApacheIs):
    """Where Apache is and listens, when it is not as on Debian."""

    sites: str = field(
        default="/etc/apache2/sites-enabled",
        metadata={"label": "Websites", "help": "The directory, read by Apache, where twins are written (*.conf)."},
    )
    snippet: str = field(
        default="/etc/apache2/conf-enabled/autossl.conf",
        metadata={"label": "Snippet", "help": "Our file that Apache reads for all websites."},
    )
    script: str = field(
        default="/etc/apache2/autossl-http-01.lua",
        metadata={"label": "Challenge script", "help": "Our Lua script; Apache's user must be able to read it."},
    )
    mods_available: str = field(default="/etc/apache2/mods-available", metadata={"label": "Modules"})
    mods_enabled: str = field(default="/etc/apache2/mods-enabled", metadata={"label": "Modules in use"})
    http_port: int = field(default=80, metadata={"label": "HTTP port"})
    https_port: int = field(default=443, metadata={"label": "HTTPS port"})


@dataclass(frozen=True)
class _Twins:
    """Changes to the files of a website's twins, why some twins can't be written, and whether any stands then."""

    changes: list[FileChange]
    failures: list[Failure]
    stand: bool


class Service(ports.ServiceTarget):
    """A TLS vhost is re-pointed at its very lines; a website that has http only gets twins in a file of ours, which
    Apache reads last, so that no other vhost loses its place as the default of an address."""

    name = "apache"

    def __init__(self, options: Options, place: ports.Place) -> None:
        self._options = options
        self._place = place
        self._httpd = Httpd(options, place, self.name, options.http_port, options.https_port)

    def present(self) -> bool:
        return privileged.apache_present(self._options)

    def forget(self) -> None:
        self._httpd.forget()

    def concerns(self, website: Website) -> bool:
        return not self._layout(website).empty

    def installed(self, website: Website) -> Installed | None:
        """The certificate that is least ours, where several vhosts have one; None also when twins are missing or their
        plain vhosts have changed since they were written."""
        found = self._layout(website)
        there = presented(self._httpd, website, self._secured(found))
        if there and not there[0].ours:
            return there[0]
        if self._twin_file(website, found).changes or not self._stands(website, found):
            return None
        if found.twins:
            certificate = self._httpd.pair(website).certificate
            there.append(presented_at(self._place, website.main, self.name, certificate))
        return there[0] if there else None

    def install(self, website: Website, certificate: Certificate) -> Sequence[FileChange]:
        """As much as can be done. What stands in the way of some vhosts must not keep a renewal from the others, so it
        is raised only when no vhost at all presents our link then."""
        found = self._layout(website)
        secured = self._secured(found)
        changes, failures = pointed(self._httpd, website, secured)
        twins = self._twin_file(website, found)
        troubles = [Failure("https_not_possible", words, permanent=True) for words in found.troubles.values()]
        if len(failures) == len(secured) and not twins.stand:
            refuse_all([*failures, *twins.failures, *troubles])
        return [*changes, *twins.changes]

    def test(self) -> None:
        self._httpd.test()

    def reload(self) -> None:
        self._httpd.reload()

    def probe(self, website: Website, certificate: Certificate) -> Sequence[Served]:
        twinned = [name for twin in self._layout(website).twins for name in twin.names]
        return served(self._httpd, website, certificate, twinned)

    def setup(self) -> Sequence[FileChange]:
        """The modules, the port and the challenge rule; and twins go whose names no vhost of somebody else has."""
        options = self._options
        places = Once(
            mods_available=Path(options.mods_available),
            mods_enabled=Path(options.mods_enabled),
            snippet=Path(options.snippet),
            script=Path(options.script),
            challenges=self._place.challenges,
            https_port=options.https_port,
        )
        return [*once(options, self._httpd.view(), places), *self._orphans()]

    def read_until_reloaded(self) -> Sequence[Path]:
        """Files of ours that the running Apache reads at any request, and that must not go before it has reloaded."""
        return [Path(self._options.script)]

    def _layout(self, website: Website) -> Layout:
        return layout(self._httpd.view().land, website.names)

    def _secured(self, found: Layout) -> list[Vhost]:
        vhosts = self._httpd.view().land.vhosts
        return [vhosts[position] for position in found.secured]

    def _stands(self, website: Website, found: Layout) -> bool:
        """Whether every TLS vhost presents our link and nothing beside it."""
        pair, main = self._httpd.pair(website), self._httpd.view().main
        return all(points_to(vhost, main, pair) for vhost in self._secured(found))

    def _twin_file(self, website: Website, found: Layout) -> _Twins:
        """The website's twins as they shall be. While one of them can't be written, a file that is there stays as it
        is: what it has is better than nothing."""
        view, pair, port = self._httpd.view(), self._httpd.pair(website), self._options.https_port
        texts: list[str] = []
        failures: list[Failure] = []
        beside = goes_along(view.main)
        for twin in found.twins:
            source = view.land.vhosts[twin.source].directive
            try:
                if beside:
                    raise Failure("https_not_possible", f"{source.file}:{source.line}: {beside}", permanent=True)
                texts.append(twin_text(source, twin.names, twin.addresses, port, pair))
            except Failure as failure:
                failures.append(failure)
        files = [Path(self._options.sites) / name for name in twin_files(website.main)]
        if failures and any(privileged.read(path) is not None for path in files):
            return _Twins([], failures, True)
        wild = any(name.startswith("*.") for twin in found.twins for name in twin.names)
        content = "\n".join([MARK, *texts]) if texts else None
        wanted = zip(files, (None, content) if wild else (content, None), strict=True)
        changes = [change for path, text in wanted for change in difference(path, text)]
        return _Twins(changes, failures, bool(texts))

    def _orphans(self) -> list[FileChange]:
        view = self._httpd.view()
        needed: dict[str, bool] = {}
        for vhost in view.vhosts:
            if is_twin_file(vhost.file):
                names = [name for name in (vhost.server_name, *vhost.aliases) if name]
                alive = any(view.land.plain.everywhere(name) for name in names)
                needed[vhost.file] = needed.get(vhost.file, False) or alive
        return [FileChange(Path(file)) for file, alive in needed.items() if not alive]
