"""Apache: the virtual hosts of this machine.

Apache itself says what it understood. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jobs import ports, privileged
from jobs.accounts.system import Block, accounts, claims, only_helps
from jobs.policy import apache_config
from jobs.policy.apache_twin import is_twin_file
from jobs.policy.claims import Settled, settle
from jobs.policy.site import Account, Website

_WEB_DISK = "webdisk."


@dataclass(frozen=True)
class Options(privileged.WhereApacheIs):
    """Where Apache is, when it is not where Debian puts it."""


class Source(ports.AccountSource):
    """One instance lives for one discovery: Apache is asked once. Raises Failure("config_broken_before") with Apache's
    own words, Failure("unreadable"), Failure("program_missing") or Failure("program_timeout")."""

    name = "apache"

    def __init__(self, options: Options, place: ports.Place) -> None:
        self._options = options
        self._settled: Settled | None = None

    def present(self) -> bool:
        return privileged.apache_present(self._options)

    def accounts(self) -> Sequence[Account]:
        return accounts(self._found().websites)

    def websites(self) -> Sequence[Website]:
        return self._found().websites

    def remarks(self) -> Sequence[str]:
        """Sentences about vhosts that could not become websites (no valid name at all)."""
        return self._found().remarks

    def _found(self) -> Settled:
        if self._settled is None:
            self._settled = settle(claims(_with_web_disks(self._blocks()), self.name))
        return self._settled

    def _blocks(self) -> list[Block]:
        """Every vhost but those that we wrote ourselves, which must not keep a website alive that is gone."""
        found = privileged.apache_configuration(self._options)
        docroot = apache_config.global_value(found.tree or (), "DocumentRoot")
        return [_block(vhost, docroot) for vhost in found.vhosts if not is_twin_file(vhost.file)]


def _with_web_disks(blocks: Sequence[Block]) -> list[Block]:
    """A Web Disk vhost `webdisk.NAME` helps the website of NAME, when there is one: it says so by naming it first."""
    web = {name.lower() for block in blocks if not only_helps(block) for name in block.names}
    found = []
    for block in blocks:
        stems = [name[len(_WEB_DISK):] for name in block.names[:1] if name.lower().startswith(_WEB_DISK)]
        helped = [stem for stem in stems if stem.lower() in web and f"{_WEB_DISK}{stem}".lower() not in web]
        found.append(replace(block, names=(*helped, *block.names)) if helped and only_helps(block) else block)
    return found


def _block(vhost: apache_config.Vhost, docroot: str | None) -> Block:
    return Block(
        names=(*((vhost.server_name,) if vhost.server_name else ()), *vhost.aliases),
        addresses=vhost.addresses,
        docroot=vhost.docroot or docroot,
        run_as=vhost.owner,
        tls=vhost.ssl,
        dav=vhost.dav,
        file=vhost.file,
        line=vhost.line,
    )
