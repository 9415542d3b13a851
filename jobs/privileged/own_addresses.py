"""The verb `own_addresses`: where others find this host, as the kernel tells it (rtnetlink(7))."""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
from collections.abc import Iterator

_GET, _NEW, _DONE, _ERROR = 22, 20, 3, 2
_REQUEST_ALL = 0x301
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_HEADER = struct.Struct("=IHHII")
"""nlmsghdr: length, type, flags, sequence number, port."""

_ADDRESS = struct.Struct("=BBBBI")
"""ifaddrmsg: family, prefix length, flags, scope, index."""

_ATTRIBUTE = struct.Struct("=HH")
_FAMILIES = (socket.AF_INET, socket.AF_INET6)


def own_addresses() -> frozenset[str]:
    """Every IPv4 and IPv6 address of every interface, but for 127.0.0.0/8 and ::1, which every host has for itself;
    none where the kernel doesn't tell (a container may not ask), from which nothing must be concluded."""
    try:
        return frozenset(one for one in _asked() if not ipaddress.ip_address(one).is_loopback)
    except OSError:
        return frozenset()


def _asked() -> frozenset[str]:
    found: set[str] = set()
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as kernel:
        kernel.settimeout(5)
        question = _ADDRESS.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
        kernel.send(_HEADER.pack(_HEADER.size + len(question), _GET, _REQUEST_ALL, 1, 0) + question)
        while True:
            for kind, content in _messages(kernel.recv(1 << 16)):
                if kind == _DONE:
                    return frozenset(found)
                if kind == _ERROR:
                    number = -struct.unpack_from("=i", content)[0]
                    raise OSError(number, os.strerror(number))
                if kind == _NEW:
                    found |= _address(content)


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, content) of each message; the next one begins at a multiple of 4."""
    while len(data) >= _HEADER.size:
        length, kind, _, _, _ = _HEADER.unpack_from(data)
        yield kind, data[_HEADER.size : length]
        data = data[(length + 3) & ~3 :]


def _address(content: bytes) -> set[str]:
    """The local address that one message tells; of a point-to-point link IFA_ADDRESS is the other end's."""
    family, found, data = content[0], dict[int, bytes](), content[_ADDRESS.size :]
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        found[kind] = data[_ATTRIBUTE.size : length]
        data = data[(max(length, _ATTRIBUTE.size) + 3) & ~3 :]
    raw = found.get(_IFA_LOCAL) or found.get(_IFA_ADDRESS)
    return {str(ipaddress.ip_address(raw))} if raw and family in _FAMILIES else set()
