"""The parts of the long tests and of the benchmarks: modules of a package that have a function `run`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from types import ModuleType


def parts_of(package: str, named: Sequence[str] = ()) -> dict[str, ModuleType]:
    """Every part of a package by name, or these. What is named and is no part is missing."""
    there = sorted(found.name for found in pkgutil.iter_modules(importlib.import_module(package).__path__))
    wanted = [name for name in named or there if name in there and name != "__main__"]
    modules = {name: importlib.import_module(f"{package}.{name}") for name in wanted}
    return {name: module for name, module in modules.items() if hasattr(module, "run")}


def title(module: ModuleType) -> str:
    """The first line of its docstring."""
    return (module.__doc__ or module.__name__).strip().splitlines()[0].rstrip(".")
