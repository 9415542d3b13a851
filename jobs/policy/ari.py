"""When a CA asks for a renewal (RFC 9773): the certificate's id, the window, the point in it, and when to ask again.

A CA's answer is hostile until it is read here. The point is chosen once, at random, and kept until the window or the
certificate changes: whoever chose anew at each look would renew at the window's beginning. The failures are counted in
the row, so that looking often does not mean asking often.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509

from jobs.policy.certificate import Certificate
from jobs.policy.due import lifetime
from jobs.policy.plain_url import is_plain

SHORTEST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(days=1)
"""Between two questions about one certificate, whatever the CA says (RFC 9773 section 4.3.2)."""

USUAL_WAIT = timedelta(hours=6)
"""Where the CA names no time, and after a trouble that will last."""

NOT_OFFERED_WAIT = timedelta(days=1)
"""Until it is looked again whether a CA has begun to give such answers."""

PASSING = frozenset({"ca_unreachable", "ca_unavailable", "ca_rate_limited"})
"""Codes of failures that may be over in a minute; every other one lasts (section 4.3.3)."""

FIRST_RETRY = timedelta(minutes=1)
SPACING, LONGEST_SPACING = timedelta(hours=1), timedelta(hours=12)
"""A window never makes a certificate renewed that was stored less than this ago: a hundredth of the lifetime, between
these two. A CA whose answers are wrong would have us order without end."""

TIME_TO_ACT = timedelta(minutes=30)
"""The point leaves so much of the window, or half of it: work with a date is looked for every ten minutes, and a CA
that grants more to a renewal in the window means the order, not the plan."""

EARLIEST, FURTHEST = datetime(2000, 1, 1, tzinfo=UTC), timedelta(days=3650)
"""A window that begins before, or ends so long from now, is nonsense."""

LONGEST_URL = 1000
_LONGEST_TIME = 40
_RFC3339 = re.compile(r"\A\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)


class BadWindow(ValueError):
    """An answer that counts as none; its message says what was expected and what came."""


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` to `end`, aware, UTC. The CA would like the renewal in it."""

    start: datetime
    end: datetime

    def holds(self, moment: datetime) -> bool:
        return self.start <= moment <= self.end


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A CA's answer. `retry_at`: when it wants to be asked again; `url`: where it explains itself to people."""

    window: Window
    url: str | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Renewal:
    """What is kept of one certificate's window. `next_at` None: it is not asked for any more. A window whose `point` is
    missing says nothing: it is as if there were none."""

    window: Window | None = None
    point: datetime | None = None
    url: str | None = None
    next_at: datetime | None = None
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate as its CA knows it: the id, by which provider and ACME account (URL) it was ordered, for whom."""

    certificate_id: str
    provider: str
    account_url: str
    names: tuple[str, ...]
    window: Window


def certificate_id(certificate: x509.Certificate) -> str | None:
    """base64url of the authority's key identifier, a dot, base64url of the serial number's DER content (section 4.1);
    None for a certificate that does not name its authority's key."""
    try:
        authority = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except (x509.ExtensionNotFound, ValueError):
        return None
    if not authority:
        return None
    return f"{_base64url(authority)}.{_base64url(_integer(certificate.serial_number))}"


def read(document: Mapping[str, Any], retry_at: datetime | None, now: datetime) -> Suggestion:
    """The answer's JSON object (section 4.2). Raises BadWindow for what is to be ignored."""
    window = document.get("suggestedWindow")
    if not isinstance(window, dict):
        raise BadWindow(f"expected 'suggestedWindow' as an object, got {_shown(window)}")
    start, end = (_moment(key, window.get(key)) for key in ("start", "end"))
    if end <= start:
        raise BadWindow(f"expected a window that ends after its start, got {_shown(f'{start} to {end}')}")
    if start < EARLIEST or end > now + FURTHEST:
        raise BadWindow(f"expected a window of these years, got {_shown(f'{start} to {end}')}")
    return Suggestion(Window(start, end), explanation(document.get("explanationURL")), retry_at)


def explanation(value: Any) -> str | None:
    """The URL if it can be shown as a link: http or https, with a host, without a user name, printable."""
    return value if isinstance(value, str) and is_plain(value, ("http", "https"), LONGEST_URL) else None


def after_answer(
    kept: Renewal, answer: Suggestion, certificate: Certificate, stored_at: datetime, fraction: float, now: datetime
) -> Renewal:
    """What is kept after an answer about `certificate`. `fraction`: random, 0 to 1; it counts only for a window that is
    new, or whose point is missing."""
    point = kept.point if answer.window == kept.window else None
    if point is None:
        point = max(_point(answer.window, fraction), stored_at + spacing(certificate))
    asked = answer.retry_at or now + USUAL_WAIT
    return Renewal(answer.window, point, answer.url, _next(asked, now, certificate.not_after))


def after_failure(
    kept: Renewal, code: str, retry_at: datetime | None, not_after: datetime, now: datetime
) -> Renewal:
    """What is kept after a question in vain, which ended in the Failure `code`: the window stays. What passes is asked
    again after 1, 2, 4 ... minutes, at most 6 hours; what lasts (the CA knows nothing, or answers nonsense) after 6
    hours at once."""
    failures = kept.failures + 1
    doubled = min(FIRST_RETRY * 2 ** min(failures - 1, 10), USUAL_WAIT)
    asked = now + (doubled if code in PASSING else USUAL_WAIT)
    asked = max(asked, retry_at) if retry_at else asked
    return replace(kept, next_at=_next(asked, now, not_after), failures=failures)


def not_offered(kept: Renewal, not_after: datetime, now: datetime) -> Renewal:
    """The CA's directory has no such answers, or none any more; what it said when it had stays."""
    return replace(kept, next_at=_next(now + NOT_OFFERED_WAIT, now, not_after), failures=0)


def replaces(former: Issued, provider: str, account_url: str, names: Collection[str], now: datetime) -> str | None:
    """What a new order may say that it replaces (section 5): the same CA, the same account and a common name are what
    CAs demand; outside the window it gains nothing."""
    same = former.provider == provider and former.account_url == account_url
    return former.certificate_id if same and former.window.holds(now) and {*former.names} & {*names} else None


def spacing(certificate: Certificate) -> timedelta:
    """For how long after it was stored no window makes a certificate renewed."""
    return min(max(lifetime(certificate) / 100, SPACING), LONGEST_SPACING)


def _point(window: Window, fraction: float) -> datetime:
    whole = window.end - window.start
    return window.start + (whole - min(TIME_TO_ACT, whole / 2)) * min(max(fraction, 0.0), 1.0)


def _next(asked: datetime, now: datetime, not_after: datetime) -> datetime | None:
    """Within the limits; never after the certificate has expired."""
    moment = min(max(asked, now + SHORTEST_WAIT), now + LONGEST_WAIT)
    return moment if moment < not_after else None


def _moment(key: str, value: Any) -> datetime:
    """RFC 3339 with its offset."""
    if not isinstance(value, str) or len(value) > _LONGEST_TIME or not _RFC3339.match(value):
        raise BadWindow(f"expected {key!r} as a time of RFC 3339 with its offset, got {_shown(value)}")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadWindow(f"expected {key!r} as a time of RFC 3339, got {_shown(value)}: {error}") from error


def _integer(number: int) -> bytes:
    """The content octets of an INTEGER in DER: two's complement, as short as possible, so that a positive number whose
    first bit is set begins with a zero byte."""
    bits = (number if number >= 0 else ~number).bit_length()
    return number.to_bytes(bits // 8 + 1, "big", signed=True)


def _base64url(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _shown(value: Any) -> str:
    return repr(value)[:80]
