"""How an international name reads: its Unicode beside the A-label that stands in DNS and in certificates."""

from __future__ import annotations

import idna

_PREFIX = "xn--"


def readable(name: str) -> str:
    """The Unicode form of a host name that has one (RFC 5891), else empty: never shown instead of the A-label, which
    alone tells names apart that look alike. A label that IDNA forbids has none."""
    if _PREFIX not in name:
        return ""
    wildcard, rest = ("*.", name[2:]) if name.startswith("*.") else ("", name)
    try:
        text = idna.decode(rest)
    except UnicodeError:  # idna.IDNAError is one
        return ""
    return wildcard + text if text != rest else ""


def ascii_form(text: str) -> str:
    """What to look for in kept names when somebody types (a part of) a name in Unicode; other text stays as it is."""
    if text.isascii():
        return text
    try:
        return idna.encode(text, uts46=True).decode("ascii")
    except UnicodeError:
        return text
