"""A form for a frozen dataclass of options: its fields to show, and what was typed into them, read strictly.

Label, help and `secret` are in the metadata of the dataclass; the types are those that `jobs.config.fill` takes.
"""

from __future__ import annotations

import dataclasses
import math
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Generic, TypeVar

from jobs.config import fill
from jobs.policy.failure import Failure
from panel.wording import as_sentence

T = TypeVar("T")
Titles = Mapping[str, Mapping[Any, str]]
"""Field -> choice -> how it reads, for choices whose value is no good label."""

LONGEST_TEXT = 4096
_WHOLE = re.compile(r"\A[+-]?[0-9]{1,15}\Z")
_SEPARATOR = re.compile(r"[\s,]+")


@dataclass(frozen=True)
class Field:
    """`id` is also the name in the form. `kept`: a secret that is there already, and is never shown."""

    id: str
    name: str
    label: str
    help: str
    kind: str
    """text | whole | decimal | checkbox | select | list | secret"""
    value: str
    choices: tuple[tuple[str, str], ...] = ()
    required: bool = False
    kept: bool = False
    error: str = ""


@dataclass(frozen=True)
class Read(Generic[T]):
    """What a form held: `value` is None if there are `errors` (a sentence by field); `fields` are as typed."""

    value: T | None
    errors: Mapping[str, str]
    fields: tuple[Field, ...]


def fields(kind: type[Any], value: Any = None, prefix: str = "", titles: Titles | None = None) -> tuple[Field, ...]:
    """The fields of `kind` with the values of an instance of it, or with the defaults."""
    hints = typing.get_type_hints(kind)
    return tuple(
        _field(one, hints[one.name], _present(one, value), prefix, (titles or {}).get(one.name, {}))
        for one in dataclasses.fields(kind)
    )


def read(
    kind: type[T], form: Mapping[str, str], kept: T | None = None, prefix: str = "", titles: Titles | None = None
) -> Read[T]:
    """Make an instance of what was sent. A secret that was left empty stays as in `kept`.

    A form has every field of its dataclass: a checkbox that was not sent is one that is not checked.
    """
    hints = typing.get_type_hints(kind)
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    shown = []
    for one in fields(kind, kept, prefix, titles):
        typed = form.get(one.id, "")
        try:
            raw = _raw(hints[one.name], one, typed)
            if one.kind == "secret" and not typed and one.kept:
                values[one.name] = getattr(kept, one.name)
            elif raw is not None:
                values[one.name] = _checked(one.name, hints[one.name], raw)
        except ValueError as error:
            errors[one.name] = str(error)
        value = "" if one.kind == "secret" else typed[:LONGEST_TEXT]
        shown.append(dataclasses.replace(one, value=value, error=errors.get(one.name, "")))
    return Read(None if errors else kind(**values), errors, tuple(shown))


def with_errors(all_fields: tuple[Field, ...], errors: Mapping[str, str]) -> tuple[Field, ...]:
    """The same fields with what a later look found wrong, by field name."""
    return tuple(dataclasses.replace(one, error=errors.get(one.name, one.error)) for one in all_fields)


def _present(one: dataclasses.Field[Any], value: Any) -> Any:
    if value is not None:
        return getattr(value, one.name)
    if one.default is not dataclasses.MISSING:
        return one.default
    return None if one.default_factory is dataclasses.MISSING else one.default_factory()


def _field(one: dataclasses.Field[Any], hint: Any, value: Any, prefix: str, titles: Mapping[Any, str]) -> Field:
    kind = "secret" if one.metadata.get("secret") else _kind(hint)
    bare = _bare(hint)
    choices = tuple((str(arm.value), titles.get(arm, str(arm.value))) for arm in bare) if kind == "select" else ()
    return Field(
        id=f"{prefix}{one.name}",
        name=one.name,
        label=one.metadata.get("label", one.name.replace("_", " ").capitalize()),
        help=one.metadata.get("help", ""),
        kind=kind,
        value="" if kind == "secret" else _text(value),
        choices=(("", "–"), *choices) if choices and bare is not hint else choices,
        required=one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING,
        kept=kind == "secret" and bool(value),
    )


def _bare(hint: Any) -> Any:
    """`X` of `X | None`."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return next(arm for arm in typing.get_args(hint) if arm is not type(None))
    return hint


def _kind(hint: Any) -> str:
    """Raises TypeError for a type that no form has a field for."""
    bare = _bare(hint)
    if typing.get_origin(bare) is tuple:
        return "list"
    if isinstance(bare, type) and issubclass(bare, Enum):
        return "select"
    found = {bool: "checkbox", int: "whole", float: "decimal", str: "text", Path: "text"}.get(bare)
    if found is None:
        raise TypeError(f"{hint!r}: there is no form field for this type")
    return found


def _text(value: Any) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return "1"
    if isinstance(value, tuple):
        return "\n".join(_text(entry) for entry in value)
    return str(value.value) if isinstance(value, Enum) else str(value)


def _raw(hint: Any, one: Field, typed: str) -> Any:
    """What config.toml would hold for this text; None for an optional field that was left empty. Raises ValueError."""
    bare = _bare(hint)
    if one.kind == "checkbox":
        return bool(typed)
    if len(typed) > LONGEST_TEXT:
        raise ValueError(f"Expected at most {LONGEST_TEXT} characters, got {len(typed)}.")
    if one.kind == "list":
        item = typing.get_args(bare)[0]
        return [_single(item, entry) for entry in _SEPARATOR.split(typed.strip()) if entry]
    text = typed if one.kind == "secret" else typed.strip()
    if not text and one.required:
        raise ValueError("Expected something here.")
    if not text and bare is not hint:
        return None
    return _single(bare, text)


def _single(bare: Any, text: str) -> Any:
    if not text.isprintable():
        raise ValueError("Expected text without control characters.")
    if bare is int:
        if not _WHOLE.match(text):
            raise ValueError(f"Expected a whole number, got {text[:40]!r}.")
        return int(text)
    if bare is float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise ValueError(f"Expected a number, got {text[:40]!r}.")
        return number
    return text


def _checked(name: str, hint: Any, raw: Any) -> Any:
    """`raw` as the field's own type. Raises ValueError."""
    single: type[Any] = dataclasses.make_dataclass("Form", [(name, hint)], frozen=True)
    try:
        return getattr(fill(single, {name: raw}, "form"), name)
    except Failure as failure:
        raise ValueError(as_sentence(failure.detail.removeprefix(f"form.{name}: "))) from failure
