"""What every service really presents, name by name: a handshake that trusts one root and nothing else."""

from __future__ import annotations

import http.client
import imaplib
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jobs.demo.accounts import DemoAccount
from jobs.demo.daemons.apache import WEB_DISK
from jobs.demo.product import PANEL_PORT

TIMEOUT = 10.0
_PARALLEL = 8


@dataclass(frozen=True)
class Place:
    """Where one account should be served. `page`: what the website behind it answers to a GET, if it is one."""

    account: str
    name: str
    port: int
    service: str
    page: str | None = None


@dataclass(frozen=True)
class Row:
    """What was found there; `trouble` is empty when the handshake was trusted (and the page was the right one)."""

    place: Place
    issuer: str = ""
    not_after: datetime | None = None
    trouble: str = ""

    def as_json(self) -> dict[str, Any]:
        shown = self.not_after.isoformat().replace("+00:00", "Z") if self.not_after else None
        place = self.place
        return {
            "account": place.account, "name": place.name, "port": place.port, "service": place.service,
            "issuer": self.issuer, "not_after": shown, "ok": not self.trouble, "trouble": self.trouble,
        }


def places(accounts: Iterable[DemoAccount]) -> list[Place]:
    """Every service of every account, at the name by which its users know it."""
    found = []
    for account in accounts:
        user, domain = account.user, account.domain
        found += [Place(user, name, 443, "website", account.page) for name in (domain, f"www.{domain}")]
        found += [Place(user, f"mail.{domain}", port, service) for port, service in _MAIL.items()]
        found.append(Place(user, f"webdisk.{domain}", WEB_DISK, "web disk"))
        found.append(Place(user, domain, PANEL_PORT, "panel"))
    return found


def ask(where: Iterable[Place], root: str) -> list[Row]:
    """One handshake a place, verified against the PEM `root` only, names included."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=root)
    with ThreadPoolExecutor(_PARALLEL) as pool:
        return list(pool.map(lambda place: _ask(place, context), where))


def _ask(place: Place, context: ssl.SSLContext) -> Row:
    try:
        tls = _CONNECT.get(place.port, _plain_tls)(place, context)
        with tls:
            facts: Any = tls.getpeercert()
            issuer = dict(pair for part in facts["issuer"] for pair in part).get("commonName", "")
            end = datetime.fromtimestamp(ssl.cert_time_to_seconds(facts["notAfter"]), UTC)
            return Row(place, issuer, end, _page_trouble(tls, place))
    except ssl.SSLCertVerificationError as error:
        return Row(place, trouble=error.verify_message)
    except (OSError, imaplib.IMAP4.error, smtplib.SMTPException, http.client.HTTPException) as error:
        return Row(place, trouble=str(error) or type(error).__name__)


def _plain_tls(place: Place, context: ssl.SSLContext) -> ssl.SSLSocket:
    raw = socket.create_connection((place.name, place.port), TIMEOUT)
    return context.wrap_socket(raw, server_hostname=place.name)


def _imap(place: Place, context: ssl.SSLContext) -> ssl.SSLSocket:
    connection = imaplib.IMAP4(place.name, place.port, TIMEOUT)
    connection.starttls(context)
    tls = connection.socket()
    assert isinstance(tls, ssl.SSLSocket)
    return tls


def _smtp(place: Place, context: ssl.SSLContext) -> ssl.SSLSocket:
    connection = smtplib.SMTP(place.name, place.port, "bench.test", TIMEOUT)
    connection.starttls(context=context)
    assert isinstance(connection.sock, ssl.SSLSocket)
    return connection.sock


def _page_trouble(tls: ssl.SSLSocket, place: Place) -> str:
    """Whether the website still is what it was: it must answer its page, not a redirect and not another site's."""
    if place.page is None:
        return ""
    tls.sendall(f"GET / HTTP/1.1\r\nHost: {place.name}\r\nConnection: close\r\n\r\n".encode())
    response = http.client.HTTPResponse(tls, method="GET")
    response.begin()
    body = response.read(4096).decode("utf-8", "replace")
    if response.status == 200 and body == place.page:
        return ""
    return f"expected its page, got {response.status}: {body[:60]!r}"


_MAIL = {993: "imap", 143: "imap STARTTLS", 465: "smtp", 25: "smtp STARTTLS"}
_CONNECT: dict[int, Callable[[Place, ssl.SSLContext], ssl.SSLSocket]] = {143: _imap, 25: _smtp}
