"""Packages: each account has one, and each names a feature list."""

from __future__ import annotations

from flask import abort, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jobs.policy.access import Right
from jobs.policy.failure import Failure
from jobs.policy.features import DEFAULT
from jobs.policy.site import InvalidName, account_name
from jobs.wiring import features
from panel import hx
from panel.access import needs
from panel.audit import audited, note
from panel.forms import Field
from panel.users.tab import pages
from panel.wording import sentence


@pages.get("/packages")
@needs(Right.HOST)
def packages() -> ResponseReturnValue:
    return render_template("users/packages.html", packages=features.list_packages(), default=DEFAULT)


@pages.get("/packages/add")
@needs(Right.HOST)
def add_package() -> ResponseReturnValue:
    return _form("", "", DEFAULT, {})


@pages.post("/packages/add")
@needs(Right.HOST)
@audited("package.add")
def keep_new_package() -> ResponseReturnValue:
    name, chosen = request.form.get("name", "").strip(), request.form.get("feature_list", "")
    note(object=f"{name[:64]} {chosen[:64]}")
    errors = _faults(name, chosen)
    if name in features.by_package():
        errors["name"] = "There is a package of that name already."
    if errors:
        return _form("", name, chosen, errors)
    features.keep_package(name, chosen)
    hx.say(f"The package {name} is made.", "good")
    return hx.redirect(url_for("users.packages"))


@pages.get("/package/<name>")
@needs(Right.HOST)
def package(name: str) -> ResponseReturnValue:
    return _form(name, name, _known(name), {})


@pages.post("/package/<name>")
@needs(Right.HOST)
@audited("package.change")
def keep_package(name: str) -> ResponseReturnValue:
    _known(name)
    chosen = request.form.get("feature_list", "")
    note(object=f"{name} {chosen[:64]}")
    errors = _faults(name, chosen)
    if errors:
        return _form(name, name, chosen, errors)
    features.keep_package(name, chosen)
    hx.say(f"The package {name} has the feature list {chosen}.", "good")
    return hx.redirect(url_for("users.packages"))


@pages.post("/package/<name>/remove")
@needs(Right.HOST)
@audited("package.remove")
def remove_package(name: str) -> ResponseReturnValue:
    _known(name)
    try:
        features.remove_package(name)
    except Failure as failure:
        return _form(name, name, _known(name), {"remove": sentence(failure)})
    hx.say(f"The package {name} is removed.", "good")
    return hx.redirect(url_for("users.packages"))


def _known(name: str) -> str:
    """The feature list of a package that is there; else 404."""
    given = features.by_package()
    if name not in given:
        abort(404)
    return given[name].name


def _faults(name: str, feature_list: str) -> dict[str, str]:
    errors = {}
    try:
        account_name(name)
    except InvalidName:
        errors["name"] = "Expected letters, digits, '.', '_' and '-', at most 64 characters."
    if feature_list not in {one["feature_list"] for one in features.list_feature_lists()}:
        errors["feature_list"] = "There is no such feature list."
    return errors


def _form(known: str, name: str, feature_list: str, errors: dict[str, str]) -> ResponseReturnValue:
    """`known`: the package that is changed; empty for a new one."""
    lists = tuple((one["feature_list"], one["feature_list"]) for one in features.list_feature_lists())
    text = render_template(
        "users/package.html",
        known=known,
        default=DEFAULT,
        name=Field("name", "name", "Name", "Letters, digits, '.', '_' and '-'.", "text", name[:64], required=True,
                   error=errors.get("name", "")),
        feature_list=Field("feature_list", "feature_list", "Feature list", "What accounts of this package get.",
                           "select", feature_list, lists, error=errors.get("feature_list", "")),
        refused=errors.get("remove", ""),
    )
    return text, 422 if errors else 200
