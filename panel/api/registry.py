"""What the API is made of: every function is one entry, and routes, rights, reading and the OpenAPI document follow.

A name with `::` is UAPI's, of one account (`SSL::start_autossl_check`); any other is WHM API 1's, of the host.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.policy.access import Right
from jobs.wiring.instance import Instance
from panel.api.callers import Caller
from panel.api.parameters import Parameter

WHM_PREFIX, UAPI_PREFIX = "/json-api/", "/execute/"


@dataclass(frozen=True)
class Call:
    """One call, admitted and read. `account`: the caller's own one in UAPI, else empty.

    Accounts that `values` name exist and are in the caller's reach; a domain may be anybody's.
    """

    instance: Instance
    caller: Caller
    values: Mapping[str, Any] = field(default_factory=dict)
    account: str = ""


@dataclass(frozen=True)
class Function:
    """`data`: the JSON schema of the answer's `data`; None for a function that answers nothing but its success.

    `changes`: it changes something, so it comes into the audit log, and a browser's session calls it by POST only.
    """

    name: str
    title: str
    right: Right
    handler: Callable[[Call], Any]
    parameters: tuple[Parameter, ...] = ()
    data: Mapping[str, Any] | None = None
    changes: bool = False

    @property
    def of_account(self) -> bool:
        return "::" in self.name

    @property
    def command(self) -> str:
        return self.name.rpartition("::")[2]

    @property
    def path(self) -> str:
        return UAPI_PREFIX + self.name.replace("::", "/") if self.of_account else WHM_PREFIX + self.name


def shape(**fields: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an object that has exactly these fields."""
    return {
        "type": "object",
        "properties": fields,
        "required": sorted(fields),
        "additionalProperties": False,
    }


def rows(**fields: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a list of such objects."""
    return {"type": "array", "items": shape(**fields)}


def payload(**fields: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of WHM's usual `data`: a list of such objects under the key `payload`."""
    return shape(payload=rows(**fields))


TEXT: Mapping[str, Any] = {"type": "string"}
MAYBE_TEXT: Mapping[str, Any] = {"type": ["string", "null"]}
NUMBER: Mapping[str, Any] = {"type": "integer"}
MAYBE_NUMBER: Mapping[str, Any] = {"type": ["integer", "null"]}
BIT: Mapping[str, Any] = {"type": "integer", "enum": [0, 1]}
TIME: Mapping[str, Any] = {"type": "string", "format": "date-time"}
MAYBE_TIME: Mapping[str, Any] = {"type": ["string", "null"], "format": "date-time"}
NULL: Mapping[str, Any] = {"type": "null"}
