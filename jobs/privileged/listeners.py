"""The verb `listening`: where a running daemon really accepts connections, whatever its configuration seems to say."""

from __future__ import annotations

import ipaddress
import itertools
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_LISTEN = "0A"
_SOCKET = re.compile(r"\Asocket:\[(\d+)\]\Z")
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, never bound


@dataclass(frozen=True)
class Listener:
    """A TCP socket that accepts connections; `host` is an address at which this host reaches it."""

    host: str
    port: int


def listening(pid: int) -> tuple[Listener, ...]:
    """The TCP sockets on which process `pid` listens, IPv4 first; none when it is gone or not ours to see."""
    proc = Path("/proc") / str(pid)
    found: list[Listener] = []
    try:
        inodes = {_inode(descriptor) for descriptor in (proc / "fd").iterdir()}
        for name in ("tcp", "tcp6"):
            with (proc / "net" / name).open(encoding="ascii") as table:
                found += [listener for inode, listener in _rows(table) if inode in inodes]
    except OSError:
        return ()
    return tuple(dict.fromkeys(found))


def _inode(descriptor: Path) -> str:
    try:
        match = _SOCKET.match(os.readlink(descriptor))  # noqa: PTH115 - the text is no path
    except OSError:  # closed since it was listed
        return ""
    return match.group(1) if match else ""


def _rows(table: Iterable[str]) -> list[tuple[str, Listener]]:
    """(inode, listener) of every listening row of /proc/net/tcp or tcp6 (proc(5)). The kernel lists them before all
    others (net/ipv4/tcp_ipv4.c, TCP_SEQ_STATE_LISTENING), which may be many thousands and are not read."""
    rows = []
    split = (line.split() for line in itertools.islice(table, 1, None))
    for fields in itertools.takewhile(lambda fields: len(fields) > 9 and fields[3] == _LISTEN, split):
        address, _, port = fields[1].partition(":")
        host = _address(address)
        rows.append((fields[9], Listener(_LOOPBACK.get(host, host), int(port, 16))))
    return rows


def _address(text: str) -> str:
    """The kernel prints an address as words of 32 bits in the byte order of this machine."""
    raw = b"".join(bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8))
    return str(ipaddress.ip_address(raw))
