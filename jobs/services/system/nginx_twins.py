"""The https twins of server blocks that speak http only: whether one may be made, and its text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from jobs.policy.failure import Failure
from jobs.policy.nginx_config import Server
from jobs.policy.nginx_text import NotUnderstood
from jobs.policy.nginx_twin import Pair, Sources, Twin, answers, render, twin_addresses
from jobs.services.system.nginx_view import View
from jobs.services.system.rendering import rendered_name

PROTOCOLS = "TLSv1.2 TLSv1.3"
_ADDRESS = re.compile(r"\A(?:\*|[A-Za-z0-9.:-]{1,255})\Z")
_LONGEST_FILE_NAME = 200


@dataclass(frozen=True)
class Ports:
    http: int
    https: int


def twin_file(own: Path, main: str) -> Path:
    """The file of a website's twins; a name that is too long for a file ends in its digest."""
    if len(main) > _LONGEST_FILE_NAME:
        main = f"{main[:_LONGEST_FILE_NAME]}-{sha256(main.encode()).hexdigest()[:16]}"
    return own / f"{main}.conf"


def orphans(view: View, http_port: int) -> list[Path]:
    """Files of ours whose names no http block of anybody else has any more."""
    alive = {
        name
        for position, server in enumerate(view.servers)
        if position not in view.ours and http_port in server.ports(tls=False)
        for name in view.names[position]
    }
    files: dict[str, bool] = {}
    for position in sorted(view.ours):
        file = view.servers[position].directive.file
        files[file] = files.get(file, False) or any(name in alive for name in view.names[position])
    return [Path(file) for file, needed in files.items() if not needed]


def twin_text(
    view: View, position: int, names: Sequence[str], pair: Pair, ports: Ports, sources: Sources, snippet: str
) -> str:
    """The https block of the http block at `position`, for those of its names that have none.

    Raises Failure("https_not_possible") when it would answer nothing or change what others serve, and
    Failure("config_not_editable") when the block's text can't be told apart.
    """
    server = view.servers[position]
    where = f"{server.directive.file}:{server.directive.line}"
    sockets = view.sockets(ports.http, ports.https)
    addresses = twin_addresses(server, sockets, ports.http)
    _refuse(view, server, names, addresses, ports, where)
    says = view.says_protocols or server.directive.named("ssl_protocols")
    twin = Twin(
        server=server,
        names=tuple(rendered_name(name) for name in names),
        addresses=addresses,
        port=ports.https,
        pair=pair,
        protocols=None if says else PROTOCOLS,
    )
    try:
        return render(twin, sources, dropped=(snippet,))
    except (NotUnderstood, LookupError) as error:
        words = f"{where}: this block can't be copied safely ({error})"
        raise Failure("config_not_editable", words, permanent=True) from error


def _refuse(
    view: View, server: Server, names: Sequence[str], addresses: Sequence[str], ports: Ports, where: str
) -> None:
    if ports.https in view.stream_ports:
        words = f"{where}: a stream server of nginx listens on port {ports.https}, so no website can"
        raise Failure("https_not_possible", words, permanent=True)
    plain = view.sockets(ports.http, ports.https).plain
    for other in (plain[address] for address in addresses if address in plain):
        at = f"{other.file}:{other.line}"
        words = f"{where}: the server block at {at} speaks plain http on port {ports.https}; add `ssl` there"
        raise Failure("https_not_possible", words, permanent=True)
    if any(listen.proxied for listen in server.listens if listen.port == ports.http):
        words = f"{where}: its http arrives through a proxy (proxy_protocol), so where https would is not known"
        raise Failure("https_not_possible", words, permanent=True)
    if not answers(server, names):
        words = f"{where}: this block only redirects to https, and no https block answers there: nothing to serve"
        raise Failure("https_not_possible", words, permanent=True)
    wrong = [address for address in addresses if not _ADDRESS.match(address)]
    if wrong or not addresses:
        words = f"{where}: expected addresses of letters, digits and . : - in `listen`, got {wrong!r}"
        raise Failure("https_not_possible", words, permanent=True)
