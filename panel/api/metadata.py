"""WHM's switches of notifications and of the replacing of foreign certificates, over the options of this installation.

WHM has a switch an event; this installation has a level for administrators and one for users, each of which tells of
everything that is more severe too:

| level    | events that it lets pass                                                                     |
| -------- | -------------------------------------------------------------------------------------------- |
| off      | none                                                                                         |
| failures | `expiry` (expires, and can't be ordered)                                                     |
| warnings | `renewal_coverage`, `renewal_coverage_reduced`, `renewal_uncovered_domains`, `expiry_coverage` |
| all      | `renewal` (installed)                                                                        |

A switch reads 1 where its level lets the event pass. All switches at once choose the quietest level that lets pass
every event that is to be told, so that nothing asked for stays silent. One switch alone decides: 1 makes the level
loud enough for its event, 0 makes it just quiet enough not to tell of it. As its level goes, an event that is no more
severe goes with it, and a more severe one never does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jobs.policy.access import Right
from jobs.policy.options import NotifyLevel, Options
from jobs.wiring import options
from panel.api.answers import Refused
from panel.api.parameters import BIT, BITS, Parameter, one_of
from panel.api.registry import BIT as ANSWER_BIT
from panel.api.registry import Call, Function, shape

REPLACE = "clobber_externally_signed"
LEVEL_OF = {
    "notify_autossl_expiry": NotifyLevel.FAILURES,
    "notify_autossl_expiry_coverage": NotifyLevel.WARNINGS,
    "notify_autossl_renewal": NotifyLevel.ALL,
    "notify_autossl_renewal_coverage": NotifyLevel.WARNINGS,
    "notify_autossl_renewal_coverage_reduced": NotifyLevel.WARNINGS,
    "notify_autossl_renewal_uncovered_domains": NotifyLevel.WARNINGS,
}
"""The quietest level that lets the event pass."""

USER = "_user"
KEYS = (REPLACE, *(key + suffix for key in LEVEL_OF for suffix in ("", USER)))
_QUIET_FIRST = tuple(reversed(NotifyLevel))


def shown(call: Call) -> dict[str, Any]:
    return {"payload": {key: int(on) for key, on in _switches(options.load(call.instance.config)).items()}}


def set_all(call: Call) -> None:
    """A key that is left out has WHM's default: every notification is sent, and no foreign certificate replaced."""
    given: dict[str, bool] = call.values["metadata_json"]
    unknown = [key for key in given if key not in KEYS]
    if unknown:
        raise Refused(422, f"metadata_json: {unknown[0][:60]!r}: there is no such key; expected {', '.join(KEYS)}")
    wanted = {key: given.get(key, key != REPLACE) for key in KEYS}
    options.save(call.instance.config, {
        "notify_admin": str(_loudest(LEVEL_OF[key] for key in LEVEL_OF if wanted[key])),
        "notify_user": str(_loudest(LEVEL_OF[key] for key in LEVEL_OF if wanted[key + USER])),
        "replace_foreign": wanted[REPLACE],
    })


def set_one(call: Call) -> None:
    key, on = call.values["key"], call.values["value"]
    if key == REPLACE:
        options.save(call.instance.config, {"replace_foreign": on})
        return
    field = "notify_user" if key.endswith(USER) else "notify_admin"
    present = getattr(options.load(call.instance.config), field)
    options.save(call.instance.config, {field: str(_with(present, LEVEL_OF[key.removesuffix(USER)], on))})


def _switches(chosen: Options) -> dict[str, bool]:
    found = {REPLACE: chosen.replace_foreign}
    for key, level in LEVEL_OF.items():
        found[key] = _loud(chosen.notify_admin) >= _loud(level)
        found[key + USER] = _loud(chosen.notify_user) >= _loud(level)
    return found


def _with(present: NotifyLevel, level: NotifyLevel, on: bool) -> NotifyLevel:
    """`present`, just loud enough for `level`, or just too quiet for it."""
    if on:
        return _loudest((present, level))
    return min(present, _QUIET_FIRST[_loud(level) - 1], key=_loud)


def _loudest(levels: Iterable[NotifyLevel]) -> NotifyLevel:
    return max(levels, key=_loud, default=NotifyLevel.OFF)


def _loud(level: NotifyLevel) -> int:
    return _QUIET_FIRST.index(level)


FUNCTIONS = (
    Function(
        "get_autossl_metadata", "What is mailed to whom, and whether foreign certificates are replaced",
        Right.SEE_HOST, shown, data=shape(payload=shape(**dict.fromkeys(KEYS, ANSWER_BIT))),
    ),
    Function(
        "set_autossl_metadata", "Set every key; one that is left out falls back to its default", Right.HOST, set_all,
        (Parameter("metadata_json", BITS, "a JSON object of keys and 0 or 1"),), changes=True,
    ),
    Function(
        "set_autossl_metadata_key", "Set one key", Right.HOST, set_one,
        (
            Parameter("key", one_of(*KEYS), "the name of the key"),
            Parameter("value", BIT, "0 or 1"),
        ),
        changes=True,
    ),
)
