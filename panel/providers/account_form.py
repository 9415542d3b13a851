"""What somebody types to open an account at a CA: the binding that the CA gave, and an address for it to write to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import request

from jobs.policy.failure import Failure
from jobs.ports import Eab
from jobs.wiring.custom_provider import typed_eab
from panel import forms, work
from panel.wording import sentence


@dataclass(frozen=True)
class AccountForm:
    eab_kid: str = field(
        default="", metadata={"label": "EAB key id", "help": "Of the external account binding, as the CA shows it."}
    )
    eab_hmac: str = field(
        default="",
        metadata={
            "label": "EAB HMAC key",
            "help": "Kept in a file that only root reads, and never shown again.",
            "secret": True,
        },
    )
    contact: str = field(
        default="", metadata={"label": "Contact address", "help": "Where the CA may write to. Empty: none is given."}
    )


FIELD_OF = {
    "terms_not_accepted": "accept",
    "eab_required": "eab_kid",
    "eab_invalid": "eab_hmac",
    "contact_invalid": "contact",
}
"""What a failure is about; of any other one it is said above the form."""


@dataclass(frozen=True)
class Typed:
    """`eab` None: nothing was typed there. `errors`: a sentence by field; `fields` as they were typed."""

    eab: Eab | None
    contact: str | None
    accepted: str
    """The URL of the terms that were shown and accepted, or empty."""
    errors: Mapping[str, str]
    fields: tuple[forms.Field, ...]


def fields(one: Mapping[str, Any]) -> tuple[forms.Field, ...]:
    """The empty form for a provider, with what is known of it already."""
    contact = one["contact"] or work.instance().config.check.contact
    return forms.fields(AccountForm, AccountForm(one["eab_kid"] or "", "kept" if one["eab_kid"] else "", contact))


def typed(one: Mapping[str, Any]) -> Typed:
    """What was sent. `contact` None: the form had no such field."""
    read = forms.read(AccountForm, request.form)
    errors, eab = dict(read.errors), None
    if not errors and request.form.get("eab_hmac"):
        try:
            eab = typed_eab(request.form.get("eab_kid"), request.form.get("eab_hmac"))
        except Failure as failure:
            errors["eab_hmac"] = sentence(failure)
    elif not errors and request.form.get("eab_kid", "").strip() not in ("", one["eab_kid"]):
        errors["eab_hmac"] = "Expected the HMAC key that belongs to this key id."
    accepted = request.form.get("terms", "") if request.form.get("accept") else ""
    contact = request.form.get("contact", "").strip() if "contact" in request.form else None
    return Typed(eab, contact, accepted, errors, forms.with_errors(read.fields, errors))


def fault(failure: Failure, title: str) -> tuple[str, str]:
    """The field that a failure is about (empty: the form as a whole), and a sentence for there."""
    about = FIELD_OF.get(failure.code, "")
    if failure.code == "terms_not_accepted":
        return about, "Read these terms and accept them: nothing was changed."
    if failure.code == "eab_required":
        return about, f"{title} opens accounts for its customers only: type the key id and the HMAC key it gave you."
    return about, sentence(failure)
