"""Feature lists, packages, and what an account gets by them: kept, changed, and refused when still in use."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from peewee import IntegrityError, fn

import models
from jobs import records, summaries
from jobs.policy.failure import Failure
from jobs.policy.features import DEFAULT, DISABLED, ENABLED, Entitlement, FeatureList
from jobs.policy.site import UNASSIGNED, Account, AccountState, InvalidName, account_name, hostname
from jobs.wiring import manifests
from jobs.wiring.instance import Instance, now

MOST_LABELS = 30
MOST_AT_ONCE = 10_000


def list_feature_lists() -> list[dict[str, Any]]:
    """Every feature list, with the packages that name it."""
    packages: dict[str, list[str]] = {}
    for name, feature_list in models.Package.select(models.Package.name, models.Package.feature_list).tuples():
        packages.setdefault(feature_list, []).append(name)
    return [{**_shown(one), "packages": sorted(packages.get(name, []))} for name, one in _sorted_lists()]


def keep_feature_list(features: FeatureList) -> dict[str, Any]:
    """Make or change one. Raises Failure("name_invalid")."""
    _checked(features.name)
    labels = None if features.service_names is None else [_label(text) for text in features.service_names]
    if labels is not None and len(labels) > MOST_LABELS:
        words = f"{features.name}: expected at most {MOST_LABELS} service names, got {len(labels)}"
        raise Failure("name_invalid", words, permanent=True)
    models.FeatureList.insert(
        name=features.name,
        autossl=features.autossl,
        service_names=None if labels is None else json.dumps(list(dict.fromkeys(labels))),
        wildcard=features.wildcard,
        key_type=None if features.key_type is None else str(features.key_type),
    ).on_conflict(
        conflict_target=[models.FeatureList.name],
        preserve=[
            models.FeatureList.autossl,
            models.FeatureList.service_names,
            models.FeatureList.wildcard,
            models.FeatureList.key_type,
        ],
    ).execute()
    return _shown(records.feature_lists()[features.name])


def remove_feature_list(name: str) -> None:
    """Raises Failure("feature_list_unknown"), Failure("in_use")."""
    _known(models.FeatureList, name, "feature_list_unknown", "feature list")
    _remove(models.FeatureList, name, "feature list", "a package names it")


def list_packages() -> list[dict[str, Any]]:
    """Every package, with its feature list and how many accounts have it."""
    counted = dict(
        models.Account.select(models.Account.package, fn.COUNT(models.Account.name))
        .where(models.Account.gone_at.is_null())
        .group_by(models.Account.package)
        .tuples()
    )
    rows = models.Package.select().order_by(models.Package.name)
    return [
        {"package": row.name, "feature_list": row.feature_list_id, "accounts": counted.get(row.name, 0)} for row in rows
    ]


def keep_package(name: str, feature_list: str) -> dict[str, Any]:
    """Make or change one. Raises Failure("name_invalid"), Failure("feature_list_unknown")."""
    _checked(name)
    _known(models.FeatureList, feature_list, "feature_list_unknown", "feature list")
    models.Package.insert(name=name, feature_list=feature_list).on_conflict(
        conflict_target=[models.Package.name], preserve=[models.Package.feature_list]
    ).execute()
    return {"package": name, "feature_list": feature_list}


def remove_package(name: str) -> None:
    """Raises Failure("package_unknown"), Failure("in_use")."""
    _known(models.Package, name, "package_unknown", "package")
    if models.Account.select().where((models.Account.package == name) & models.Account.gone_at.is_null()).exists():
        raise Failure("in_use", f"{name}: this package is not removed, because accounts have it", permanent=True)
    _remove(models.Package, name, "package", "it is in use")


def give_package(instance: Instance, accounts: Collection[str], package: str) -> int:
    """Assign a package; how many accounts changed. Nothing is changed if one of them can't be.

    Raises Failure("package_unknown"), Failure("account_not_ours").
    """
    _known(models.Package, package, "package_unknown", "package")
    rows = [row for part in _parts(accounts) for row in _existing(part) if row.package != package]
    told = [row for row in rows if manifests.told_by_manifest(row.source)]
    fixed = [row.name for row in told if not manifests.changeable(instance, row)]
    if fixed:
        words = f"{fixed[0]}: a file in sites.d that was written by hand says its package; change it there"
        raise Failure("account_not_ours", words, permanent=True)
    for row in told:
        manifests.change(instance, row.name, lambda kept: replace(kept, account=replace(kept.account, package=package)))
    names = [row.name for row in rows]
    with models.database.atomic():
        for part in _parts(names):
            models.Account.update(package=package).where(models.Account.name.in_(part)).execute()
    if names:
        summaries.refresh(names, instance.config.check.service_names)
    return len(names)


def override(accounts: Collection[str], choice: str | None) -> int:
    """Enable or disable AutoSSL for these accounts whatever their feature list says, or (None) take that back.

    Returns how many accounts changed. Raises ValueError for another choice.
    """
    if choice not in (None, ENABLED, DISABLED):
        raise ValueError(f"expected {ENABLED}, {DISABLED} or None, got {choice!r}")
    different = models.Account.override.is_null(False) if choice is None else (
        models.Account.override.is_null() | (models.Account.override != choice)
    )
    with models.database.atomic():
        return sum(
            models.Account.update(override=choice)
            .where(models.Account.name.in_(part) & models.Account.gone_at.is_null() & different)
            .execute()
            for part in _parts(accounts)
        )


def assign(instance: Instance, website: str, account: str) -> dict[str, Any]:
    """Give a website whose owner no source can tell to an account; a discovery then keeps it there.

    Raises Failure("website_unknown"), Failure("account_unknown").
    """
    site = models.Website
    row = site.get_or_none((site.main == website) & site.gone_at.is_null() & site.part_of.is_null())
    former = models.Assignment.get_or_none(models.Assignment.main == website)
    if row is None or (row.account_id != UNASSIGNED and former is None):
        words = f"{website}: there is no website of that main name without an owner"
        raise Failure("website_unknown", words, permanent=True)
    if not _existing([account]).exists():
        raise Failure("account_unknown", f"{account}: there is no such account", permanent=True)
    with models.database.atomic():
        if account == UNASSIGNED:
            models.Assignment.delete().where(models.Assignment.main == website).execute()
        else:
            models.Assignment.insert(main=website, account=account, assigned_at=now()).on_conflict_replace().execute()
        site.update(account=account).where((site.id == row.id) | (site.part_of == website)).execute()
        summaries.refresh({account, str(row.account_id)}, instance.config.check.service_names)
    return {"website": website, "account": account}


def by_package() -> dict[str, FeatureList]:
    """What each package gives. An account whose package is not known has the default one."""
    lists = records.feature_lists()
    return {
        name: lists[feature_list]
        for name, feature_list in models.Package.select(models.Package.name, models.Package.feature_list).tuples()
    }


def entitlement(row: models.Account, given: Mapping[str, FeatureList]) -> Entitlement:
    """What decides about one account. `given`: see `by_package`."""
    account = Account(row.name, row.contact, row.package, row.reseller, AccountState(row.state))
    return Entitlement(account, given.get(row.package, given[DEFAULT]), row.override)


def _parts(names: Collection[str]) -> Iterator[list[str]]:
    """Few enough names for one statement: SQLite takes at most 32766 values."""
    everything = list(names)
    yield from (everything[start : start + MOST_AT_ONCE] for start in range(0, len(everything), MOST_AT_ONCE))


def _existing(names: Collection[str]) -> Any:
    return models.Account.select().where(models.Account.name.in_(list(names)) & models.Account.gone_at.is_null())


def _sorted_lists() -> list[tuple[str, FeatureList]]:
    return sorted(records.feature_lists().items(), key=lambda item: (item[0] != DEFAULT, item[0]))


def _shown(features: FeatureList) -> dict[str, Any]:
    return {
        "feature_list": features.name,
        "autossl": features.autossl,
        "service_names": None if features.service_names is None else list(features.service_names),
        "wildcard": features.wildcard,
        "key_type": None if features.key_type is None else str(features.key_type),
    }


def _checked(name: str) -> None:
    try:
        account_name(name)
    except InvalidName as error:
        raise Failure("name_invalid", f"{name!r}: {error}", permanent=True) from error


def _label(text: str) -> str:
    """One label that is put before a website's name."""
    try:
        name = hostname(f"{text}.example.org")
    except InvalidName as error:
        raise Failure("name_invalid", f"{text!r}: expected one part of a host name: {error}", permanent=True) from error
    if name.count(".") != 2 or name.startswith("*."):
        raise Failure("name_invalid", f"{text!r}: expected one part of a host name, without a dot", permanent=True)
    return name.partition(".")[0]


def _known(table: Any, name: str, code: str, kind: str) -> None:
    if table.get_or_none(table.name == name) is None:
        raise Failure(code, f"{name}: there is no such {kind}", permanent=True)


def _remove(table: Any, name: str, kind: str, why: str) -> None:
    if name == DEFAULT:
        raise Failure("in_use", f"{name}: this {kind} is not removed; every account needs one", permanent=True)
    try:
        table.delete().where(table.name == name).execute()
    except IntegrityError as error:
        raise Failure("in_use", f"{name}: this {kind} is not removed, because {why}", permanent=True) from error
