"""The options of an installation: what was chosen in the panel, else what config.toml says, else the default."""

from __future__ import annotations

import dataclasses
from typing import Any

from jobs.config import Config, fill
from jobs.policy.failure import Failure
from jobs.policy.keys import KeyType
from jobs.policy.options import Options, faults
from jobs.wiring.instance import choose, setting

KEY = "options"


def load(config: Config) -> Options:
    """The options as they hold now. A kept value that this version doesn't know is passed over."""
    known = {field.name for field in dataclasses.fields(Options)}
    kept = {name: value for name, value in setting(KEY, {}).items() if name in known}
    return fill(Options, {**_configured(config), **kept}, "options")


def save(config: Config, changes: dict[str, Any]) -> Options:
    """Keep the changed values (as JSON has them). Raises Failure("config_invalid"), Failure("option_invalid")."""
    options = fill(Options, {**_plain(dataclasses.asdict(load(config))), **_plain(changes)}, "options")
    wrong = faults(options)
    if wrong:
        name, why = next(iter(wrong.items()))
        raise Failure("option_invalid", f"{name}: {why}", permanent=True)
    kept = setting(KEY, {})
    values = _plain(dataclasses.asdict(options))
    choose(KEY, {**kept, **{name: values[name] for name in changes}})
    return options


def effective(config: Config) -> Config:
    """The configuration with the chosen options in their places, for a check."""
    options = load(config)
    check = dataclasses.replace(
        config.check,
        key_type=str(options.key_type),
        replace_foreign=options.replace_foreign,
        log_days=options.log_days,
    )
    return dataclasses.replace(config, check=check)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """As JSON has them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _configured(config: Config) -> dict[str, Any]:
    check = config.check
    try:
        key_type = KeyType(check.key_type)
    except ValueError as error:
        expected = ", ".join(KeyType)
        words = f"config.toml: check.key_type: expected one of {expected}, got {check.key_type!r}"
        raise Failure("config_invalid", words, permanent=True) from error
    return {"key_type": key_type, "replace_foreign": check.replace_foreign, "log_days": check.log_days}
