"""One question over TCP (RFC 7766), for an answer that is too long for a datagram."""

from __future__ import annotations

import asyncio
import os
import socket

from jobs.preflight.message import answers, query
from jobs.preflight.sockets import NoAnswer, Peer


async def ask(to: Peer, asked: bytes, flags: int, edns: bool, wait: float) -> bytes:
    """The bytes of the answer. Raises NoAnswer when it is not all there after `wait` seconds, however it drips, and
    OSError."""
    identity = os.urandom(2)
    packet = query(identity, asked, flags, edns)
    loop = asyncio.get_running_loop()
    with socket.socket(to.family, socket.SOCK_STREAM) as connection:
        connection.setblocking(False)
        try:
            async with asyncio.timeout(wait):
                await loop.sock_connect(connection, to.sockaddr)
                await loop.sock_sendall(connection, len(packet).to_bytes(2, "big") + packet)
                length = int.from_bytes(await _exactly(loop, connection, 2), "big")
                wire = await _exactly(loop, connection, length)
        except TimeoutError as error:
            raise NoAnswer from error
    if wire[:2] != identity or not answers(wire, asked):
        raise ConnectionError("it answered another question")
    return wire


async def _exactly(loop: asyncio.AbstractEventLoop, connection: socket.socket, size: int) -> bytes:
    got = bytearray()
    while len(got) < size:
        part = await loop.sock_recv(connection, size - len(got))
        if not part:
            raise ConnectionError("the connection was closed")
        got += part
    return bytes(got)
