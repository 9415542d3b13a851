"""What a plug-in's class owes its port, found by looking at both."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jobs import ports
from jobs.abilities import (
    HoldsSeveral,
    KeepsForNames,
    LeavesBehind,
    RenewalInfo,
    SeesZone,
    SetsUp,
    TakesLastingRecords,
    WritesSomeOnly,
)
from jobs.policy.site import UNASSIGNED, Account, Website, account_name, hostname

PORTS: dict[str, type] = {
    "providers": ports.Provider,
    "services": ports.ServiceTarget,
    "accounts": ports.AccountSource,
    "dns_backends": ports.DnsBackend,
    "notifiers": ports.Notifier,
}
ABILITIES: dict[str, tuple[type, ...]] = {
    "providers": (ports.Registers, TakesLastingRecords, RenewalInfo), "services": (SetsUp, HoldsSeveral),
    "dns_backends": (WritesSomeOnly, LeavesBehind, KeepsForNames, SeesZone),
}
"""Optional Protocols: what a class has of one it has whole."""
NAMED = {
    "services": {"left_undone", "read_until_reloaded"}, "accounts": {"remarks", "features"}, "notifiers": {"check"},
}
"""Optional methods that a port's docstring or its caller names."""
PLACE = ("options", "place")
CONSTRUCTED = {
    "providers": ("options", "account"),
    "services": PLACE,
    "accounts": PLACE,
    "dns_backends": PLACE,
    "notifiers": ("options",),
}


def methods(port: type) -> dict[str, Any]:
    """The port's own methods."""
    return {name: found for name, found in vars(port).items() if inspect.isfunction(found) and not name.startswith("_")}


def broken_promises(made: type, package: str, port: type | None = None) -> list[str]:
    """Everything in which the class differs from what its port promises; empty when it keeps all of it."""
    port = port or PORTS[package]
    wrong = list(_of(made, port))
    known = set(methods(port)) | NAMED.get(package, set())
    for ability in ABILITIES.get(package, ()):
        known |= set(methods(ability))
        if any(hasattr(made, name) for name in methods(ability)):
            wrong += _of(made, ability)
    public = {
        name for name in dir(made)
        if not name.startswith("_") and inspect.isfunction(inspect.getattr_static(made, name))
    }
    return wrong + [f"{name}: a method that no port knows" for name in sorted(public - known)]


def _of(made: type, port: type) -> Iterator[str]:
    for name, promised in methods(port).items():
        found = getattr(made, name, None)
        if found is None:
            yield f"{name}: missing"
        elif found is promised:
            yield f"{name}: the Protocol's own empty body"
        else:
            yield from _differences(name, inspect.signature(promised), inspect.signature(found))
    for name in getattr(port, "__annotations__", {}):
        if not hasattr(made, name):
            yield f"{name}: missing"


def _differences(name: str, promised: inspect.Signature, found: inspect.Signature) -> Iterator[str]:
    wanted = [(each.name, each.kind) for each in promised.parameters.values()]
    given = list(found.parameters.values())
    if [(each.name, each.kind) for each in given[: len(wanted)]] != wanted:
        yield f"{name}: expected the parameters {promised}, got {found}"
    for more in given[len(wanted) :]:
        if more.default is more.empty and more.kind not in (more.VAR_POSITIONAL, more.VAR_KEYWORD):
            yield f"{name}: the parameter {more.name} has no default"


def nowhere(options: type, root: Path) -> tuple[Any, bool]:
    """The options with every path pointing where nothing is; and whether there was a path at all."""
    plain = options()
    paths = {
        field.name: str(root / "nowhere" / field.name)
        for field in dataclasses.fields(plain)
        if isinstance(getattr(plain, field.name), str)
        and (getattr(plain, field.name).startswith("/") or field.name in ("folder", "directory", "file"))
    }
    return dataclasses.replace(plain, **paths), bool(paths)


def well_formed(accounts: list[Account], websites: list[Website]) -> None:
    """Whether what a source found keeps the words of the port and of `Website`."""
    names = [account.name for account in accounts]
    assert len(names) == len(set(names))
    assert all(account_name(name) == name for name in names)
    assert {site.account for site in websites} <= {*names, UNASSIGNED}
    listed = [name for site in websites for name in site.names]
    assert len(listed) == len(set(listed)), "a name is in one website only"
    assert all(hostname(name) == name for name in listed)
    assert all(not site.main.startswith("*.") for site in websites)
    assert all(site.docroot is None or site.docroot.startswith("/") for site in websites)
    assert all(text.isprintable() and why for site in websites for text, why in site.rejected)
