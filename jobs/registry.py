"""Finds the plug-ins: every module of a plug-in package is one. Adding one is adding its file."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

PORT_CLASS = {
    "providers": "Provider",
    "services": "Service",
    "accounts": "Source",
    "dns_backends": "Backend",
    "notifiers": "Notifier",
}


@dataclass(frozen=True)
class Plugin:
    """One file of a plug-in package: its name, its title (the docstring's first line), options and class."""

    package: str
    name: str
    title: str
    options: type[Any]
    make: Any

    @property
    def needs_root(self) -> bool:
        """Whether it works as root only; services and sources do, unless their class says otherwise, and DNS backends
        where their class says so (`needs_root`)."""
        return bool(getattr(self.make, "needs_root", self.package in ("services", "accounts")))


@cache
def names(package: str) -> tuple[str, ...]:
    """The plug-ins of a package by file name, sorted; a folder in the package is not a plug-in."""
    found = importlib.import_module(f"jobs.{package}")
    return tuple(sorted(entry.name for entry in pkgutil.iter_modules(found.__path__) if not entry.ispkg))


@cache
def load(package: str, name: str) -> Plugin:
    """Import one plug-in. Raises LookupError when there is no such file."""
    if name not in names(package):
        raise LookupError(f"{name}: expected one of {', '.join(names(package))}")
    module: ModuleType = importlib.import_module(f"jobs.{package}.{name}")
    title = (module.__doc__ or name).strip().splitlines()[0].rstrip(".")
    return Plugin(package, name, title, module.Options, getattr(module, PORT_CLASS[package]))


def load_all(package: str) -> tuple[Plugin, ...]:
    return tuple(load(package, name) for name in names(package))
