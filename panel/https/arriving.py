"""When a request is all there, told from its bytes; and which ones are refused before anybody reads them.

Strict where two readers of the same bytes could disagree: one Content-Length of digits only, one Host
that can be one, no Transfer-Encoding, names of headers as RFC 9110 has them, no line that is folded.
"""

from __future__ import annotations

import re

LARGEST_HEAD, LARGEST_BODY = 32 * 1024, 128 * 1024
MOST_HEADERS = 100

_END = b"\r\n\r\n"
_HEADER = re.compile(rb"([!#$%&'*+.^`|~0-9A-Za-z_-]+):[ \t]*([^\r\n\0]*?)[ \t]*")
_HOST = re.compile(rb"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_LENGTH = re.compile(rb"[0-9]{1,15}")
_EXPECT = re.compile(rb"\r\nexpect:[^\r\n]*(?=\r\n)", re.IGNORECASE)


class Refused(Exception):
    """`status`: the status line of the answer, after which the connection ends."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class Arriving:
    """The bytes that came and were not taken yet."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._whole: int | None = None
        """Bytes of the request, once its head is there."""

    def __len__(self) -> int:
        return len(self._bytes)

    def add(self, part: bytes) -> None:
        self._bytes += part

    def complete(self) -> bool:
        """Whether `take` gives a request. Raises Refused."""
        if self._whole is None:
            self._whole = self._measured()
        return self._whole is not None and len(self._bytes) >= self._whole

    def take(self) -> bytes:
        """The first request; call only when it is complete."""
        taken = bytes(self._bytes[: self._whole])
        del self._bytes[: self._whole]
        self._whole = None
        return taken

    def expects_leave(self) -> bool:
        """Whether the sender of the head waits to be told to send its body (`Expect: 100-continue`); asked once."""
        if self._whole is None or len(self._bytes) >= self._whole:
            return False
        head = bytes(self._bytes)
        end = head.find(_END)
        without = _EXPECT.sub(b"", head[: end + 2])
        removed = end + 2 - len(without)
        self._bytes[: end + 2] = without
        self._whole -= removed
        return removed > 0

    def _measured(self) -> int | None:
        end = self._bytes.find(_END, 0, LARGEST_HEAD + len(_END))
        if end < 0:
            if len(self._bytes) > LARGEST_HEAD:
                line = self._bytes.find(b"\r\n", 0, LARGEST_HEAD) < 0
                raise Refused("414 URI Too Long" if line else "431 Request Header Fields Too Large")
            return None
        return end + len(_END) + _body(bytes(self._bytes[:end]))


def _body(head: bytes) -> int:
    """The length of the body. Raises Refused."""
    first, *lines = head.split(b"\r\n")
    if len(lines) > MOST_HEADERS:
        raise Refused("431 Request Header Fields Too Large")
    found: dict[bytes, list[bytes]] = {}
    for line in lines:
        header = _HEADER.fullmatch(line)
        if header is None:
            raise Refused("400 Bad Request")
        found.setdefault(header[1].lower(), []).append(header[2])
    hosts = found.get(b"host", [] if first.endswith(b"HTTP/1.1") else [b"-"])
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
        raise Refused("400 Bad Request")
    if b"transfer-encoding" in found:
        raise Refused("411 Length Required")
    lengths = found.get(b"content-length", [b"0"])
    if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
        raise Refused("400 Bad Request")
    if int(lengths[0]) > LARGEST_BODY:
        raise Refused("413 Content Too Large")
    return int(lengths[0])
