"""The verb `listening`: where a running daemon really accepts connections, whatever its configuration seems to say."""

from __future__ import annotations

import ipaddress
import os
import re
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
    try:
        inodes = {_inode(descriptor) for descriptor in (proc / "fd").iterdir()}
        tables = [(proc / "net" / name).read_text(encoding="ascii") for name in ("tcp", "tcp6")]
    except OSError:
        return ()
    found = [listener for table in tables for inode, listener in _rows(table) if inode in inodes]
    return tuple(dict.fromkeys(found))


def _inode(descriptor: Path) -> str:
    try:
        match = _SOCKET.match(os.readlink(descriptor))  # noqa: PTH115 - the text is no path
    except OSError:  # closed since it was listed
        return ""
    return match.group(1) if match else ""


def _rows(table: str) -> list[tuple[str, Listener]]:
    """(inode, listener) of every listening row of /proc/net/tcp or tcp6 (proc(5))."""
    rows = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == _LISTEN:
            address, _, port = fields[1].partition(":")
            host = _address(address)
            rows.append((fields[9], Listener(_LOOPBACK.get(host, host), int(port, 16))))
    return rows


def _address(text: str) -> str:
    """The kernel prints an address as words of 32 bits in the byte order of this machine."""
    raw = b"".join(bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8))
    return str(ipaddress.ip_address(raw))
