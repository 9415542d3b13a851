"""Where the panel is, for the last words of the set-up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jobs import privileged
from jobs.policy.panel_files import STATE
from jobs.wiring.instance import Instance
from jobs.wiring.setup_links import origin

_UNITS = ("/etc/systemd/system/autossl.service", "/lib/systemd/system/autossl.service")


@dataclass(frozen=True)
class Ending:
    """`serving`: a server is running; else `start` is the command for it."""

    address: str
    serving: bool
    start: str


def ending(instance: Instance) -> Ending:
    if any(Path(unit).exists() for unit in _UNITS):
        start = "systemctl enable --now autossl"
    else:
        start = "autossl serve" if instance.config.root.socket else "autossl serve --single"
    return Ending(f"{origin(instance.config.panel)}/", privileged.lock_taken(instance.place.instance / STATE), start)
