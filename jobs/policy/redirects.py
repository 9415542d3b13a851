"""Where a validation request may go: redirects as a CA follows them, and kinds of addresses."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from jobs.policy.site import InvalidName, hostname

FOLLOWED = frozenset({301, 302, 303, 307, 308})
"""Status codes followed. CAs under the Baseline Requirements (3.2.2.4.19) leave out 303, which gets a warning."""

LONGEST_URL = 2000
_SAFE = "/%:@!$&'()*+,;=~-._?"


class AddressKind(StrEnum):
    PUBLIC = "public"
    LOOPBACK = "loopback"
    PRIVATE = "private"
    UNUSABLE = "unusable"


class RedirectRefused(Exception):
    """A redirect that a CA, or this host, doesn't follow. `code` is a key of the catalogue."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Target:
    """One URL of a validation. It has no port: `http` means port 80 and `https` port 443, or what stands for them."""

    scheme: str
    host: str
    path: str

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}{self.path}"


def next_target(current: Target, location: str, http_port: int = 80, https_port: int = 443) -> Target:
    """Where the redirect `location` of `current` leads.

    Only http and https, only ports 80 and 443 (`http_port` and `https_port` stand for them on a test bench), only
    host names: an address is refused (Baseline Requirements 3.2.2.4.19). Raises RedirectRefused.
    """
    shown = printable(location, 200)
    if not location.strip():
        raise RedirectRefused("http_redirect_refused", f"{current.url} redirects, but says not where to")
    try:
        parts = urlsplit(urljoin(current.url, location.strip()))
        port = parts.port
    except ValueError as error:
        raise _refused(current, shown, "that is not a URL") from error
    if parts.scheme not in ("http", "https"):
        raise _refused(current, shown, "only http and https are followed")
    allowed = (80, http_port) if parts.scheme == "http" else (443, https_port)
    if port is not None and port not in allowed:
        why = f"port {port} is none that a CA goes to; it goes to 80 (http) and 443 (https)"
        raise _refused(current, shown, why, "http_redirect_port")
    if parts.username is not None or parts.password is not None:
        raise _refused(current, shown, "it carries a user name")
    target = Target(parts.scheme, _host(current, parts, shown), _path(parts))
    if len(target.url) > LONGEST_URL:
        raise _refused(current, shown, f"it is longer than {LONGEST_URL} characters")
    return target


def address_kind(address: str) -> AddressKind:
    """Tell a public address from those that the Internet can't reach. `address` is a valid IP address; where an IPv6
    one stands for an IPv4 one (mapped, 6to4), that one counts."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.is_site_local:
            return AddressKind.PRIVATE
        ip = ip.ipv4_mapped or ip.sixtofour or ip
    if ip.is_loopback:
        return AddressKind.LOOPBACK
    if ip.is_unspecified or ip.is_multicast or ip.is_link_local or ip.is_reserved:
        return AddressKind.UNUSABLE
    return AddressKind.PUBLIC if ip.is_global else AddressKind.PRIVATE


def printable(text: str, most: int) -> str:
    """`text` from outside as it may stand in a log or on a page: printable ASCII, at most `most` characters."""
    clean = "".join(char if " " <= char <= "~" else "?" for char in text[: most + 1])
    return clean if len(clean) <= most else clean[: most - 3] + "..."


def _host(current: Target, parts: SplitResult, shown: str) -> str:
    host = parts.hostname or ""
    try:
        public = address_kind(host) is AddressKind.PUBLIC
    except ValueError:
        try:
            return hostname(host)
        except InvalidName as error:
            raise _refused(current, shown, f"its host can't be asked: {error}") from error
    why, code = "it leads to an address instead of a name", "http_redirect_refused"
    if not public:
        why, code = "it leads to an address that is not a public one", "http_redirect_internal"
    raise _refused(current, shown, why, code)


def _path(parts: SplitResult) -> str:
    path = parts.path or "/"
    whole = f"{path}?{parts.query}" if parts.query else path
    return quote(whole, safe=_SAFE, encoding="latin-1", errors="replace")


def _refused(current: Target, shown: str, why: str, code: str = "http_redirect_refused") -> RedirectRefused:
    return RedirectRefused(code, f"{current.url} redirects to {shown}: {why}")
