"""The next serial number of a zone, in whatever style its file counts (RFC 1982, RFC 1912 section 2.2)."""

from __future__ import annotations

from datetime import UTC, datetime

_ALL = 2**32
_LONG_AGO = 10 * 365 * 86400
"""A serial number this many seconds old may still be one of unix time: of a zone that nobody changed for ten years."""


def is_later(new: int, old: int) -> bool:
    """Whether `new` comes after `old` (RFC 1982 section 3.2: less than half of the circle ahead)."""
    return 0 < (new - old) % _ALL < _ALL // 2


def next_serial(present: int, now: datetime) -> int:
    """A serial number after `present`, always: today's YYYYMMDD00, the unix time, or one more. 0 is passed over, for
    some servers take it for none. `now`: aware."""
    for candidate in _by_style(present, now):
        if is_later(candidate, present):
            return candidate
    return (present + 1) % _ALL or 1


def _by_style(present: int, now: datetime) -> tuple[int, ...]:
    today = int(f"{now.astimezone(UTC):%Y%m%d}00")
    if _is_date(present // 100) and present // 100 <= today // 100 + 1:
        return (today,)
    seconds = int(now.timestamp())
    return (seconds,) if seconds - _LONG_AGO < present <= seconds + 86400 else ()


def _is_date(number: int) -> bool:
    """YYYYMMDD from 1990 on. Fewer digits are none, whatever `strptime` makes of them."""
    try:
        return datetime.strptime(str(number), "%Y%m%d").replace(tzinfo=UTC).year >= 1990 and number >= 19900101
    except ValueError:
        return False
