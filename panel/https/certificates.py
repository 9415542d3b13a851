"""Which certificate a handshake gets, looked up anew each time so that a renewal needs neither a restart nor a reload.

The name is looked up in the map (re-read when the file changed), the website's link is followed, and the set behind it
is loaded into a fresh context before it takes the place of the former one: a pair that does not match never gets there.
"""

from __future__ import annotations

import logging
import ssl
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from jobs.policy.failure import Failure
from jobs.policy.panel_files import MAP, SERVICE, parse_map, website_for
from jobs.ports import Place
from jobs.wiring.serving import own_certificate

log = logging.getLogger("autossl.panel")

MOST_CONTEXTS = 500
"""Loaded certificates that are kept; the least recently used one goes first."""

LARGEST_MAP = 16 * 1024 * 1024


class Certificates:
    """Used from the threads of all servers at once; the lock is held for file lookups and, at a change, for a load."""

    def __init__(self, place: Place, panel_name: str, clock: Callable[[], datetime]) -> None:
        self._place, self._panel_name, self._clock = place, panel_name, clock
        self._lock = threading.Lock()
        self._names: dict[str, str] = {}
        self._mark: tuple[int, ...] | None = None
        self._contexts: OrderedDict[Path, ssl.SSLContext] = OrderedDict()
        self._served: dict[str, Path] = {}
        """The set that each website was served from last."""
        self._told: dict[str, str] = {}
        """What was logged last about a website or the map, so that it is said once."""
        self._take_own()

    def first(self) -> ssl.SSLContext:
        """The context that a handshake begins with: the instance's own certificate, renewed when it is due."""
        with self._lock:
            if self._clock() >= self._own.renewed_at:
                try:
                    self._take_own()
                except Failure as failure:
                    self._tell("", failure.detail)
            return self._first

    def choose(self, tls: ssl.SSLSocket, name: str | None, first: ssl.SSLContext) -> None:
        """What OpenSSL asks once it has read the name (SNI). A client that names nobody gets the panel's own name."""
        context = self.for_name(name or self._panel_name)
        if context is not None:
            tls.context = context

    def for_name(self, name: str) -> ssl.SSLContext | None:
        """The context of the website that has `name`; None when no website has it. Never raises."""
        with self._lock:
            self._read_map()
            website = website_for(self._names, name)
            return None if website is None else self._of_website(website)

    def _of_website(self, website: str) -> ssl.SSLContext | None:
        link = self._place.link(website, SERVICE)
        former = self._served.get(website)
        try:
            wanted = link.parent / link.readlink().name
            context = self._loaded(wanted)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            self._tell(website, f"{link}: {_words(error)}; what was served before stays")
            return self._again(former) if former else None
        if former != wanted:
            self._contexts.pop(former, None) if former else None
            self._served[website] = wanted
            self._told.pop(website, None)
        return context

    def _again(self, former: Path) -> ssl.SSLContext | None:
        try:
            return self._loaded(former)
        except (OSError, ValueError):
            return None  # why the newer one can't be used has been told

    def _loaded(self, directory: Path) -> ssl.SSLContext:
        """The context of one stored set. Sets never change, so it is loaded once. Raises OSError, ValueError."""
        context = self._contexts.get(directory)
        if context is None:
            context = _fresh(directory / "fullchain.pem", directory / "privkey.pem")
            self._contexts[directory] = context
            if len(self._contexts) > MOST_CONTEXTS:
                self._contexts.popitem(last=False)
        self._contexts.move_to_end(directory)
        return context

    def _read_map(self) -> None:
        """Take the map's names if the file is another than before; one that can't be read leaves the former names."""
        path = self._place.conf / MAP
        try:
            facts = path.stat()
            mark = (facts.st_dev, facts.st_ino, facts.st_mtime_ns, facts.st_size)
            if mark == self._mark:
                return
            self._mark = mark
            if facts.st_size > LARGEST_MAP:
                raise ValueError(f"expected at most {LARGEST_MAP} bytes, got {facts.st_size}")
            self._names = parse_map(path.read_bytes())
        except FileNotFoundError:
            self._mark, self._names = None, {}
        except (OSError, ValueError) as error:
            self._tell(MAP, f"{path}: {_words(error)}; the former map stays in use")
            return
        self._told.pop(MAP, None)
        known = set(self._names.values())
        self._served = {website: target for website, target in self._served.items() if website in known}

    def _take_own(self) -> None:
        own = own_certificate(self._place, self._panel_name, self._clock())
        context = _fresh(own.path, own.path)
        context.sni_callback = self.choose  # type: ignore[assignment]  # typeshed knows no missing name
        self._own, self._first = own, context

    def _tell(self, subject: str, text: str) -> None:
        if self._told.get(subject) != text:
            self._told[subject] = text
            log.error("%s", text)


def _fresh(chain: Path, key: Path) -> ssl.SSLContext:
    """A context of its own for one pair. Raises ssl.SSLError for a pair that does not match, OSError, ValueError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(chain, key, password="")  # without a password OpenSSL would ask the terminal for one
    return context


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"loading the certificate: {error.reason or error}"
    return str(getattr(error, "strerror", None) or error)
