"""What an administrator chooses for the whole installation (behaviour sections 4, 5, 7 and 9), and which values go."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from jobs.policy.contact import mail_address
from jobs.policy.delegation import zone_fault
from jobs.policy.keys import KeyType
from jobs.policy.site import InvalidName

_TIME = re.compile(r"\A([01][0-9]|2[0-3]):([0-5][0-9])\Z")
LONGEST_LOG_DAYS = 3650
MOST_ADDRESSES = 20


class NotifyLevel(StrEnum):
    """From loud to silent; a user may choose no louder one than the administrator allows."""

    ALL = "all"
    WARNINGS = "warnings"
    FAILURES = "failures"
    OFF = "off"


NOTIFY_TITLES = {
    NotifyLevel.ALL: "All events",
    NotifyLevel.WARNINGS: "Failures, warnings and deferrals",
    NotifyLevel.FAILURES: "Failures only",
    NotifyLevel.OFF: "Off",
}


class CaaMode(StrEnum):
    """When a CAA record of the provider is added to a zone that this host may change."""

    WHEN_NEEDED = "when needed"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True)
class Options:
    """Every field has a default, a label and a sentence of help. `nightly`: HH:MM, local; empty: chosen at random."""

    notify_user: NotifyLevel = field(
        default=NotifyLevel.WARNINGS,
        metadata={"label": "Users are told of", "help": "The most that a user can choose for himself."},
    )
    notify_admin: NotifyLevel = field(
        default=NotifyLevel.WARNINGS, metadata={"label": "Administrators are told of", "help": "By one digest a run."}
    )
    admin_addresses: tuple[str, ...] = field(
        default=(),
        metadata={
            "label": "Administrators' mail addresses",
            "help": "Where administrators are told. Owners are told at the contact of their account.",
        },
    )
    mail_from: str = field(
        default="",
        metadata={"label": "Mail comes from", "help": "A mail address. Empty: autossl@ and the name of this host."},
    )
    replace_foreign: bool = field(
        default=False,
        metadata={
            "label": "Allow AutoSSL to replace invalid or expiring certificates that it did not issue",
            "help": "Such a certificate may be one of extended or organization validation (EV, OV), which a CA checked"
            " by hand and somebody paid for. AutoSSL replaces it by a domain-validated one.",
        },
    )
    users_take_over: bool = field(
        default=False,
        metadata={
            "label": "Users may let AutoSSL replace valid certificates of their own websites",
            "help": "Certificates that others ordered, website by website. Without it only administrators may say so,"
            " and resellers for their accounts.",
        },
    )
    caa: CaaMode = field(
        default=CaaMode.WHEN_NEEDED,
        metadata={
            "label": "Add the provider's CAA record",
            "help": "In zones that a DNS backend of this host serves. When needed: beside records that would forbid the"
            " provider. Always: also where there is none, which then forbids every other CA.",
        },
    )
    challenge_zone: str = field(
        default="",
        metadata={
            "label": "Zone for the challenges of names with outside DNS",
            "help": "A zone that a DNS backend of this host serves. The owner of a name whose DNS is elsewhere sets one"
            " CNAME into it, once; then this host validates the name without that DNS. Empty: none is offered.",
        },
    )
    key_type: KeyType = field(
        default=KeyType.ECDSA_P256,
        metadata={"label": "Key type", "help": "Of new certificates, where no feature list says another one."},
    )
    log_days: int = field(default=30, metadata={"label": "Keep logs for", "help": "Days."})
    nightly: str = field(
        default="",
        metadata={"label": "Nightly check at", "help": "HH:MM in this host's time zone; empty: a minute before 06:00."},
    )
    resellers: bool = field(
        default=False,
        metadata={"label": "Resellers may manage their accounts", "help": "See, check, enable and disable them."},
    )


def faults(options: Options) -> dict[str, str]:
    """What is wrong with the values, as a sentence by field; empty when nothing is."""
    found = {}
    if not 1 <= options.log_days <= LONGEST_LOG_DAYS:
        found["log_days"] = f"expected 1 to {LONGEST_LOG_DAYS} days, got {options.log_days}"
    if options.nightly and not _TIME.match(options.nightly):
        found["nightly"] = f"expected a time such as 03:17, got {options.nightly[:20]!r}"
    if fault := zone_fault(options.challenge_zone):
        found["challenge_zone"] = fault
    if len(options.admin_addresses) > MOST_ADDRESSES:
        found["admin_addresses"] = f"expected {MOST_ADDRESSES} addresses at most, got {len(options.admin_addresses)}"
    for field_name, addresses in (("admin_addresses", options.admin_addresses), ("mail_from", (options.mail_from,))):
        for address in addresses:
            if address and (why := _address_fault(address)):
                found[field_name] = why
    return found


def _address_fault(address: str) -> str:
    """An address that begins with a hyphen would be an option to some mail programs."""
    try:
        mail_address(address)
    except InvalidName as error:
        return f"{address[:80]!r}: {error}"
    return f"{address[:80]!r}: expected a mail address that begins with no hyphen" if address.startswith("-") else ""


def minute_of_day(text: str) -> int | None:
    """`03:17` -> 197; None for an empty text. Raises ValueError."""
    if not text:
        return None
    match = _TIME.match(text)
    if match is None:
        raise ValueError(f"expected HH:MM, got {text!r}")
    return int(match[1]) * 60 + int(match[2])


def capped(chosen: NotifyLevel | None, cap: NotifyLevel) -> NotifyLevel:
    """A user's own level under the administrator's; None: the user chose nothing."""
    order = list(NotifyLevel)
    return cap if chosen is None else order[max(order.index(chosen), order.index(cap))]
