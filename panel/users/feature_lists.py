"""Feature lists: named sets of defaults, which packages name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import abort, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jobs.policy.access import Right
from jobs.policy.failure import Failure
from jobs.policy.features import DEFAULT, FeatureList
from jobs.policy.keys import KeyType
from jobs.policy.site import InvalidName, account_name
from jobs.wiring import features
from panel import forms, hx
from panel.access import needs
from panel.audit import audited, note
from panel.forms import Field, with_errors
from panel.users.tab import pages
from panel.wording import sentence


@dataclass(frozen=True)
class Choices:
    """The form of a feature list."""

    autossl: bool = field(
        default=True, metadata={"label": "AutoSSL is on", "help": "By default; an override of an account wins over it."}
    )
    usual_names: bool = field(
        default=True,
        metadata={"label": "Try the usual service names", "help": "Those that config.toml names below every name."},
    )
    service_names: tuple[str, ...] = field(
        default=(),
        metadata={
            "label": "Service names instead of the usual ones",
            "help": "Such as webmail or webdisk, each tried below every name; none at all if this stays empty.",
        },
    )
    wildcard: bool = field(
        default=False,
        metadata={"label": "A wildcard may be used", "help": "Where the provider and a DNS backend allow it."},
    )
    key_type: KeyType | None = field(
        default=None, metadata={"label": "Key type", "help": "Of new certificates; –: as the options say."}
    )


@pages.get("/feature-lists")
@needs(Right.HOST)
def feature_lists() -> ResponseReturnValue:
    return render_template("users/feature_lists.html", lists=features.list_feature_lists(), default=DEFAULT)


@pages.get("/feature-lists/add")
@needs(Right.HOST)
def add_feature_list() -> ResponseReturnValue:
    return _form("", "", forms.fields(Choices))


@pages.post("/feature-lists/add")
@needs(Right.HOST)
@audited("features.add")
def keep_new_feature_list() -> ResponseReturnValue:
    name = request.form.get("name", "").strip()
    note(object=name[:64])
    error = ""
    try:
        account_name(name)
    except InvalidName:
        error = "Expected letters, digits, '.', '_' and '-', at most 64 characters."
    if name in _all():
        error = "There is a feature list of that name already."
    return _keep("", name, error)


@pages.get("/feature-list/<name>")
@needs(Right.HOST)
def feature_list(name: str) -> ResponseReturnValue:
    return _form(name, name, _present(name))


@pages.post("/feature-list/<name>")
@needs(Right.HOST)
@audited("features.change")
def keep_feature_list(name: str) -> ResponseReturnValue:
    if name not in _all():
        abort(404)
    return _keep(name, name)


@pages.post("/feature-list/<name>/remove")
@needs(Right.HOST)
@audited("features.remove")
def remove_feature_list(name: str) -> ResponseReturnValue:
    present = _present(name)
    try:
        features.remove_feature_list(name)
    except Failure as failure:
        return _form(name, name, present, refused=sentence(failure))
    hx.say(f"The feature list {name} is removed.", "good")
    return hx.redirect(url_for("users.feature_lists"))


def _keep(known: str, name: str, error: str = "") -> ResponseReturnValue:
    read = forms.read(Choices, request.form)
    if error or read.value is None:
        return _form(known, name, read.fields, error, failed=True)
    chosen = read.value
    labels = None if chosen.usual_names else chosen.service_names
    try:
        features.keep_feature_list(FeatureList(name, chosen.autossl, labels, chosen.wildcard, chosen.key_type))
    except Failure as failure:
        return _form(known, name, with_errors(read.fields, {"service_names": sentence(failure)}), failed=True)
    hx.say(f"The feature list {name} is {'kept' if known else 'made'}.", "good")
    return hx.redirect(url_for("users.feature_lists"))


def _present(name: str) -> tuple[Field, ...]:
    """The fields of a feature list as it is kept; 404 if there is none of that name."""
    known = _all().get(name) or abort(404)
    labels = known["service_names"]
    choices = Choices(
        autossl=known["autossl"],
        usual_names=labels is None,
        service_names=tuple(labels or ()),
        wildcard=known["wildcard"],
        key_type=None if known["key_type"] is None else KeyType(known["key_type"]),
    )
    return forms.fields(Choices, choices)


def _all() -> dict[str, dict[str, Any]]:
    return {one["feature_list"]: one for one in features.list_feature_lists()}


def _form(
    known: str, name: str, fields: tuple[Field, ...], error: str = "", refused: str = "", failed: bool = False
) -> ResponseReturnValue:
    """`known`: the feature list that is changed; empty for a new one."""
    text = render_template(
        "users/feature_list.html",
        known=known,
        default=DEFAULT,
        name=Field("name", "name", "Name", "Letters, digits, '.', '_' and '-'.", "text", name[:64], required=True,
                   error=error),
        fields=fields,
        refused=refused,
    )
    return text, 422 if failed or refused else 200
