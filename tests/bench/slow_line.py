"""A UDP server that passes questions on to a DNS server at once, and its answers back after a while.

`python -m tests.bench.slow_line PORT SERVER_PORT MILLISECONDS`, all on 127.0.0.1. Stands in for a network with
latency where the kernel can't delay packets. One process, one loop, two sockets: it must not be what is measured.
"""

from __future__ import annotations

import select
import socket
import sys
import time
from collections import deque

ADDRESS = "127.0.0.1"
_AT_ONCE = 64


def main(port: int, server_port: int, delay: float) -> None:
    clients = _bound((ADDRESS, port))
    server = _bound((ADDRESS, 0))
    server.connect((ADDRESS, server_port))
    listening = socket.create_server((ADDRESS, port))  # who waits for this process looks for a TCP port
    asked: dict[bytes, tuple[bytes, tuple[str, int]]] = {}
    late: deque[tuple[float, bytes, tuple[str, int]]] = deque()
    number = 0
    with clients, server, listening:
        while True:
            select.select([clients, server], [], [], max(0.0, late[0][0] - time.monotonic()) if late else None)
            for wire, client in _arrived(clients):
                number = (number + 1) % 65536
                mark = number.to_bytes(2, "big")
                asked[mark] = (wire[:2], client)
                server.send(mark + wire[2:])
            due = time.monotonic() + delay
            for wire, _ in _arrived(server):
                identity, client = asked.pop(wire[:2])
                late.append((due, identity + wire[2:], client))
            now = time.monotonic()
            while late and late[0][0] <= now:
                _, wire, client = late.popleft()
                clients.sendto(wire, client)


def _bound(place: tuple[str, int]) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    made.bind(place)
    return made


def _arrived(where: socket.socket) -> list[tuple[bytes, tuple[str, int]]]:
    found = []
    for _ in range(_AT_ONCE):
        try:
            found.append(where.recvfrom(4096))
        except BlockingIOError:
            break
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000)
