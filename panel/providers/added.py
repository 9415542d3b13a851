"""Adding any ACME CA, in two steps: what it says of itself is shown before it is kept. And removing it again."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from jobs.policy.access import Right
from jobs.policy.failure import Failure
from jobs.wiring import providers
from jobs.wiring.custom_provider import Custom, faults, holds_key
from panel import forms, hx, work
from panel.access import needs
from panel.audit import audited, note
from panel.providers import account_form
from panel.providers.tab import pages, require
from panel.wording import as_sentence, sentence

BUNDLE, FILE = "ca_pem", "ca_file"
LONGEST_BUNDLE = 48 * 1024
NOT_TEXT = "Expected certificates in PEM, which is text; this file holds something else."
TOO_LONG = f"Expected at most {LONGEST_BUNDLE // 1024} KiB of certificates."


@dataclass(frozen=True)
class CustomForm:
    name: str = field(
        metadata={"label": "Name", "help": "Small letters, digits and hyphens, such as our-ca. It can't be changed."}
    )
    directory: str = field(
        metadata={"label": "Directory URL", "help": "The https address of the CA's ACME directory."}
    )
    caa: str | None = field(
        default=None,
        metadata={"label": "CAA name", "help": "The CA's domain in CAA records, if its directory does not say it."},
    )
    max_names: int | None = field(
        default=None, metadata={"label": "Names per certificate", "help": "At most. Empty: 100, as most CAs have it."}
    )
    pace: int | None = field(
        default=None,
        metadata={"label": "Pace", "help": "Orders begun in ten seconds. Empty: as quickly as the CA answers."},
    )
    wildcard: bool = field(
        default=False, metadata={"label": "It issues wildcards", "help": "Certificates for *.example.com."}
    )
    ancestor_dcv: bool = field(
        default=False,
        metadata={"label": "Ancestor DCV", "help": "It validates a name through a domain above it (RFC 9444)."},
    )
    http_only: bool = field(
        default=False,
        metadata={"label": "By HTTP only", "help": "It does not validate by DNS (dns-01), and so issues no wildcards."},
    )


@dataclass(frozen=True)
class Asked:
    """What was typed. `custom` is None if something in it can't be used; the fields and `bundle_error` say what."""

    name: str
    custom: Custom | None
    fields: tuple[forms.Field, ...]
    bundle: str
    bundle_error: str = ""


@pages.get("/add")
@needs(Right.HOST)
def add_form() -> ResponseReturnValue:
    return _form(Asked("", None, forms.fields(CustomForm), ""))


@pages.post("/add")
@needs(Right.HOST)
@audited("provider.look")
def look() -> ResponseReturnValue:
    """The first step: the directory is fetched and shown. Nothing is kept."""
    asked = _asked()
    note(object=asked.name)
    if "edit" in request.form:
        return _form(asked)
    if asked.custom is None:
        return _form(asked), 422
    return _shown(asked, asked.custom)


@pages.post("/add/keep")
@needs(Right.HOST)
@audited("provider.add")
def keep() -> ResponseReturnValue:
    """The second step. What was typed comes again, and is looked at again."""
    asked = _asked()
    note(object=asked.name)
    if asked.custom is None:
        return _form(asked), 422
    typed = account_form.typed({"eab_kid": None})
    if typed.errors:
        return _shown(asked, asked.custom, typed.fields, 422)
    try:
        one = providers.add(work.instance(), asked.name, asked.custom, typed.eab)
    except Failure as failure:
        return _refused(asked, failure)
    hx.say(f"{one['title']} is added. Accept its terms to take it into use.", "good")
    return hx.redirect(url_for("providers.show", provider=asked.name))


@pages.get("/<provider>/remove")
@needs(Right.HOST)
def ask_to_remove(provider: str) -> ResponseReturnValue:
    return render_template("providers/remove.html", one=require(provider))


@pages.post("/<provider>/remove")
@needs(Right.HOST)
@audited("provider.remove")
def remove(provider: str) -> ResponseReturnValue:
    one = require(provider)
    try:
        providers.remove(work.instance(), provider)
    except Failure as failure:
        return render_template("providers/remove.html", one=one, error=sentence(failure)), 422
    hx.say(f"{one['title']} is removed.", "good")
    return hx.redirect(url_for("providers.show"))


def _asked() -> Asked:
    read = forms.read(CustomForm, request.form)
    bundle, bundle_error = _bundle()
    name = read.value.name if read.value else request.form.get("name", "").strip()[:64]
    if read.value is None or bundle_error:
        return Asked(name, None, read.fields, bundle, bundle_error)
    value = read.value
    custom = Custom(
        value.directory,
        ca_pem=bundle or None,
        caa=value.caa,
        wildcard=value.wildcard,
        ancestor_dcv=value.ancestor_dcv,
        http_only=value.http_only,
        max_names=value.max_names,
        pace=value.pace or 0,
    )
    wrong = {about: as_sentence(words) for about, words in faults(value.name, custom).items()}
    bundle_error = wrong.pop(BUNDLE, "")
    if holds_key(bundle):
        bundle = ""  # it is not sent back either
    shown = forms.with_errors(read.fields, wrong)
    return Asked(name, None if wrong or bundle_error else custom, shown, bundle, bundle_error)


def _bundle() -> tuple[str, str]:
    """The certificates as text, from the file if one was sent, and what is wrong with it."""
    sent = request.files.get(FILE)
    raw = sent.read(LONGEST_BUNDLE + 1) if sent is not None and sent.filename else b""
    try:
        text = raw.decode("ascii") if raw else request.form.get(BUNDLE, "").replace("\r\n", "\n").strip()
    except UnicodeDecodeError:
        return "", NOT_TEXT
    return (text, "") if len(text) <= LONGEST_BUNDLE else ("", TOO_LONG)


def _shown(
    asked: Asked, custom: Custom, typed: tuple[forms.Field, ...] | None = None, status: int = 200
) -> ResponseReturnValue:
    """The second step's page, or the first one's with the reason why the CA can't be used."""
    try:
        one = providers.preview(asked.name, custom)
    except Failure as failure:
        return _refused(asked, failure)
    fields = typed or forms.fields(account_form.AccountForm)
    text = render_template(
        "providers/found.html",
        one=one,
        seen=one["seen"],
        hidden={**{shown.id: shown.value for shown in asked.fields}, BUNDLE: asked.bundle},
        fields={each.name: each for each in fields},
    )
    return text, status


def _refused(asked: Asked, failure: Failure) -> ResponseReturnValue:
    """The form again, with what the CA answered, or didn't, beside its address."""
    about = "name" if failure.code == "provider_exists" else "directory"
    shown = forms.with_errors(asked.fields, {about: sentence(failure)})
    return _form(dataclasses.replace(asked, fields=shown)), 422


def _form(asked: Asked) -> str:
    return render_template(
        "providers/add.html", fields=asked.fields, bundle=asked.bundle, bundle_error=asked.bundle_error
    )
