"""Who is told: administrators at the addresses of the options, resellers and owners of accounts at their contacts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from jobs.policy.contact import mail_address
from jobs.policy.notify import Audience, Event, Interest
from jobs.policy.options import NotifyLevel, Options, capped
from jobs.policy.site import InvalidName

MAIL = "mail"
"""The channel of everybody who has an address."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """`to` is empty where a notifier's own options say where to. Equal whatever the case of an address is."""

    channel: str
    to: str

    @property
    def key(self) -> str:
        return f"{self.channel}:{self.to.lower()}"


@dataclass(frozen=True, slots=True)
class Owner:
    """An account as far as it matters here. `level` is what its user chose; None: as the administrator says."""

    account: str
    contact: str | None
    reseller: str | None = None
    level: NotifyLevel | None = None


@dataclass(frozen=True)
class Reader:
    """A recipient with every reason for which something is told there: one message, whoever it is to whom else."""

    recipient: Recipient
    interests: tuple[Interest, ...]

    @property
    def audience(self) -> Audience:
        return min((interest.audience for interest in self.interests), key=list(Audience).index)

    def wants(self, event: Event) -> bool:
        return any(interest.covers(event) for interest in self.interests)


def readers(
    options: Options, mail: bool, others: Sequence[str], owners: Iterable[Owner], resellers: Mapping[str, str]
) -> tuple[Reader, ...]:
    """Everybody who may be told something. `mail`: whether a notifier for mail is in use; `others`: those in use that
    need no address, which are for administrators; `resellers`: the contacts of those who have one.

    An address that can't be sent to is left out: sources may say anything.
    """
    found: dict[str, tuple[Recipient, list[Interest]]] = {}

    def add(channel: str, to: str | None, interest: Interest) -> None:
        if interest.level is not NotifyLevel.OFF and (channel != MAIL or _sendable(to)):
            recipient = Recipient(channel, to or "")
            found.setdefault(recipient.key, (recipient, []))[1].append(interest)

    host = Interest(Audience.ADMIN, options.notify_admin)
    for name in others:
        add(name, None, host)
    if mail:
        for address in options.admin_addresses:
            add(MAIL, address, host)
        for owner in owners:
            level = capped(owner.level, options.notify_user)
            add(MAIL, owner.contact, Interest(Audience.OWNER, level, owner.account))
            if options.resellers and owner.reseller:
                own = Interest(Audience.RESELLER, options.notify_user, owner.account)
                add(MAIL, resellers.get(owner.reseller), own)
    return tuple(Reader(recipient, tuple(interests)) for recipient, interests in found.values())


def wanted(readers: Iterable[Reader], events: Sequence[Event]) -> Iterator[tuple[Reader, tuple[Event, ...]]]:
    """Each reader with what is to be told there, for those that there is something for."""
    by_account: dict[str, list[Event]] = {}
    for event in events:
        by_account.setdefault(event.account, []).append(event)
    for reader in readers:
        accounts = {interest.account: None for interest in reader.interests}
        asked = events if None in accounts else [one for name in accounts for one in by_account.get(name or "", ())]
        found = tuple(event for event in asked if reader.wants(event))
        if found:
            yield reader, found


def _sendable(address: str | None) -> bool:
    try:
        return bool(address and mail_address(address))
    except InvalidName:
        return False
