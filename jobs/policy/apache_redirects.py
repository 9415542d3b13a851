"""Which directives of a plain vhost would send its https twin to itself, round and round.

A redirect to another host, or to a path that it doesn't match itself, is part of how the website behaves and stays.
In doubt a redirect to the website's own https is taken for a loop: without it a page shows that would else never load.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from jobs.policy.apache_answers import ANY
from jobs.policy.apache_config import Directive

_URL = re.compile(r"https://([^/?#]*)([^?#]*)", re.IGNORECASE)
_PATH_WITHOUT_SLASH = re.compile(r"([^%$]+)(%\{REQUEST_URI\}|\$\d)\Z")
_STATUS = re.compile(r"(?:permanent|temp|seeother|gone|\d{3})\Z", re.IGNORECASE)
_ALIAS_REDIRECTS = ("redirect", "redirectpermanent", "redirecttemp", "redirectmatch")


def loops(directive: Directive, names: Collection[str], https_port: int = 443) -> bool:
    """Whether a Redirect, RedirectMatch or RewriteRule would send a request for one of `names` by https to itself."""
    name = directive.name.lower()
    if name == "rewriterule":
        return _rewrite_loops(directive.args, names, https_port)
    if name in _ALIAS_REDIRECTS:
        return _alias_loops(name, directive.args, names, https_port)
    return False


def _alias_loops(name: str, args: tuple[str, ...], names: Collection[str], port: int) -> bool:
    words = args[1:] if args and _STATUS.match(args[0]) and name in ("redirect", "redirectmatch") else args
    path = _own_path(words[-1], names, port) if words else None
    if path is None:
        return False
    if len(words) < 2 or _dynamic(path):  # in a <Location>, the path is the section's
        return True
    if name == "redirectmatch":
        return _matches(words[0], path)
    prefix = words[0].rstrip("/")
    return path == prefix or path.startswith(prefix + "/") or (not prefix and not path)


def _rewrite_loops(args: tuple[str, ...], names: Collection[str], port: int) -> bool:
    path = _own_path(args[1], names, port) if len(args) > 1 else None
    if path is None:
        return False
    pattern = args[0]
    if _dynamic(path) or pattern.startswith("!"):
        return True
    return _matches(pattern, path) or _matches(pattern, path.lstrip("/"))  # in a directory the slash is missing


def _own_path(url: str, names: Collection[str], port: int) -> str | None:
    """The path of a URL to one of `names` by https (a host made of variables counts); None for any other URL."""
    match = _URL.match(url)
    if not match:
        return None
    authority, path = match[1], match[2]
    glued = _PATH_WITHOUT_SLASH.match(authority)
    if glued:
        authority, path = glued[1], glued[2] + path
    host, _, at = authority.rpartition(":") if re.search(r":\d*\Z", authority) else (authority, "", "")
    if at and at != str(port):
        return None
    if not _dynamic(host) and not any(_covered(host.lower(), name) for name in names):
        return None
    return path


def _covered(host: str, name: str) -> bool:
    return host == name or (name.startswith(ANY) and host.endswith(name[1:]))


def _dynamic(text: str) -> bool:
    return "%" in text or "$" in text


def _matches(pattern: str, path: str) -> bool:
    """Whether the pattern (PCRE) matches; one that Python reads in another way counts as matching."""
    try:
        return re.search(pattern, path or "/", re.IGNORECASE) is not None
    except re.error:
        return True
