"""The plug-ins that a person sets up, DNS backends and notifiers, and their options, as JSON-able facts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jobs import registry
from jobs.policy.failure import Failure
from jobs.registry import Plugin
from jobs.wiring import plugin_options
from jobs.wiring.instance import Instance

PACKAGES = ("dns_backends", "notifiers")
KEPT = "kept"
"""What is shown instead of a secret."""


def every() -> Iterator[Plugin]:
    for package in PACKAGES:
        yield from registry.load_all(package)


def found(name: str) -> Plugin:
    """The plug-in `name`, or `package/name` where both packages have one. Raises Failure("plugin_unknown")."""
    package, _, bare = name.rpartition("/")
    same = [one for one in every() if one.name == bare and package in ("", one.package)]
    if len(same) == 1:
        return same[0]
    if same:
        words = f"{name}: there are several; expected one of {', '.join(f'{one.package}/{one.name}' for one in same)}"
    else:
        words = f"{name}: expected one of {', '.join(one.name for one in every()) or 'none, for none is installed'}"
    raise Failure("plugin_unknown", words, permanent=True)


def facts(instance: Instance, plugin: Plugin) -> dict[str, Any]:
    """`active` is None where the options don't hold; `trouble` says why."""
    shown: dict[str, Any] = {
        "package": plugin.package, "name": plugin.name, "title": plugin.title, "active": None, "options": {},
        "trouble": "",
    }
    try:
        options = plugin_options.load(instance, plugin)
        shown["options"] = {field.name: _shown(field, options) for field in dataclasses.fields(options)}
        shown["active"] = active(instance, plugin, options)
    except Failure as failure:
        shown["trouble"] = failure.detail
    return shown


def active(instance: Instance, plugin: Plugin, options: Any) -> bool:
    """Whether it is in use with these options."""
    around = (instance.place,) if plugin.package == "dns_backends" else ()
    return bool(plugin.make(options, *around).active())


def _shown(field: dataclasses.Field[Any], options: Any) -> Any:
    value = getattr(options, field.name)
    if field.metadata.get("secret"):
        return KEPT if value else ""
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Path) else value
