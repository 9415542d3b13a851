"""Makes the plug-ins of an instance: services and sources that are on this machine, with their options."""

from __future__ import annotations

import grp
from collections.abc import Sequence

from jobs import registry
from jobs.config import plugin_options
from jobs.ports import AccountSource, Notifier, ServiceTarget
from jobs.wiring import options as installation
from jobs.wiring import plugin_options as chosen_options
from jobs.wiring.instance import Instance
from jobs.zones import Zones


def services(instance: Instance) -> list[ServiceTarget]:
    """Every service that is on this machine, by name. Raises Failure("config_invalid")."""
    made = [_made(instance, "services", plugin) for plugin in registry.load_all("services")]
    return [service for service in made if service.present()]


def sources(instance: Instance) -> list[AccountSource]:
    """Every source of accounts that is on this machine. Raises Failure("config_invalid")."""
    made = [_made(instance, "accounts", plugin) for plugin in registry.load_all("accounts")]
    return [source for source in made if source.present()]


def zones(instance: Instance) -> Zones:
    """The DNS backends that are set up, by name. Raises Failure("config_invalid"), Failure("unreadable")."""
    made = [
        plugin.make(chosen_options.load(instance, plugin), instance.place)
        for plugin in registry.load_all("dns_backends")
    ]
    active = [backend for backend in made if backend.active()]
    return Zones(active, installation.load(instance.config).challenge_zone)


def notifiers(instance: Instance) -> dict[str, Notifier]:
    """Those that are in use, by name. Raises Failure("config_invalid"), Failure("unreadable")."""
    made = {one.name: one.make(chosen_options.load(instance, one)) for one in registry.load_all("notifiers")}
    return {name: notifier for name, notifier in made.items() if notifier.active()}


def key_group(present: Sequence[ServiceTarget]) -> int | None:
    """The gid of the one service that reads keys without being root (Exim), if it is here."""
    for service in present:
        name = getattr(service, "key_group", None)
        if name:
            try:
                return grp.getgrnam(name).gr_gid
            except KeyError:
                continue
    return None


def _made(instance: Instance, section: str, plugin: registry.Plugin):  # type: ignore[no-untyped-def]
    options = plugin_options(instance.config, section, plugin.name, plugin.options)
    return plugin.make(options, instance.place)
