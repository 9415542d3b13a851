"""The CA: what it asks for, and the registration there."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

import models
from jobs.policy.failure import Failure
from jobs.ports import Eab
from jobs.wiring import providers
from jobs.wiring.custom_provider import Custom, checked_name, read_options
from jobs.wiring.instance import Instance
from jobs.wiring.registration import checked_contact

PRIVATE = "private-ca"
"""What a CA is called here that was named by its directory only."""


@dataclass(frozen=True)
class Wanted:
    """A CA that is known by its name; or, with a `directory`, one of one's own, whose HTTPS is trusted by `ca_pem`
    (empty: as any). `contact` empty: as the configuration says."""

    name: str
    directory: str = ""
    ca_pem: str = ""
    contact: str = ""
    eab: Eab | None = None


@dataclass(frozen=True)
class Known:
    """One of those that can be chosen. `test`: browsers don't trust its certificates."""

    name: str
    title: str
    test: bool
    eab_required: bool


@dataclass(frozen=True)
class Terms:
    """What a CA asks for now. `url` empty: it has no terms."""

    title: str
    url: str
    eab_required: bool


@dataclass(frozen=True)
class Used:
    """The provider in use from now on. `account`: its URL at the CA."""

    name: str
    title: str
    account: str
    test: bool


def known(instance: Instance) -> tuple[Known, ...]:
    """Those that can be chosen, the best first."""
    return tuple(
        Known(one["name"], one["title"], one["specs"]["test"], one["specs"]["eab_required"])
        for one in providers.list_providers(instance)
    )


def check(wanted: Wanted, names: Collection[str] = ()) -> None:
    """Whether what was said can be meant at all; nothing is asked of the CA. `names`: of those that are known.

    Raises Failure("name_invalid", "directory_invalid", "ca_bundle_unreadable", "provider_unknown", "contact_invalid").
    """
    if wanted.directory:
        read_options(wanted.name, _custom(wanted))
        checked_name(wanted.name)
    elif wanted.name not in names:
        words = f"{wanted.name[:40]!r}: there is no such provider; expected one of {', '.join(sorted(names))}"
        raise Failure("provider_unknown", words, permanent=True)
    if wanted.contact:
        checked_contact(wanted.contact)


def ask(wanted: Wanted) -> Terms:
    """What the CA says of itself now. Raises Failure("provider_unknown", "provider_exists"), and what it answers."""
    if wanted.directory and not _is_kept(wanted):
        found = providers.preview(wanted.name, _custom(wanted))
    else:
        found = providers.look(wanted.name)
    seen = found["seen"]
    return Terms(found["title"], seen["terms_url"] or "", seen["eab_required"] or found["specs"]["eab_required"])


def use(instance: Instance, wanted: Wanted, accepted: bool | str) -> Used:
    """Take certificates from it: added where it is one of one's own, registered where there is no account yet.

    `accepted`: its terms, whatever they are now, or the URL of those that were read. Raises as `ask`, and
    Failure("terms_not_accepted", "eab_required", "contact_invalid").
    """
    if wanted.directory and not _is_kept(wanted):
        providers.add(instance, wanted.name, _custom(wanted), wanted.eab)
    found = providers.use(instance, wanted.name, accepted, wanted.contact or None, wanted.eab)
    return Used(found["name"], found["title"], found["account"] or "", found["specs"]["test"])


def _custom(wanted: Wanted) -> Custom:
    return Custom(wanted.directory, ca_pem=wanted.ca_pem or None)


def _is_kept(wanted: Wanted) -> bool:
    """Whether a CA of that name and directory was added before, by a set-up that was stopped, say."""
    row = models.Provider.get_or_none(models.Provider.name == wanted.name)
    if row is None:
        return False
    kept = json.loads(row.options).get("directory")
    if kept != wanted.directory:
        words = f"{wanted.name}: a provider of that name is there already, with another directory"
        raise Failure("provider_exists", f"{words}; choose a name for this one: --provider NAME", permanent=True)
    return True
