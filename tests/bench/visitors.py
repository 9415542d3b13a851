"""Who asks the panel: a process of its own, over TLS, as browsers do. `python -m tests.bench.visitors PORT` is told on
stdin what to do, as JSON, and answers with milliseconds of every request, as JSON.

A browser's page says itself what it polls (`hx-trigger="every 2s"`); what a poll is answered may say another address.
"""

from __future__ import annotations

import html
import http.client
import itertools
import json
import re
import ssl
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.panel.browser import COOKIE

AGENT = "bench"
HTMX = {"HX-Request": "true"}
EVERY = 2.0
"""Seconds between two polls: what the pages say."""

STOP_POLLING = 286
_POLL = re.compile(r'<[^>]*hx-trigger="every 2s"[^>]*>')
_ATTRIBUTE = re.compile(r'(hx-[a-z-]+|id)=(?:"([^"]*)"|\'([^\']*)\')')
_INPUT = re.compile(r'<input type="hidden" name="(watch|after|shown)" value="([^"]*)">')
_TIMEOUT = 30.0


class Connection:
    """Kept open, and made anew where the server ended it."""

    def __init__(self, port: int, cookie: str) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=_TIMEOUT, context=context)
        self._headers = {"User-Agent": AGENT, "Cookie": f"{COOKIE}={cookie}"}

    def get(self, path: str, partial: bool = False) -> tuple[int, str]:
        """Status and body. Once more where the server had ended the connection before the request."""
        headers = {**self._headers, **(HTMX if partial else {})}
        try:
            return self._get(path, headers)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self._connection.close()
            return self._get(path, headers)

    def close(self) -> None:
        self._connection.close()

    def _get(self, path: str, headers: dict[str, str]) -> tuple[int, str]:
        self._connection.request("GET", path, headers=headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read().decode()


@dataclass(frozen=True)
class Poll:
    """An element that asks every two seconds."""

    element: str
    path: str


def polls(page: str) -> Iterator[Poll]:
    """What of a page, or of a partial, polls."""
    for tag in _POLL.findall(page):
        said = {name: html.unescape(double or single) for name, double, single in _ATTRIBUTE.findall(tag)}
        more = list(json.loads(said.get("hx-vals", "{}")).items())
        wanted = {"[name=watch]": {"watch"}, "this": {"after", "shown"}}.get(said.get("hx-include", ""), set())
        more += [(name, html.unescape(value)) for name, value in _INPUT.findall(page) if name in wanted]
        path = said["hx-get"]
        yield Poll(said["id"], f"{path}{'&' if '?' in path else '?'}{urlencode(more)}" if more else path)


def one(port: int, cookie: str, asked: Sequence[tuple[str, bool]], rounds: int) -> dict[str, Any]:
    """One client, one kept connection; the pages take turns, so that whatever else happens hits them alike. For each:
    the statuses, and how long each request took."""
    connection = Connection(port, cookie)
    times: list[list[float]] = [[] for _ in asked]
    statuses: list[set[int]] = [set() for _ in asked]
    for _ in range(rounds):
        for number, (path, partial) in enumerate(asked):
            began = time.perf_counter()
            status, _ = connection.get(path, partial)
            times[number].append(1000 * (time.perf_counter() - began))
            statuses[number].add(status)
    return {"times": times, "statuses": [sorted(found) for found in statuses]}


def crowd(port: int, cookie: str, paths: Sequence[str], clients: int, seconds: float, kept: bool) -> dict[str, Any]:
    """So many at once, each asking for the next page when it has the former one."""
    ends = time.monotonic() + seconds

    def ask(number: int) -> tuple[list[float], int]:
        times, wrong, connection = [], 0, Connection(port, cookie)
        for path in itertools.islice(itertools.cycle(paths), number, None):
            if time.monotonic() >= ends:
                return times, wrong
            began = time.perf_counter()
            status, _ = connection.get(path)
            times.append(1000 * (time.perf_counter() - began))
            wrong += status != 200
            if not kept:
                connection.close()
        raise AssertionError("paths never end")

    with ThreadPoolExecutor(clients) as pool:
        found = list(pool.map(ask, range(clients)))
    return {"times": [one for times, _ in found for one in times], "wrong": sum(wrong for _, wrong in found)}


def browsers(port: int, cookie: str, paths: Sequence[str]) -> dict[str, Any]:
    """One browser a path, each with its page open, until stdin ends; all are open before the first one polls. A poll
    that is answered late is counted from when it was to be asked, and the next one is asked for in its own time."""
    over, lock = threading.Event(), threading.Lock()
    times: list[float] = []
    wrong: list[str] = []
    watching: list[threading.Thread] = []

    def watch(poll: Poll, begins: float) -> None:
        connection = Connection(port, cookie)
        for turn in itertools.count(1):
            moment = begins + turn * EVERY
            if over.wait(max(moment - time.monotonic(), 0)):
                return
            status, body = connection.get(poll.path, partial=True)
            took = 1000 * (time.monotonic() - moment)
            with lock:
                times.append(took)
                if status not in (200, 204, STOP_POLLING):
                    wrong.append(f"{poll.path}: {status}")
            if status == STOP_POLLING:
                return
            poll = next((found for found in polls(body) if found.element == poll.element), poll)

    opened: list[list[Poll]] = []
    for path in paths:
        status, page = Connection(port, cookie).get(path)
        opened.append(list(polls(page)))
        if status != 200:
            wrong.append(f"{path}: {status}")
    started = time.monotonic()
    for number, found in enumerate(opened):
        begins = started + EVERY * number / len(paths)  # people don't come in step
        watching += [threading.Thread(target=watch, args=(poll, begins)) for poll in found]
    for thread in watching:
        thread.start()
    sys.stdin.read()
    over.set()
    for thread in watching:
        thread.join()
    return {"times": times, "wrong": wrong, "polls": len(watching)}


_WAYS = {"one": one, "crowd": crowd, "browsers": browsers}


def main() -> int:
    asked = json.loads(sys.stdin.readline())
    way = _WAYS[asked.pop("way")]
    sys.stdout.write(json.dumps(way(int(sys.argv[1]), **asked)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
