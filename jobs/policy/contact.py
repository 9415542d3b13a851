"""Which mail addresses are taken as a contact."""

from __future__ import annotations

from jobs.policy.site import InvalidName, hostname

_NEVER = frozenset('<>?&,;:"@()[]\\%')


def mail_address(text: str) -> str:
    """Return `text` if it can be sent to and can stand in a `mailto:` (RFC 6068); raises InvalidName."""
    local, at, domain = text.rpartition("@")
    if not at or not local:
        raise InvalidName("expected a mail address")
    if not local.isascii() or not local.isprintable() or any(char.isspace() or char in _NEVER for char in local):
        raise InvalidName("expected a mail address of plain letters before the '@'")
    if domain != domain.strip() or domain.endswith(".") or domain.startswith("*"):
        raise InvalidName("expected a mail address that ends with a host's name, and nothing behind it")
    try:
        hostname(domain)
    except InvalidName as error:
        raise InvalidName(f"expected a mail address: {domain!r}: {error}") from error
    return text
