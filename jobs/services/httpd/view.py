"""Apache's configuration as it stands: its vhosts, and which of them answers which name at the ports of a service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from jobs import privileged
from jobs.policy import apache_config
from jobs.policy.apache_answers import ANY, Answers
from jobs.policy.apache_config import Directive, Vhost
from jobs.policy.apache_layout import Landscape, landscape
from jobs.policy.apache_repoint import Server, server
from jobs.policy.apache_twin import is_twin_file
from jobs.policy.failure import Failure
from jobs.ports import Endpoint

_LOOPBACK = tuple(f"127.0.0.{last}" for last in range(1, 10))
_EVERYWHERE = (ANY, "0.0.0.0")  # noqa: S104 - compared with, never bound


@dataclass(frozen=True)
class View:
    """`land` leaves our twins out; `answers` has them too, and its positions are those of `vhosts`. `found` is shared
    with whoever was told the same."""

    found: privileged.ApacheConfiguration
    land: Landscape
    answers: Answers
    main: Server
    https_port: int

    @property
    def tree(self) -> tuple[Directive, ...]:
        return self.found.tree or ()

    @property
    def vhosts(self) -> tuple[Vhost, ...]:
        return self.found.vhosts

    @property
    def root(self) -> Path:
        return self.found.root

    @property
    def pid_file(self) -> Path:
        return self.found.pid_file

    def endpoints(self, name: str, position: int) -> Iterator[Endpoint]:
        """Where a handshake for `name` reaches the vhost at `position` of `vhosts`. A wildcard is asked by one name."""
        sni = name.replace("*", "autossl-check", 1)
        for address, at in self.answers.everywhere(name).items():
            if at == position:
                yield Endpoint(self._host(address), self.https_port, sni)

    def _host(self, address: str) -> str:
        """An address of this host whose connections go to the vhosts of `address`."""
        return self._host_of_any if address == ANY else address

    @cached_property
    def _host_of_any(self) -> str:
        """Looked for once: the directives are as many as all vhosts."""
        named = self.answers.addresses
        listens = [where for where, port, _ in apache_config.listens(self.tree) if port == self.https_port]
        if any(where in _EVERYWHERE for where in listens):
            return next(host for host in (*_LOOPBACK, *_LOOPBACK[:1]) if host not in named or host == _LOOPBACK[0])
        reached = ["::1" if where == "::" else where for where in listens]
        return next((host for host in reached if host not in named), _LOOPBACK[0])


def read_view(where: privileged.WhereApacheIs, http_port: int, https_port: int) -> View:
    """Ask Apache. Raises Failure as `apache_configuration` does, and Failure("program_missing") without mod_info:
    what Apache doesn't say can't be changed safely."""
    found = privileged.apache_configuration(where)
    if found.tree is None:
        words = f"{where.info_module}: Apache tells what it understood by mod_info; install it (package apache2-bin)"
        raise Failure("program_missing", words, permanent=True)
    name = apache_config.main_name(found.tree)
    others = [vhost for vhost in found.vhosts if not is_twin_file(vhost.file)]
    return View(
        found=found,
        land=landscape(others, http_port, https_port, name),
        answers=Answers(found.vhosts, https_port, name),
        main=server(found.tree, _real_paths(found.tree)),
        https_port=https_port,
    )


def _real_paths(tree: Sequence[Directive]) -> dict[str, str]:
    files = {item.file for section in tree for item in (section, *section.children) if item.file.startswith("/")}
    return {file: str(Path(file).resolve()) for file in files}
