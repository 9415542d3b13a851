"""Where the server listens: `HOST:PORT`, `[IPv6]:PORT`, `*:PORT` for every address of both families, or `fd:N` for a
socket that listens already."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from jobs.policy.failure import Failure
from jobs.policy.panel_files import Address

BACKLOG = 512
"""Connections that the kernel holds until they are taken in."""
_FORM = re.compile(r"\A(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s:\[\]/]+)):(?P<port>[0-9]{1,5})\Z")
_EXPECTED = "expected HOST:PORT, [IPv6]:PORT, *:PORT or fd:N"
_FAMILIES = (socket.AF_INET, socket.AF_INET6)
_SIOCGSKNS = 0x894C
"""socket(7): a descriptor of the network namespace that a socket belongs to."""


@dataclass(frozen=True)
class Listener:
    """One listening socket. `asked_at` is the address at which this host itself reaches it, if it can."""

    socket: socket.socket
    asked_at: Address | None

    @property
    def address(self) -> Address:
        host, port = self.socket.getsockname()[:2]
        return host, port


def listen(binds: Sequence[str]) -> list[Listener]:
    """Open every socket, or none. Raises Failure("bind_failed")."""
    opened: list[Listener] = []
    try:
        for text in binds:
            opened += _inherited(text) if text.startswith("fd:") else _bound(text)
    except BaseException:
        for listener in opened:
            listener.socket.close()
        raise
    return opened


def _bound(text: str) -> list[Listener]:
    form = _FORM.match(text)
    if form is None or not int(form["port"]) < 65536:
        raise Failure("bind_failed", f"{text!r}: {_EXPECTED}", permanent=True)
    host, port = form["six"] or form["host"], int(form["port"])
    if host == "*":
        return [_every_address(text, port)]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        words = f"{text}: {host} is no address of this host: {getattr(error, 'strerror', None) or error}"
        raise Failure("bind_failed", words, permanent=True) from error
    addresses = dict.fromkeys((family, address) for family, _, _, _, address in found if family in _FAMILIES)
    opened: list[Listener] = []
    try:
        for family, address in addresses:
            opened.append(_listener(_open(family, address, only_six=True), inherited=False))
    except OSError as error:
        for listener in opened:
            listener.socket.close()
        raise _refused(text, error) from error
    return opened


def _every_address(text: str, port: int) -> Listener:
    """One socket for both families; a kernel without IPv6 gets one for IPv4."""
    try:
        try:
            made = _open(socket.AF_INET6, ("::", port), only_six=False)
        except OSError as error:
            if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                raise
            made = _open(socket.AF_INET, ("0.0.0.0", port), only_six=False)  # noqa: S104 - `*` asks for it
    except OSError as error:
        raise _refused(text, error) from error
    return _listener(made, inherited=False)


def _open(family: socket.AddressFamily, address: tuple[object, ...], only_six: bool) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only_six)
        made.bind(address)
        made.listen(BACKLOG)
    except BaseException:
        made.close()
        raise
    return made


def _inherited(text: str) -> list[Listener]:
    number = text.removeprefix("fd:")
    if not re.fullmatch(r"[0-9]{1,5}", number):
        raise Failure("bind_failed", f"{text!r}: {_EXPECTED}", permanent=True)
    try:
        given = socket.socket(fileno=os.dup(int(number)))
    except OSError as error:
        words = f"{text}: expected a listening socket that this process inherited: {error.strerror}"
        raise Failure("bind_failed", words, permanent=True) from error
    if given.family not in _FAMILIES or not given.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        given.close()
        raise Failure("bind_failed", f"{text}: expected a TCP socket that listens already", permanent=True)
    return [_listener(given, inherited=True)]


def _listener(made: socket.socket, inherited: bool) -> Listener:
    if inherited and not _of_this_network(made):
        return Listener(made, None)
    host, port = made.getsockname()[:2]
    dual = made.family == socket.AF_INET6 and not made.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    if host == "::":
        host = "127.0.0.1" if dual else "::1"
    elif host == "0.0.0.0":  # noqa: S104 - a comparison
        host = "127.0.0.1"
    return Listener(made, (host, port))


def _of_this_network(made: socket.socket) -> bool:
    """Whether the socket belongs to this process's own network namespace; the demo inherits one that does not."""
    try:
        descriptor = fcntl.ioctl(made.fileno(), _SIOCGSKNS)
    except OSError:  # only root may ask; nobody else can have entered another namespace
        return True
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat("/proc/self/ns/net"))  # noqa: PTH116
    finally:
        os.close(descriptor)


def _refused(text: str, error: OSError) -> Failure:
    reasons = {
        errno.EADDRINUSE: "another program listens there already; stop it or choose another port",
        errno.EACCES: "only root may listen on this port",
        errno.EADDRNOTAVAIL: "this host has no such address",
    }
    reason = reasons.get(error.errno or 0, error.strerror)
    words = f"listening on {text}: {reason} (--bind, or panel.bind in config.toml)"
    return Failure("bind_failed", words, permanent=True)
