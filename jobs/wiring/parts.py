"""Makes the plug-ins of an instance: services and sources that are on this machine, with their options."""

from __future__ import annotations

import grp
from collections.abc import Sequence
from pathlib import Path

from jobs import privileged, registry
from jobs.config import plugin_options
from jobs.policy.failure import Failure
from jobs.policy.other_clients import Others
from jobs.ports import AccountSource, Notifier, ServiceTarget
from jobs.rootside.client import Conversation
from jobs.rootside.proxies import RemoteBackend, RemoteService, RemoteSource
from jobs.wiring import options as installation
from jobs.wiring import plugin_options as chosen_options
from jobs.wiring.instance import Instance, config_path
from jobs.wiring.kept_files import standing
from jobs.zones import Zones


def services(instance: Instance) -> list[ServiceTarget]:
    """Every service that is on this machine, by name; those that need root are the root side's, where there is one.

    Raises Failure("config_invalid"), Failure("root_side_unreachable").
    """
    made: list[ServiceTarget] = [_made(instance, "services", one) for one in _own("services", instance)]
    talk = conversation(instance)
    there = [RemoteService(facts, instance.place, talk) for facts in talk.hello.services] if talk else []
    return sorted([*(one for one in made if one.present()), *there], key=lambda service: service.name)


def sources(instance: Instance) -> list[AccountSource]:
    """Every source of accounts that is on this machine. Raises Failure as `services` does."""
    made: list[AccountSource] = [_made(instance, "accounts", one) for one in _own("accounts", instance)]
    talk = conversation(instance)
    there = [RemoteSource(name, talk) for name in talk.hello.sources] if talk else []
    return sorted([*(one for one in made if one.present()), *there], key=lambda source: source.name)


def zones(instance: Instance) -> Zones:
    """The DNS backends that are set up, by name. Raises Failure("unreadable"), and as `services` does."""
    talk, active = None, []
    for plugin in registry.load_all("dns_backends"):
        if instance.root_side and not plugin.needs_root:
            continue
        backend = plugin.make(chosen_options.load(instance, plugin), instance.place)
        if not backend.active():
            continue
        if plugin.needs_root and instance.config.root.socket:
            talk = talk or conversation(instance)
            if not (talk and talk.hello.zones):
                words = f"{plugin.name}: it needs root, and its options have to say so as well: in"
                words += f" {config_path(instance.place.instance)}, enabled = true below [dns_backends.{plugin.name}]"
                raise Failure("config_invalid", words, permanent=True)
            backend = RemoteBackend(plugin.name, talk)
        active.append(backend)
    return Zones(active, installation.load(instance.config).challenge_zone)


def conversation(instance: Instance) -> Conversation | None:
    """A new one with the root side; None where one process does everything. Raises Failure("root_side_unreachable")."""
    socket = instance.config.root.socket
    return Conversation(Path(socket)) if socket else None


def spoken_by(present: Sequence[ServiceTarget]) -> Conversation | None:
    """The conversation with the root side in which these services take part; None where all of them are ours."""
    return next((service.talk for service in present if isinstance(service, RemoteService)), None)


def written(instance: Instance) -> list[tuple[str, str, str]]:
    """Files of services that were written from here, see `kept_files.standing`, on whichever side."""
    talk = conversation(instance)
    there = [(one.service, one.path, one.state) for one in talk.ask("written")] if talk else []
    return [*standing(), *there]


def other_clients(instance: Instance) -> Others:
    """Other programs that order certificates on this host, as the side that may look everywhere sees them.

    Raises Failure("root_side_unreachable").
    """
    talk = conversation(instance)
    if talk is None:
        return privileged.other_clients()
    there = talk.ask("others")
    return Others(there.found, there.kept)


def _own(package: str, instance: Instance) -> list[registry.Plugin]:
    """The plug-ins that work in this process: all of them, unless there are two sides."""
    everything = registry.load_all(package)
    if instance.root_side:
        return [plugin for plugin in everything if plugin.needs_root]
    return [plugin for plugin in everything if not (instance.config.root.socket and plugin.needs_root)]


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
