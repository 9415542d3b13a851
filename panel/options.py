"""The tab Options: what an administrator chooses for the whole installation, and the options of its plug-ins."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue

import models
from jobs import registry
from jobs.policy.access import Right
from jobs.policy.failure import Failure
from jobs.policy.keys import KeyType
from jobs.policy.options import NOTIFY_TITLES, CaaMode, Options, faults
from jobs.wiring import messages, options, plugin_options, plugins
from jobs.wiring.background import nightly_time
from jobs.wiring.instance import now
from jobs.wiring.messages import WAITING
from panel import forms, hx, work
from panel.access import needs
from panel.audit import audited, note
from panel.tabs import Tab
from panel.wording import as_sentence, sentence

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
    "notifiers": "Mail goes to the addresses above and to the contacts of accounts and resellers; messages in brief go"
    " where Apprise is told to send them. Where nothing is in use, nobody is told of anything.",
}
"""Said where some are installed."""

GROUPS = (
    ("Messages", ("notify_admin", "admin_addresses", "notify_user", "mail_from")),
    ("Certificates", ("replace_foreign", "users_take_over", "key_type")),
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
    note(object=" ".join(f"{name}={_written(value)}" for name, value in changes.items()))
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


@pages.post("/notifiers/<plugin>/test")
@needs(Right.HOST)
@audited("options.test")
def test_notifier(plugin: str) -> ResponseReturnValue:
    """The message goes the way of all others: through the outbox, but it is tried only once."""
    if plugin not in registry.names("notifiers"):
        abort(404)
    to = request.form.get(f"test-{plugin}", "").strip()[: forms.LONGEST_TEXT]
    note(object=f"{plugin} {to[:80]}".strip())
    try:
        messages.tests(work.instance(), plugin, to)
    except Failure as failure:
        return _page(test=Test(plugin, to, sentence(failure))), 422
    work.wake()
    hx.say("The test message is in the outbox. What becomes of it stands beside the button.", "good")
    return hx.redirect(url_for("options.show", _anchor=f"notifiers-{plugin}"))


@pages.get("/notifiers/<plugin>/test")
@needs(Right.HOST)
def tested(plugin: str) -> ResponseReturnValue:
    """Polled while a test message waits."""
    if plugin not in registry.names("notifiers"):
        abort(404)
    if not hx.wants_partial():
        return hx.redirect(url_for("options.show", _anchor=f"notifiers-{plugin}"))
    row = messages.latest_test(plugin)
    if row is not None and row.state == WAITING:
        return hx.unchanged()
    return hx.stop_polling(hx.partial_only("options/_tested.html", name=plugin, tested=row))


@dataclass(frozen=True)
class Test:
    """A test message that was asked for, and why there is none."""

    plugin: str
    to: str
    error: str


def _page(
    own: tuple[forms.Field, ...] | None = None,
    plugin: registry.Plugin | None = None,
    fields: tuple[forms.Field, ...] = (),
    test: Test | None = None,
) -> str:
    """`own`: the fields of Options, and `fields` those of `plugin`, as they were typed."""
    config = work.instance().config
    shown = own or forms.fields(Options, options.load(config), titles=TITLES)
    by_name = {one.name: one for one in shown}
    return render_template(
        "options/index.html",
        groups=[(title, [by_name[name] for name in names]) for title, names in GROUPS],
        nightly=nightly_time(config).strftime("%H:%M"),
        given_up=messages.given_up(now()),
        waiting=messages.waiting(),
        packages=[
            (name, title, ABOUT[name], NONE[name], _forms(name, plugin, fields, test))
            for name, title in PLUGINS.items()
        ],
    )


@dataclass(frozen=True)
class PluginForm:
    """`active`: whether it is in use. `typed`: shown again, because something in it does not go. `to` is the field of
    a test message's address, if it needs one; `tested` the last such message."""

    plugin: registry.Plugin
    fields: tuple[forms.Field, ...]
    active: bool
    typed: bool = False
    test_error: str = ""
    to: forms.Field | None = None
    tested: models.Message | None = None


def _forms(
    package: str, typed: registry.Plugin | None, fields: tuple[forms.Field, ...], test: Test | None
) -> list[PluginForm]:
    """Every plug-in of a package with its fields."""
    found = []
    for one in registry.load_all(package):
        options = plugin_options.load(work.instance(), one)
        shown = fields if one == typed else forms.fields(one.options, options, _prefix(one))
        form = PluginForm(one, shown, plugins.active(work.instance(), one, options), one == typed)
        found.append(_with_test(form, test) if package == "notifiers" and form.active else form)
    return found


def _with_test(form: PluginForm, test: Test | None) -> PluginForm:
    asked = test if test is not None and test.plugin == form.plugin.name else None
    error, to = ("", "") if asked is None else (asked.error, asked.to)
    help_text = "Empty: every administrator."
    field = forms.Field(f"test-{form.plugin.name}", "to", "Test message to", help_text, "text", to, error=error)
    addressed = form.plugin.make.addressed
    return dataclasses.replace(
        form,
        typed=form.typed or bool(error),
        to=field if addressed else None,
        test_error="" if addressed else error,
        tested=messages.latest_test(form.plugin.name),
    )


def _prefix(plugin: registry.Plugin) -> str:
    return f"{plugin.package}-{plugin.name}-"


def _sentences(wrong: Mapping[str, str]) -> dict[str, str]:
    return {name: as_sentence(words) for name, words in wrong.items()}


def _written(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _move_clock() -> None:
    """The clock of this process goes by the nightly time that was just saved."""
    background: Any = work.running_background()
    if background is not None:
        background.clock.move_nightly(nightly_time(work.instance().config))
