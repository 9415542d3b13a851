"""URLs that strangers name, such as a CA or a certificate: which are plain enough to be shown as a link, or asked."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import urlsplit

_PLAIN = re.compile(r"\A[!#-;=?-\[\]_a-z~]+\Z")
"""What may stand in a URL (RFC 3986), without quotes and angle brackets."""


def is_plain(url: str, schemes: Collection[str], longest: int) -> bool:
    """Whether it is one of `schemes` with a host, without a user name, printable, and not longer than that."""
    if len(url) > longest or not _PLAIN.match(url):
        return False
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    return parts.scheme in schemes and bool(host) and "@" not in parts.netloc and port != 0
