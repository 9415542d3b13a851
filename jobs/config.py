"""`config.toml` of an instance: what a host may need to say, read strictly."""

from __future__ import annotations

import dataclasses
import tomllib
import types
import typing
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from jobs.policy.failure import Failure

PLUGIN_SECTIONS = ("services", "accounts", "dns_backends", "notifiers")

T = TypeVar("T")


@dataclass(frozen=True)
class Dns:
    """`resolvers`: address or address:port; empty means the system's, and zones asked at their own servers."""

    resolvers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Validation:
    """Ports at which the self-check reaches this host, as the CA would. Only a test bench changes them."""

    http_port: int = 80
    https_port: int = 443
    timeout: float = 10.0


@dataclass(frozen=True)
class Check:
    """`concurrency`: threads that work on orders; one that waits for its CA has none. `service_names`: labels tried
    for every website. `contact`: the address that a CA gets at the registration."""

    concurrency: int = 8
    service_names: tuple[str, ...] = ("webmail", "webdisk", "autodiscover", "autoconfig")
    key_type: str = "ecdsa-p256"
    replace_foreign: bool = False
    contact: str = ""
    log_days: int = 30


@dataclass(frozen=True)
class Panel:
    """Where `autossl serve` listens (`*`: every address of both families), and the panel's own host name.

    A session ends after `session_idle_minutes` without a request, `session_hours` after the sign-in, and, where
    `session_bound_to_address`, when its browser's address changes. `metrics_loopback`: whether /metrics takes no token
    from this host itself.
    """

    bind: str = "*:2087"
    hostname: str = ""
    session_idle_minutes: int = 120
    session_hours: int = 12
    session_bound_to_address: bool = True
    metrics_loopback: bool = True


@dataclass(frozen=True)
class Root:
    """Where the panel runs without root: `socket` is that of the process that has it (`autossl root`), `user` who may
    ask there. `instance` and `state` are the directories of the two sides. All empty: one process does everything.

    `trust`: files of CA certificates (PEM) that this system's own store does not have. What either of them trusts is
    replaced only by what one of them trusts (`jobs/wiring/root_trust.py`)."""

    socket: str = ""
    user: str = ""
    instance: str = ""
    state: str = ""
    trust: tuple[str, ...] = ()


@dataclass(frozen=True)
class Config:
    dns: Dns = Dns()
    validation: Validation = Validation()
    check: Check = Check()
    panel: Panel = Panel()
    root: Root = Root()
    plugins: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    """Section -> plug-in -> option -> value, for instance plugins["services"]["apache"]["https_port"]."""


def load(path: Path) -> Config:
    """Read `path`; a file that does not exist means the defaults.

    Raises Failure("config_invalid"), which names the key, what was expected and what was found.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Config()
    except (OSError, UnicodeDecodeError) as error:
        raise Failure("config_invalid", f"{path}: reading: {error}", permanent=True) from error
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Failure("config_invalid", f"{path}: expected TOML: {error}", permanent=True) from error
    sections: dict[str, Any] = {"dns": Dns, "validation": Validation, "check": Check, "panel": Panel, "root": Root}
    unknown = sorted(set(raw) - set(sections) - set(PLUGIN_SECTIONS))
    if unknown:
        known = ", ".join(sorted([*sections, *PLUGIN_SECTIONS]))
        raise Failure("config_invalid", f"{path}: {unknown[0]}: expected one of {known}", permanent=True)
    values = {key: fill(kind, raw.get(key, {}), f"{path}: {key}") for key, kind in sections.items()}
    config = Config(**values, plugins={key: _tables(raw.get(key, {}), f"{path}: {key}") for key in PLUGIN_SECTIONS})
    for key, found, most in (
        ("check.concurrency", config.check.concurrency, 256),
        ("panel.session_idle_minutes", config.panel.session_idle_minutes, 24 * 60),
        ("panel.session_hours", config.panel.session_hours, 30 * 24),
    ):
        if not 1 <= found <= most:
            raise Failure("config_invalid", f"{path}: {key}: expected 1 to {most}, got {found}", permanent=True)
    return config


def fill(kind: type[T], raw: Any, where: str) -> T:
    """Make the frozen dataclass `kind` of the table `raw`, each value checked against its field's type.

    Raises Failure("config_invalid") with "<where>.<key>: expected ..., got ...".
    """
    if not isinstance(raw, dict):
        raise Failure("config_invalid", f"{where}: expected a table, got {raw!r}", permanent=True)
    hints = typing.get_type_hints(kind)
    unknown = sorted(set(raw) - set(hints))
    if unknown:
        known = ", ".join(sorted(hints)) or "no key at all"
        raise Failure("config_invalid", f"{where}.{unknown[0]}: expected one of {known}", permanent=True)
    return kind(**{key: _value(hints[key], value, f"{where}.{key}") for key, value in raw.items()})


def plugin_options(config: Config, section: str, name: str, kind: type[T]) -> T:
    """The options of one plug-in. Raises Failure("config_invalid")."""
    return fill(kind, config.plugins.get(section, {}).get(name, {}), f"config.toml: {section}.{name}")


def _tables(raw: Any, where: str) -> dict[str, dict[str, Any]]:
    if not isinstance(raw, dict) or not all(isinstance(table, dict) for table in raw.values()):
        raise Failure("config_invalid", f"{where}: expected tables such as [{where}.NAME]", permanent=True)
    return raw


def _value(hint: Any, value: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return _value(next(arm for arm in typing.get_args(hint) if arm is not type(None)), value, where)
    if origin is tuple:
        item = typing.get_args(hint)[0]
        if not isinstance(value, list):
            raise Failure("config_invalid", f"{where}: expected a list, got {value!r}", permanent=True)
        return tuple(_value(item, entry, where) for entry in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is Path and isinstance(value, str):
        return Path(value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        try:
            return hint(value)
        except ValueError as error:
            choices = ", ".join(str(one) for one in hint)
            words = f"{where}: expected one of {choices}, got {value!r}"
            raise Failure("config_invalid", words, permanent=True) from error
    if dataclasses.is_dataclass(hint) or not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        name = getattr(hint, "__name__", str(hint))
        raise Failure("config_invalid", f"{where}: expected {name}, got {value!r}", permanent=True)
    return value
