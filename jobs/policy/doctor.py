"""What the doctor concludes from what it measured: the clock, room, the nightly check, and everything together."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from jobs.policy.redirects import AddressKind, address_kind

SKEW_WARNS, SKEW_IS_WRONG = timedelta(seconds=30), timedelta(minutes=5)
"""CAs date certificates back by an hour; but nonces, windows and times to wait are compared with our clock."""

OLDEST_NIGHTLY = timedelta(hours=26)
"""A day, and two hours for a check that takes long or a night with one hour more."""

LONGEST_CHECK = timedelta(hours=12)

LITTLE_ROOM, NO_ROOM = 500 * 1024 * 1024, 50 * 1024 * 1024
"""Bytes. A renewal of a thousand websites writes some 20 MiB; logs and the database take the rest."""

FEW_INODES, NO_INODES = 10_000, 500

MOST_ADDRESSES = 8


class State(StrEnum):
    """From the best to the worst, but for the last."""

    FINE = "fine"
    WARNING = "warning"
    WRONG = "wrong"
    NOT_APPLICABLE = "not applicable"


_RANK = {State.NOT_APPLICABLE: 0, State.FINE: 1, State.WARNING: 2, State.WRONG: 3}


@dataclass(frozen=True, slots=True)
class Result:
    """One thing that was looked at. `text`: what was found; `expected` and `remedy` where it is not fine."""

    state: State
    subject: str
    text: str
    expected: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Room:
    """Of one file system. `inodes` is 0 where it has none to count."""

    where: str
    free: int
    free_inodes: int
    inodes: int


@dataclass(frozen=True, slots=True)
class Rhythm:
    """`serving`: a server process is alive; `since`: the first account was found; `working_since`: a check runs."""

    serving: bool
    since: datetime | None
    last: datetime | None
    following: datetime | None
    working_since: datetime | None
    locked: bool


def worst(states: Iterable[State]) -> State:
    return max(states, key=_RANK.__getitem__, default=State.NOT_APPLICABLE)


def asked_addresses(own: Iterable[str]) -> tuple[str, ...]:
    """The addresses at which the world may reach this host: its public ones of each family, else those of its network;
    IPv4 first."""
    usable = [one for one in own if not ipaddress.ip_address(one).is_link_local]
    chosen: list[str] = []
    for version in (4, 6):
        family = sorted(one for one in usable if ipaddress.ip_address(one).version == version)
        public = [one for one in family if address_kind(one) is AddressKind.PUBLIC]
        chosen += public or family
    return tuple(chosen[:MOST_ADDRESSES])


def clock(server: str, shown: datetime, asked: datetime, answered: datetime) -> Result:
    """`shown`: what the clock of `server` said, to the second, between two readings of ours."""
    subject = "clock"
    early, late = shown - answered, shown + timedelta(seconds=1) - asked
    skew = early if early > timedelta() else late if late < timedelta() else timedelta()
    seconds = round(abs(skew).total_seconds())
    if abs(skew) <= SKEW_WARNS:
        words = "agree" if seconds == 0 else f"differ by {seconds} s"
        return Result(State.FINE, subject, f"this host and {server} {words}")
    way = "behind" if skew > timedelta() else "ahead of"
    return Result(
        State.WRONG if abs(skew) > SKEW_IS_WRONG else State.WARNING,
        subject,
        f"this host is {_span(seconds)} {way} {server}",
        "at most 30 seconds of difference",
        "Let the clock be set by NTP, such as systemd-timesyncd or chrony.",
    )


def room(found: Room) -> Result:
    """Of bytes and of inodes, whichever is worse."""
    no_inodes = bool(found.inodes) and found.free_inodes < NO_INODES
    few_inodes = bool(found.inodes) and found.free_inodes < FEW_INODES
    text = f"{_size(found.free)} are free" + (f", and {found.free_inodes} inodes" if found.inodes else "")
    if found.free < NO_ROOM or no_inodes:
        state = State.WRONG
    elif found.free < LITTLE_ROOM or few_inodes:
        state = State.WARNING
    else:
        return Result(State.FINE, found.where, text)
    expected = f"{_size(LITTLE_ROOM)} and {FEW_INODES} inodes at least"
    return Result(state, found.where, text, expected, "Make room: without it no certificate can be stored.")


def rhythm(found: Rhythm, provider: bool, now: datetime) -> list[Result]:
    """Whether work is done by itself: a server that lives, a nightly check that was, and one that comes."""
    results = [_server(found), _working(found, now)]
    if not provider:
        return [*results, Result(State.NOT_APPLICABLE, "nightly check", "AutoSSL is disabled: no provider is in use")]
    following = f"; the next one begins at {found.following:%Y-%m-%d %H:%M} UTC" if found.following else ""
    latest = found.last or found.since
    if latest is None:
        return [*results, Result(State.FINE, "nightly check", f"there are no accounts yet{following}")]
    text = f"the last check of all ended at {found.last:%Y-%m-%d %H:%M} UTC" if found.last else "there was none yet"
    if now - latest <= OLDEST_NIGHTLY:
        return [*results, Result(State.FINE, "nightly check", text + following)]
    remedy = "Run `autossl check --all`, and see in `autossl log list` why the nightly one is missing."
    return [*results, Result(State.WRONG, "nightly check", text + following, "one in the last 26 hours", remedy)]


def _server(found: Rhythm) -> Result:
    if found.serving:
        return Result(State.FINE, "server", "it is running, and looks at what is due every ten minutes at most")
    remedy = "Start it: `autossl serve`, best as a service of the system."
    return Result(State.WRONG, "server", "none is running, so nothing happens by itself", "one process", remedy)


def _working(found: Rhythm, now: datetime) -> Result:
    """Who works holds a lock of the kernel's, which ends with its process; a row may be left behind."""
    subject, since = "work lock", found.working_since
    if not found.locked and since is None:
        return Result(State.FINE, subject, "free; nothing is being worked on")
    if not found.locked:
        words = f"free, though a check that began at {since:%Y-%m-%d %H:%M} UTC is noted as running: it died"
        remedy = "Nothing to do while a server runs: it is taken over at the next tick."
        return Result(State.WARNING, subject, words, "no such check", remedy)
    if since is None:
        return Result(State.FINE, subject, "held by something short, such as a set-up")
    words = f"held by a check that began at {since:%Y-%m-%d %H:%M} UTC"
    if now - since <= LONGEST_CHECK:
        return Result(State.FINE, subject, words)
    remedy = "See what it waits for in its log (`autossl log list`), and restart the server if it hangs."
    return Result(State.WARNING, subject, words, "an end within 12 hours", remedy)


def _span(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} seconds"
    return f"{seconds // 60} minutes" if seconds < 7200 else f"{seconds // 3600} hours"


def _size(count: int) -> str:
    return f"{count / 1024**3:.1f} GiB" if count >= 1024**3 else f"{count / 1024**2:.0f} MiB"
