"""Values of the contract as JSON and back, by their types. Nothing else can be made of what the other side sends.

Frozen dataclasses are objects with exactly their fields, tuples are lists, bytes are base64, times are ISO 8601 with
their zone, paths and enumerations are strings.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from base64 import b64decode, b64encode
from datetime import datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

_PLAIN = (str, bool, int, float)


class BadValue(ValueError):
    """What came is not of the type that the contract names; the message says where and what was expected."""


def encoded(value: Any) -> Any:
    """A value of the contract as what `json.dumps` takes."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: encoded(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, bytes):
        return b64encode(value).decode("ascii")
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (Path, Enum)):
        return str(value)
    if isinstance(value, (tuple, list)):
        return [encoded(one) for one in value]
    return value


def decoded(hint: Any, raw: Any, where: str = "value") -> Any:
    """The value of type `hint` that `raw` stands for. Raises BadValue."""
    if hint is None or hint is type(None):
        if raw is not None:
            raise BadValue(f"{where}: expected null")
        return None
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        arms = [arm for arm in typing.get_args(hint) if arm is not type(None)]
        return None if raw is None else decoded(arms[0], raw, where)
    if origin is tuple:
        return _tuple(typing.get_args(hint), raw, where)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _made(hint, raw, where)
    return _scalar(hint, raw, where)


def _tuple(arms: tuple[Any, ...], raw: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(raw, list):
        raise BadValue(f"{where}: expected a list")
    if arms[1:] == (Ellipsis,):
        return tuple(decoded(arms[0], one, f"{where}[{at}]") for at, one in enumerate(raw))
    if len(raw) != len(arms):
        raise BadValue(f"{where}: expected {len(arms)} values, got {len(raw)}")
    return tuple(decoded(arm, one, f"{where}[{at}]") for at, (arm, one) in enumerate(zip(arms, raw, strict=True)))


def _made(kind: type[Any], raw: Any, where: str) -> Any:
    hints = _hints(kind)
    if not isinstance(raw, dict) or set(raw) != set(hints):
        raise BadValue(f"{where}: expected an object with {', '.join(hints) or 'no member'}")
    return kind(**{name: decoded(hint, raw[name], f"{where}.{name}") for name, hint in hints.items()})


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {one.name: hints[one.name] for one in dataclasses.fields(kind)}


def _scalar(hint: Any, raw: Any, where: str) -> Any:
    if hint in _PLAIN:
        if not isinstance(raw, hint) or (hint is not bool and isinstance(raw, bool)):
            raise BadValue(f"{where}: expected {hint.__name__}")
        return raw
    if not isinstance(raw, str):
        raise BadValue(f"{where}: expected a string")
    try:
        if hint is bytes:
            return b64decode(raw, validate=True)
        if hint is datetime:
            moment = datetime.fromisoformat(raw)
            if moment.tzinfo is None:
                raise ValueError("a time without its zone")
            return moment
        if hint is Path or (isinstance(hint, type) and issubclass(hint, Enum)):
            return hint(raw)
    except ValueError as error:
        raise BadValue(f"{where}: {error}") from error
    raise BadValue(f"{where}: values of the type {hint} don't cross")

