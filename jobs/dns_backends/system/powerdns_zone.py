"""A zone as PowerDNS's API has it, and what is sent to change one set of it.

Records are handed back as they were read, `disabled` and whatever a later version keeps beside it included.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import dns.rdata

from jobs.dns_backends.system.values import means, value_of, zone_name
from jobs.policy.failure import Failure
from jobs.policy.zone_listing import Listed

_PRIMARY = frozenset({"native", "master", "primary"})
_NOTIFYING = frozenset({"master", "primary"})


@dataclass(frozen=True)
class Head:
    """What the list of zones says of one. `id`: how the API's paths name it; `name` without the final dot."""

    id: str
    name: str
    kind: str

    @property
    def primary(self) -> bool:
        """Whether what is changed here counts; other kinds are copied from elsewhere, and changed again by that."""
        return self.kind.lower() in _PRIMARY

    @property
    def notifying(self) -> bool:
        """Whether PowerDNS tells secondary servers of changes."""
        return self.kind.lower() in _NOTIFYING


@dataclass(frozen=True)
class RecordSet:
    """`records`: the API's own objects, each with `content` and `disabled`. There may be none: comments stand alone."""

    ttl: int = 0
    records: tuple[Mapping[str, Any], ...] = ()

    @property
    def enabled(self) -> tuple[str, ...]:
        """The values that are served."""
        return tuple(one["content"] for one in self.records if not one["disabled"])


@dataclass(frozen=True)
class Zone:
    """`sets` by owner (lower case, without the final dot) and kind."""

    head: Head
    serial: int
    sets: Mapping[tuple[str, str], RecordSet]

    def record_set(self, owner: str, kind: str) -> RecordSet:
        return self.sets.get((owner, kind), RecordSet())

    def listed(self) -> tuple[Listed, ...]:
        """Everything that is served."""
        return tuple(
            Listed(owner, found.ttl, kind, value)
            for (owner, kind), found in self.sets.items() for value in found.enabled
        )

    def standing(self, owner: str, kind: str, value: dns.rdata.Rdata, disabled: bool = False) -> list[str]:
        """Contents of the set that mean `value`, of those that are served or of those that are not."""
        found = self.record_set(owner, kind).records
        return [one["content"] for one in found if one["disabled"] is disabled and _is(kind, one["content"], value)]


def heads(content: Any) -> dict[str, Head]:
    """The zones of an answer by name; names that no zone of ours can have are passed over (the root, views of later
    versions). Raises ValueError for what is no list of zones."""
    found = {}
    for one in _each(content, "zones"):
        head = _head(one)
        with suppress(Failure):
            if zone_name(head.name) == head.name:
                found[head.name] = head
    return found


def zone(content: Any) -> Zone:
    """Raises ValueError for what is no zone."""
    sets: dict[tuple[str, str], RecordSet] = {}
    if not isinstance(content, dict):
        raise ValueError("expected a zone")
    for one in _each(content.get("rrsets"), "record sets"):
        owner, kind = _bare(_text(one, "name")), _text(one, "type").upper()
        records = tuple(_record(each) for each in _each(one.get("records"), "records"))
        sets[owner, kind] = RecordSet(_number(one, "ttl"), records)
    return Zone(_head(content), _number(content, "serial"), sets)


def with_value(found: RecordSet, owner: str, kind: str, content: str, ttl: int) -> dict[str, Any]:
    """The set with one value more; its TTL counts if it holds a record, disabled ones included."""
    records = [*found.records, {"content": content, "disabled": False}]
    return _replaced(owner, kind, found.ttl if found.records else ttl, records)


def without(found: RecordSet, owner: str, kind: str, contents: list[str]) -> dict[str, Any]:
    """The set without these values, as far as they are served; when nothing stays, it goes."""
    records = [one for one in found.records if one["disabled"] or one["content"] not in contents]
    if records:
        return _replaced(owner, kind, found.ttl, records)
    return {"name": f"{owner}.", "type": kind, "changetype": "DELETE"}


def with_serial(found: Zone, serial: int) -> dict[str, Any]:
    """The SOA record with another serial number. Raises ValueError for one that can't be read."""
    name, soa = found.head.name, found.record_set(found.head.name, "SOA")
    fields = soa.enabled[0].split() if len(soa.records) == 1 and soa.enabled else []
    if len(fields) != 7:
        raise ValueError("expected one SOA record with seven fields")
    record = {**soa.records[0], "content": " ".join([*fields[:2], str(serial), *fields[3:]])}
    return _replaced(name, "SOA", soa.ttl, [record])


def _replaced(owner: str, kind: str, ttl: int, records: list[Any]) -> dict[str, Any]:
    """Without `comments`, which then stay."""
    return {"name": f"{owner}.", "type": kind, "ttl": ttl, "changetype": "REPLACE", "records": records}


def _is(kind: str, content: str, value: dns.rdata.Rdata) -> bool:
    """A foreign value that can't be read is another one."""
    try:
        return means(value_of(kind, content), value)
    except Failure:
        return False


def _head(content: Any) -> Head:
    return Head(_text(content, "id"), _bare(_text(content, "name")), _text(content, "kind"))


def _record(content: Any) -> Mapping[str, Any]:
    disabled = content.get("disabled", False) if isinstance(content, dict) else None
    if not isinstance(disabled, bool):
        raise ValueError("expected a record, enabled or disabled")
    _text(content, "content")
    return {**content, "disabled": disabled}


def _each(content: Any, what: str) -> list[Any]:
    if not isinstance(content, list):
        raise ValueError(f"expected a list of {what}")
    return content


def _text(content: Any, key: str) -> str:
    found = content.get(key) if isinstance(content, dict) else None
    if not isinstance(found, str) or not found:
        raise ValueError(f"expected a text as {key}")
    return found


def _number(content: dict[str, Any], key: str) -> int:
    found = content.get(key)
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found < 2**32:
        raise ValueError(f"expected a number as {key}")
    return found


def _bare(name: str) -> str:
    return name.removesuffix(".").lower()
