"""Messages on the socket: four bytes of length, then JSON. The other side may send anything at any speed."""

from __future__ import annotations

import json
import socket
import struct
import time
from typing import Any, NoReturn

_LENGTH = struct.Struct("!I")
LARGEST_QUESTION = 4 * 1024 * 1024
LARGEST_ANSWER = 64 * 1024 * 1024
PATIENCE = 10.0
"""Seconds in which a message that was begun has to be whole."""


class BadMessage(ValueError):
    """The other side does not speak this protocol; nothing more is read from it."""


def packed(message: dict[str, Any], largest: int) -> bytes:
    """A message as it is sent. Raises ValueError for one that is larger than the other side takes."""
    content = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    if len(content) > largest:
        raise ValueError(f"a message of {len(content)} bytes, of which {largest} are allowed")
    return _LENGTH.pack(len(content)) + content


def send(connection: socket.socket, message: dict[str, Any], largest: int) -> None:
    """Raises OSError, and ValueError as `packed`."""
    connection.sendall(packed(message, largest))


def receive(connection: socket.socket, largest: int, wait: float | None) -> dict[str, Any] | None:
    """The next message; None when the other side has ended, or nothing came within `wait` seconds (None: for ever).

    Raises BadMessage, OSError.
    """
    begun = announced(connection, largest, wait)
    return None if begun is None else content(connection, begun)


def announced(connection: socket.socket, largest: int, wait: float | None) -> int | None:
    """How many bytes the next message has, of which none was read yet; None as for `receive`. Raises as that does."""
    connection.settimeout(wait)
    try:
        first = connection.recv(_LENGTH.size)
    except TimeoutError:
        return None
    if not first:
        return None
    rest = _exactly(connection, _LENGTH.size - len(first), time.monotonic() + PATIENCE)
    (length,) = _LENGTH.unpack(first + rest)
    if length > largest:
        raise BadMessage(f"{length} bytes are announced, of which {largest} are allowed")
    return int(length)


def content(connection: socket.socket, length: int) -> dict[str, Any]:
    """The message that was announced. Raises BadMessage, OSError."""
    raw = _exactly(connection, length, time.monotonic() + PATIENCE)
    try:
        message = json.loads(raw.decode("utf-8", "surrogatepass"), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise BadMessage(f"expected JSON: {type(error).__name__}") from error
    if not isinstance(message, dict):
        raise BadMessage("expected a JSON object")
    return message


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two members of one name, each reader may take another one."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise BadMessage("expected each member of an object once")
    return members


def _no_number(text: str) -> NoReturn:
    raise BadMessage(f"expected a number of JSON, got {text}")


def _exactly(connection: socket.socket, length: int, ends: float) -> bytes:
    """Raises BadMessage, OSError."""
    read = bytearray()
    while len(read) < length:
        patience = ends - time.monotonic()
        if patience <= 0:
            raise BadMessage(f"a message was not whole within {PATIENCE:g} s")
        connection.settimeout(patience)
        try:
            piece = connection.recv(min(length - len(read), 1 << 16))
        except TimeoutError:
            continue
        if not piece:
            raise BadMessage("the other side ended in the middle of a message")
        read += piece
    return bytes(read)
