"""The options of plug-ins that a person sets in the panel: DNS backends and notifiers, whichever files there are.

What was chosen wins over config.toml. Secrets are kept in `keys/<package>.<name>.json` (0600), never in a table.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from jobs.config import fill
from jobs.policy.failure import Failure
from jobs.registry import Plugin
from jobs.store import write_secret
from jobs.wiring.instance import Instance, choose, setting


def load(instance: Instance, plugin: Plugin) -> Any:
    """The options of a plug-in as they hold now. A kept value that this version doesn't know is passed over.

    Raises Failure("config_invalid"), Failure("unreadable").
    """
    known = {field.name for field in dataclasses.fields(plugin.options)}
    configured = instance.config.plugins.get(plugin.package, {}).get(plugin.name, {})
    chosen = {**setting(_key(plugin), {}), **_secrets(_file(instance, plugin))}
    kept = {name: value for name, value in chosen.items() if name in known}
    return fill(plugin.options, {**configured, **kept}, f"{plugin.package}.{plugin.name}")


def save(instance: Instance, plugin: Plugin, options: Any) -> None:
    """Keep what differs from what holds now, so that the rest goes on following config.toml."""
    present = load(instance, plugin)
    changed = {
        field.name: _plain(getattr(options, field.name))
        for field in dataclasses.fields(plugin.options)
        if getattr(options, field.name) != getattr(present, field.name)
    }
    secret = {field.name for field in dataclasses.fields(plugin.options) if field.metadata.get("secret")}
    open_values = {name: value for name, value in changed.items() if name not in secret}
    secrets = {name: value for name, value in changed.items() if name in secret}
    if secrets:
        path = _file(instance, plugin)
        write_secret(path, json.dumps({**_secrets(path), **secrets}).encode())
    if open_values:
        choose(_key(plugin), {**setting(_key(plugin), {}), **open_values})


def _key(plugin: Plugin) -> str:
    return f"options.{plugin.package}.{plugin.name}"


def _file(instance: Instance, plugin: Plugin) -> Path:
    return instance.place.keys / f"{plugin.package}.{plugin.name}.json"


def _secrets(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Failure("unreadable", f"{path}: reading the kept secrets: {error}", permanent=True) from error


def _plain(value: Any) -> Any:
    """As JSON and config.toml have it."""
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value
