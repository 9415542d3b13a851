"""A letter as mail has it: headers, text and HTML (RFC 5322, RFC 2046), in ASCII only.

Nothing in it can add a header or end the message: the library refuses line ends in headers, and encodes the bodies.
"""

from __future__ import annotations

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from jobs.policy.failure import Failure
from jobs.policy.site import InvalidName, hostname
from jobs.ports import Letter

_POLICY = SMTP.clone(max_line_length=400)
"""No header is folded (998 are allowed): some readers show a folded subject with a space before it."""


def as_mail(letter: Letter) -> bytes:
    """With CRLF line ends. The same bytes for the same letter, but for the boundary between its parts.

    Raises Failure("notifier_refused") for an address that can't be one.
    """
    message = EmailMessage(_POLICY)
    message["From"] = Address("AutoSSL", addr_spec=address(letter.sender))
    message["To"] = Address(addr_spec=address(letter.recipient))
    message["Subject"] = letter.subject
    message["Date"] = letter.date
    message["Message-ID"] = f"<{letter.message_id}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(letter.body.text, cte="quoted-printable")
    message.add_alternative(letter.body.html, subtype="html", cte="quoted-printable")
    return message.as_bytes()


def address(text: str) -> str:
    """A mail address with its domain as DNS has it. Raises Failure("notifier_refused")."""
    local, at, domain = text.rpartition("@")
    try:
        return f"{local}{at}{hostname(domain)}"
    except InvalidName as error:
        raise Failure("notifier_refused", f"{text[:80]!r}: not a mail address: {error}", permanent=True) from error
