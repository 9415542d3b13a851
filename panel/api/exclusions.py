"""Names that are kept out of AutoSSL: WHM's functions name the account, those of UAPI are of one's own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from jobs.policy.access import Right
from jobs.wiring import exclusions
from panel.api.parameters import ACCOUNT, DOMAIN, Many, Parameter
from panel.api.registry import NULL, TEXT, Call, Function, payload, rows


def listed(call: Call) -> dict[str, Any]:
    return {"payload": own(replace(call, account=call.values["username"]))}


def own(call: Call) -> list[dict[str, str]]:
    return [{"excluded_domain": name} for name in exclusions.excluded(call.account)]


def add(call: Call) -> None:
    exclusions.exclude(call.instance, call.values["username"], call.values["domain"])


def remove(call: Call) -> None:
    exclusions.include(call.instance, call.values["username"], call.values["domain"])


def put(call: Call) -> None:
    exclusions.replace(call.instance, call.values["username"], call.values["domain"])


def add_own(call: Call) -> None:
    exclusions.exclude(call.instance, call.account, call.values["domains"])


def remove_own(call: Call) -> None:
    exclusions.include(call.instance, call.account, call.values["domains"])


def put_own(call: Call) -> None:
    exclusions.replace(call.instance, call.account, call.values["domains"])


_USER = Parameter("username", ACCOUNT, "the name of an account")
_DOMAIN = Parameter(
    "domain", DOMAIN, "a name of the account's websites, repeated, or as domain-1, domain-2 and so on",
    many=Many.NUMBERED,
)
_DOMAINS = Parameter("domains", DOMAIN, "names of the account's websites, separated by commas", many=Many.COMMAS)

FUNCTIONS = (
    Function(
        "get_autossl_user_excluded_domains", "The excluded names of an account", Right.SEE, listed, (_USER,),
        data=payload(excluded_domain=TEXT),
    ),
    Function(
        "add_autossl_user_excluded_domains", "Exclude names", Right.CHECK, add, (_USER, _DOMAIN), changes=True,
    ),
    Function(
        "remove_autossl_user_excluded_domains", "Include names again", Right.CHECK, remove, (_USER, _DOMAIN),
        changes=True,
    ),
    Function(
        "set_autossl_user_excluded_domains", "Exclude exactly these names; without any, nothing is excluded",
        Right.CHECK, put, (_USER, replace(_DOMAIN, required=False)), changes=True,
    ),
    Function(
        "SSL::get_autossl_excluded_domains", "The excluded names of one's own account", Right.SEE, own,
        data=rows(excluded_domain=TEXT),
    ),
    Function(
        "SSL::add_autossl_excluded_domains", "Exclude names of one's own account", Right.CHECK, add_own, (_DOMAINS,),
        data=NULL, changes=True,
    ),
    Function(
        "SSL::remove_autossl_excluded_domains", "Include names of one's own account again", Right.CHECK, remove_own,
        (_DOMAINS,), data=NULL, changes=True,
    ),
    Function(
        "SSL::set_autossl_excluded_domains", "Exclude exactly these names; without any, nothing is excluded",
        Right.CHECK, put_own, (replace(_DOMAINS, required=False),), data=NULL, changes=True,
    ),
)
