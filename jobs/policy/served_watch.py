"""The watch over what services really serve: how many are looked at, what a look says, and what follows from it.

A difference is looked at twice before it counts, for a reload may be under way. Then the service is reloaded, once for
as long as the difference lasts; what is still different after that is told.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from jobs.policy.certificate import Certificate
from jobs.policy.redirects import printable

LOOKS_A_ROUND = 72
"""Ticks, ten minutes apart at most, in which everything is looked at once: half a day, so that ticks may fail."""

FEWEST = 8
"""So many are looked at in a tick however few there are."""

SECOND_LOOK = timedelta(seconds=20)
"""So much later at the earliest: a graceful reload takes up to 15 s until it shows."""

RELOADS_APART = timedelta(hours=1)
"""Between two reloads of one service by the watch, whatever they are for: a difference that comes back each time is
none that a reload takes away."""

_LONGEST_ISSUER = 80


class Seen(StrEnum):
    """What one look at a website on a service says."""

    FINE = "fine"
    IDLE = "idle"
    """Nothing is served there that could be compared: the service is stopped, or the website has no name on it."""
    OLDER = "older"
    """Another certificate that was installed here before: the service has not read the newer one."""
    OTHER = "other"
    SILENT = "silent"
    """No handshake came to an end."""
    UNKNOWN = "unknown"
    """Where to ask can't be told: the service's own configuration can't be read."""
    DAMAGED = "damaged"
    """The installed files are missing, or don't belong together; a service that reads them anew would be worse off."""


class State(StrEnum):
    """What is remembered between two looks."""

    FINE = "fine"
    IDLE = "idle"
    SUSPECTED = "suspected"
    """Different once; that does not count yet."""
    DIFFERS = "differs"


CODES = {
    Seen.OLDER: "served_older",
    Seen.OTHER: "served_other",
    Seen.SILENT: "served_nothing",
    Seen.DAMAGED: "set_damaged",
}
"""What differs, by the code of its problem."""

RELOAD_HELPS = frozenset({Seen.OLDER, Seen.OTHER, Seen.SILENT})


@dataclass(frozen=True, slots=True)
class Shown:
    """One handshake. `fingerprint` is None when it came to no end, and `detail` says why; `certificate` is None also
    when what came can't be read."""

    where: str
    fingerprint: str | None
    certificate: Certificate | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """`text`: what was expected and what was found, for who runs the host; empty when it is as it should be."""

    seen: Seen
    fingerprint: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of one website on one service. `reloaded_at`: when the service was last reloaded for it."""

    state: State | None = None
    differs_since: datetime | None = None
    reloaded_at: datetime | None = None

    @property
    def reloaded(self) -> bool:
        """Whether the service was reloaded for the difference that lasts."""
        return None not in (self.differs_since, self.reloaded_at) and self.reloaded_at >= self.differs_since  # type: ignore[operator]


def sample_size(watched: int) -> int:
    """How many of `watched` are looked at in one tick, those that were not looked at for longest."""
    return min(watched, max(FEWEST, -(-watched // LOOKS_A_ROUND)))


def judged(expected: Certificate, answers: Sequence[Shown]) -> Look:
    """What these handshakes say, as far as it can be told without knowing which certificates were ever ours."""
    if not answers:
        return Look(Seen.IDLE)
    wrong = [one for one in answers if one.fingerprint != expected.fingerprint]
    if not wrong:
        return Look(Seen.FINE, expected.fingerprint)
    first = next((one for one in wrong if one.fingerprint is not None), wrong[0])
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    if first.fingerprint is None:
        return Look(Seen.SILENT, None, f"{first.detail}{more}; expected {named(expected)}")
    found = named(first.certificate) if first.certificate else f"one that can't be read: {first.detail}"
    return Look(Seen.OTHER, first.fingerprint, f"{first.where}{more}: expected {named(expected)}, got {found}")


def recognized(look: Look, formers: Collection[str]) -> Look:
    """`look`, with another certificate told from an older one. `formers`: fingerprints of what was ever stored here."""
    older = look.seen is Seen.OTHER and look.fingerprint in formers
    return replace(look, seen=Seen.OLDER) if older else look


def remembered(before: Memory, look: Look, now: datetime) -> Memory:
    """What is to be remembered after `look`. A moment that lies ahead is of a clock that was wrong, and forgotten."""
    if before.reloaded_at is not None and before.reloaded_at > now:
        before = replace(before, reloaded_at=None)
    if look.seen is Seen.FINE:
        return Memory(State.FINE, None, before.reloaded_at)
    if look.seen is Seen.UNKNOWN:
        return before
    if look.seen is Seen.IDLE:
        return Memory(State.IDLE, None, before.reloaded_at)
    since = before.differs_since
    if since is None or since > now or before.state not in (State.SUSPECTED, State.DIFFERS):
        return Memory(State.SUSPECTED, now, before.reloaded_at)
    counts = before.state is State.DIFFERS or now - since >= SECOND_LOOK
    return Memory(State.DIFFERS if counts else State.SUSPECTED, since, before.reloaded_at)


def may_reload(memory: Memory, look: Look) -> bool:
    """Whether the service is to be reloaded for this difference, as far as it depends on this one."""
    return memory.state is State.DIFFERS and look.seen in RELOAD_HELPS and not memory.reloaded


def next_reload(last: datetime | None, now: datetime) -> datetime | None:
    """When the service may be reloaded again, if that is not now. `last`: when the watch last reloaded it."""
    again = None if last is None else last + RELOADS_APART
    return again if again is not None and again > now else None


def named(certificate: Certificate) -> str:
    """A certificate in a few words; its issuer's name may be anybody's invention."""
    issuer = printable(certificate.issuer, _LONGEST_ISSUER) or "an unnamed issuer"
    by = "self-signed" if certificate.self_signed else f"by {issuer}"
    return f"the certificate {certificate.serial} ({by}, until {certificate.not_after:%Y-%m-%d %H:%M} UTC)"
