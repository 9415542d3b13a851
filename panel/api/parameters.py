"""Reads what a call sends, strictly: a parameter that is unknown, missing, too long or of the wrong kind is refused.

An unknown one is refused because a misspelt `domains` would else mean "exclude nothing any more".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from werkzeug.datastructures import MultiDict

from jobs.policy.site import InvalidName, account_name, hostname
from panel.api.answers import Refused

ALWAYS = frozenset({"api.version", "csrf_token"})
"""Read elsewhere; any function may get them."""

MOST = 1000
"""Values of one parameter that takes several."""

_PART = re.compile(r"-[0-9]{1,4}\Z")
_SHOWN = 60


class Many(StrEnum):
    """How a parameter takes several values."""

    ONE = "one"
    NUMBERED = "numbered"
    """Repeated, or as `name-1`, `name-2` and so on."""
    COMMAS = "commas"
    """In one value, separated by commas."""


@dataclass(frozen=True)
class Kind:
    """`read` gives the value of a text or raises ValueError, whose words say what was expected."""

    read: Callable[[str], Any]
    longest: int
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class Parameter:
    """One input. `secret`: only in the body of a POST, because addresses are written into logs."""

    name: str
    kind: Kind
    about: str
    required: bool = True
    many: Many = Many.ONE
    secret: bool = False


def read(
    parameters: Sequence[Parameter], sent: MultiDict[str, str], in_address: Iterable[str] = ()
) -> dict[str, Any]:
    """The values by parameter: None for one that was not sent, a list for one that takes several.

    `in_address`: the names that stand in the query string. Raises Refused.
    """
    found: dict[str, list[str]] = {parameter.name: [] for parameter in parameters}
    for name, text in sent.items(multi=True):
        if name in ALWAYS:
            continue
        parameter = _named(parameters, name)
        if parameter is None:
            expected = ", ".join(found) or "none"
            raise _invalid(f"{_short(name)}: there is no such parameter; expected: {expected}")
        if parameter.secret and name in in_address:
            raise _invalid(f"{name}: send this in the body of a POST; addresses are written into logs")
        found[parameter.name].append(text)
    return {parameter.name: _values(parameter, found[parameter.name]) for parameter in parameters}


def _named(parameters: Sequence[Parameter], name: str) -> Parameter | None:
    plain = _PART.sub("", name)
    for parameter in parameters:
        if name == parameter.name or (parameter.many is Many.NUMBERED and plain == parameter.name):
            return parameter
    return None


def _values(parameter: Parameter, texts: list[str]) -> Any:
    name = parameter.name
    if parameter.many is not Many.NUMBERED and len(texts) > 1:
        raise _invalid(f"{name}: expected it once, got it {len(texts)} times")
    if parameter.required and not texts:
        raise _invalid(f"{name}: missing; {parameter.about}")
    if parameter.many is Many.ONE:
        return _value(parameter, texts[0]) if texts else None
    if parameter.many is Many.COMMAS:
        texts = [part.strip() for part in texts[0].split(",")] if texts and texts[0].strip() else []
        if parameter.required and not texts:
            raise _invalid(f"{name}: it is empty; {parameter.about}")
    if len(texts) > MOST:
        raise _invalid(f"{name}: expected at most {MOST} values, got {len(texts)}")
    return list(dict.fromkeys(_value(parameter, text) for text in texts))


def _value(parameter: Parameter, text: str) -> Any:
    name, longest = parameter.name, parameter.kind.longest
    if len(text) > longest:
        raise _invalid(f"{name}: expected at most {longest} characters, got {len(text)}")
    if not text.isprintable():
        raise _invalid(f"{name}: expected printable characters only")
    try:
        return parameter.kind.read(text)
    except (ValueError, RecursionError) as error:
        shown = "" if parameter.secret else f"{_short(text)}: "
        words = "nested too deep" if isinstance(error, RecursionError) else str(error)
        raise _invalid(f"{name}: {shown}{words}") from error


def _account(text: str) -> str:
    try:
        return account_name(text)
    except InvalidName as error:
        raise ValueError(str(error)) from error


def _domain(text: str) -> str:
    try:
        return hostname(text)
    except InvalidName as error:
        raise ValueError(str(error)) from error


def _text(text: str) -> str:
    if not text:
        raise ValueError("it is empty")
    return text


def _bit(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError("expected 0 or 1")
    return text == "1"


def _bits(text: str) -> dict[str, bool]:
    """A JSON object of switches, such as `{"autossl": 1}`."""
    value = _json(text)
    if not isinstance(value, dict):
        raise ValueError("expected a JSON object")
    found = {}
    for key, part in value.items():
        if str(part).lower() not in ("0", "1", "true", "false"):
            raise ValueError(f"{_short(key)}: expected 0 or 1")
        found[key] = str(part).lower() in ("1", "true")
    return found


def _texts(text: str) -> list[str]:
    value = _json(text)
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise ValueError("expected a JSON list of texts")
    return value


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError("expected JSON") from error


def one_of(*words: str) -> Kind:
    """One word of these."""

    def choose(text: str) -> str:
        if text not in words:
            raise ValueError(f"expected one of {', '.join(words)}")
        return text

    return Kind(choose, max(map(len, words)) + _SHOWN, {"type": "string", "enum": list(words)})


def _embedded(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "string", "contentMediaType": "application/json", "contentSchema": dict(schema)}


ACCOUNT = Kind(_account, 64, {"type": "string", "maxLength": 64})
"""The name of an account; one that the caller does not reach is unknown (see `calls.py`)."""
DOMAIN = Kind(_domain, 253, {"type": "string", "maxLength": 253})
BIT = Kind(_bit, 5, {"type": "string", "enum": ["0", "1"]})
BITS = Kind(_bits, 4096, _embedded({"type": "object", "additionalProperties": {"enum": [0, 1]}}))
TEXTS = Kind(_texts, 4096, _embedded({"type": "array", "items": {"type": "string"}}))
WORD = Kind(_text, 100, {"type": "string", "maxLength": 100})
ADDRESS = Kind(_text, 2000, {"type": "string", "maxLength": 2000})


def _short(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def _invalid(words: str) -> Refused:
    return Refused(422, words)
