"""The tab Options: what an administrator chooses for the whole installation, and the options of its plug-ins."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jobs import registry
from jobs.policy.access import Right
from jobs.policy.keys import KeyType
from jobs.policy.options import NOTIFY_TITLES, CaaMode, Options, faults
from jobs.wiring import options, plugin_options, plugins
from jobs.wiring.background import nightly_time
from panel import forms, hx, work
from panel.access import needs
from panel.audit import audited, note
from panel.tabs import Tab
from panel.wording import as_sentence

pages = Blueprint("options", __name__, url_prefix="/options")
TAB = Tab("Options", "options.show", Right.HOST)

PLUGINS = {"dns_backends": "DNS backends", "notifiers": "Mail and other messages"}
"""The packages whose plug-ins a person sets up here, and their headings."""

NONE = {
    "dns_backends": "None is installed. Names are validated over HTTP, and CAA records are only looked at.",
    "notifiers": "None is installed. Nobody is told of anything: what happened stands in the logs.",
}
ABOUT = {
    "dns_backends": "Several may be in use; the one with the longest zone writes. A name that can't be validated over"
    " HTTP, and a wildcard, is validated by DNS where one serves its zone. Test it: autossl dns test ZONE.",
    "notifiers": "",
}
"""Said where some are installed."""

GROUPS = (
    ("Messages", ("notify_admin", "notify_user")),
    ("Certificates", ("replace_foreign", "key_type")),
    ("DNS", ("caa", "challenge_zone")),
    ("Checks and logs", ("nightly", "log_days")),
    ("Resellers", ("resellers",)),
)
TITLES: forms.Titles = {
    "notify_user": NOTIFY_TITLES,
    "notify_admin": NOTIFY_TITLES,
    "caa": {CaaMode.WHEN_NEEDED: "Only when needed (recommended)", CaaMode.ALWAYS: "Always", CaaMode.NEVER: "Never"},
    "key_type": {
        KeyType.ECDSA_P256: "ECDSA, P-256 (recommended)",
        KeyType.ECDSA_P384: "ECDSA, P-384",
        KeyType.RSA_2048: "RSA, 2048 bits",
        KeyType.RSA_3072: "RSA, 3072 bits",
        KeyType.RSA_4096: "RSA, 4096 bits",
    },
}


@pages.get("")
@needs(Right.HOST)
def show() -> ResponseReturnValue:
    return _page()


@pages.post("")
@needs(Right.HOST)
@audited("options.save")
def save() -> ResponseReturnValue:
    """The replace option is switched on only by a second request, after its warning was read."""
    present = options.load(work.instance().config)
    read = forms.read(Options, request.form, titles=TITLES)
    errors = dict(read.errors) if read.value is None else _sentences(faults(read.value))
    if read.value is None or errors:
        return _page(forms.with_errors(read.fields, errors)), 422
    changes = {
        field.name: getattr(read.value, field.name)
        for field in dataclasses.fields(Options)
        if getattr(read.value, field.name) != getattr(present, field.name)
    }
    note(object=" ".join(f"{name}={value}" for name, value in changes.items()))
    if changes.get("replace_foreign") and "confirmed" not in request.form:
        note(result="asked first")
        return render_template("options/replace.html", hidden={one.id: one.value for one in read.fields})
    if changes:
        options.save(work.instance().config, changes)
        _move_clock()
    hx.say("The options are saved." if changes else "Nothing was changed.", "good")
    return hx.redirect(url_for("options.show"))


@pages.post("/<package>/<plugin>")
@needs(Right.HOST)
@audited("options.plugin")
def save_plugin(package: str, plugin: str) -> ResponseReturnValue:
    if package not in PLUGINS or plugin not in registry.names(package):
        abort(404)
    found = registry.load(package, plugin)
    read = forms.read(found.options, request.form, plugin_options.load(work.instance(), found), _prefix(found))
    if read.value is None:
        return _page(plugin=found, fields=read.fields), 422
    plugin_options.save(work.instance(), found, read.value)
    hx.say(f"The options of {found.title} are saved.", "good")
    return hx.redirect(url_for("options.show", _anchor=package))


def _page(
    own: tuple[forms.Field, ...] | None = None,
    plugin: registry.Plugin | None = None,
    fields: tuple[forms.Field, ...] = (),
) -> str:
    """`own`: the fields of Options, and `fields` those of `plugin`, as they were typed."""
    config = work.instance().config
    shown = own or forms.fields(Options, options.load(config), titles=TITLES)
    by_name = {one.name: one for one in shown}
    return render_template(
        "options/index.html",
        groups=[(title, [by_name[name] for name in names]) for title, names in GROUPS],
        nightly=nightly_time(config).strftime("%H:%M"),
        packages=[
            (name, title, ABOUT[name], NONE[name], _forms(name, plugin, fields)) for name, title in PLUGINS.items()
        ],
    )


@dataclass(frozen=True)
class PluginForm:
    """`active`: whether it is in use; None for what is not switched on by its options. `typed`: shown again, because
    something in it does not go."""

    plugin: registry.Plugin
    fields: tuple[forms.Field, ...]
    active: bool | None
    typed: bool = False


def _forms(
    package: str, typed: registry.Plugin | None, fields: tuple[forms.Field, ...]
) -> list[PluginForm]:
    """Every plug-in of a package with its fields."""
    found = []
    for one in registry.load_all(package):
        options = plugin_options.load(work.instance(), one)
        shown = fields if one == typed else forms.fields(one.options, options, _prefix(one))
        found.append(PluginForm(one, shown, plugins.active(work.instance(), one, options), one == typed))
    return found


def _prefix(plugin: registry.Plugin) -> str:
    return f"{plugin.package}-{plugin.name}-"


def _sentences(wrong: Mapping[str, str]) -> dict[str, str]:
    return {name: as_sentence(words) for name, words in wrong.items()}


def _move_clock() -> None:
    """The clock of this process goes by the nightly time that was just saved."""
    background: Any = work.running_background()
    if background is not None:
        background.clock.move_nightly(nightly_time(work.instance().config))
