"""/metrics: figures of the installation for Prometheus, for who has a token, or knocks from this host itself."""

from __future__ import annotations

import ipaddress
import logging
import re

from flask import Blueprint, Response, request
from peewee import DatabaseError
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from jobs.policy.access import Right
from jobs.wiring import tokens
from jobs.wiring.instance import now
from jobs.wiring.measures import measure
from panel import sessions
from panel.access import public
from panel.exposition import registry
from panel.work import instance, running_background

pages = Blueprint("metrics", __name__)

_log = logging.getLogger("autossl.panel")

OPENMETRICS = "application/openmetrics-text"
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="AutoSSL"'}
NOBODY = (
    "send an administrator's API token in the header Authorization: Bearer TOKEN; without one, this is for programs of"
    " the host itself that ask https://127.0.0.1 or https://localhost directly"
)
UNKNOWN = "the token is unknown, or has expired"
TOO_LITTLE = "the figures are of the whole host: it takes an administrator's token that is not restricted to an account"

_OF_A_SCRAPER = frozenset({
    "accept", "accept-encoding", "connection", "host", "user-agent", "x-prometheus-scrape-timeout-seconds",
})
"""Headers of Prometheus, vmagent, Telegraf and curl. Whatever is between sends more, or in another way."""

_THIS_HOST = re.compile(r"\A(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?\Z", re.I)


@pages.get("/metrics")
@public
def show() -> Response:
    refusal = _refusal()
    if refusal is not None:
        return refusal
    kind, body = _rendered(registry(measure(instance(), now())))
    return Response(body, content_type=kind)


@pages.errorhandler(DatabaseError)
def broken(error: DatabaseError) -> Response:
    _log.error("/metrics: the database does not answer: %s", error)
    return _words(503, "the database does not answer; the panel's own log says why", {})


def _refusal() -> Response | None:
    """Why the figures are not for who asks; a header that is no token of ours is refused also from this host."""
    header = request.headers.get("Authorization")
    if header is None:
        return None if _from_this_host() else _words(401, NOBODY, CHALLENGE)
    token = tokens.authenticate(header) if header.startswith("Bearer ") else None
    if token is None:
        return _words(401, UNKNOWN, CHALLENGE)
    return None if Right.SEE_HOST in token.rights else _words(403, TOO_LITTLE, {})


def _from_this_host() -> bool:
    """Whether a program of this host asks for itself.

    Behind another web server everybody seems to be of this host. So that counts only at our own server, which knows the
    connection itself, and only where nothing shows that the request was passed on, or is a browser's: a header that
    scrapers don't send, a name that is not this host's own (a web page's, which was made to lead here), or HTTP/1.0,
    which nginx speaks to what is behind it unless it is told otherwise.
    """
    if running_background() is None or not instance().config.panel.metrics_loopback:
        return False
    direct = request.environ.get("SERVER_PROTOCOL") == "HTTP/1.1" and all(
        name.lower() in _OF_A_SCRAPER for name, _ in request.headers
    )
    own_name = _THIS_HOST.match(request.headers.get("Host", "")) is not None
    return direct and own_name and _is_loopback(sessions.address())


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _rendered(figures: CollectorRegistry) -> tuple[str, bytes]:
    """As OpenMetrics where that is preferred, else in Prometheus's own format."""
    wanted = {OPENMETRICS: 0.0, "text/plain": 0.0}
    for accepted, quality in request.accept_mimetypes:
        kind = accepted.partition(";")[0].strip().lower()
        if kind in wanted:
            wanted[kind] = max(wanted[kind], quality)
    if wanted[OPENMETRICS] > wanted["text/plain"]:
        return openmetrics.CONTENT_TYPE_LATEST, openmetrics.generate_latest(figures)
    return CONTENT_TYPE_PLAIN_0_0_4, generate_latest(figures)


def _words(status: int, text: str, headers: dict[str, str]) -> Response:
    return Response(f"{text}\n", status, headers, content_type="text/plain; charset=utf-8")
