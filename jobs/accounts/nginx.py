"""NGINX: the server blocks of this machine.

Read from the configuration files as nginx reads them, includes followed. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jobs import ports, privileged
from jobs.accounts.system import Block, accounts, claims
from jobs.policy import nginx_config
from jobs.policy.claims import Settled, settle
from jobs.policy.nginx_config import Server
from jobs.policy.site import Account, Website


@dataclass(frozen=True)
class Options:
    """Where nginx is, when it is not where Debian puts it."""

    binary: str = field(default="/usr/sbin/nginx", metadata={"label": "Program"})
    config: str = field(default="/etc/nginx/nginx.conf", metadata={"label": "Configuration"})


class Source(ports.AccountSource):
    """One instance lives for one discovery: the files are read once. Raises Failure("config_broken_before")."""

    name = "nginx"

    def __init__(self, options: Options, place: ports.Place) -> None:
        self._options = options
        self._own = place.conf
        self._settled: Settled | None = None

    def present(self) -> bool:
        return Path(self._options.binary).exists() and Path(self._options.config).exists()

    def accounts(self) -> Sequence[Account]:
        return accounts(self._found().websites)

    def websites(self) -> Sequence[Website]:
        return self._found().websites

    def remarks(self) -> Sequence[str]:
        """Sentences about server blocks that could not become websites (no valid name at all)."""
        return self._found().remarks

    def _found(self) -> Settled:
        if self._settled is None:
            self._settled = settle(claims(self._blocks(), self.name))
        return self._settled

    def _blocks(self) -> Iterator[Block]:
        """Blocks in files of ours are no websites: they go on existing when the website behind them is gone."""
        for server in nginx_config.servers(privileged.nginx_directives(self._options.config)):
            if not Path(server.directive.file).is_relative_to(self._own):
                yield _block(server)


def _block(server: Server) -> Block:
    return Block(
        names=nginx_config.plain_names(server.names),
        addresses=tuple(dict.fromkeys((listen.address, listen.port) for listen in server.listens)),
        docroot=server.root,
        run_as=None,
        tls=any(listen.tls for listen in server.listens),
        dav=False,
        file=server.directive.file,
        line=server.directive.line,
    )
