"""What is new: an account that no web server names, and everything that a discovery finds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from flask import request, url_for
from flask.typing import ResponseReturnValue

import models
from jobs.policy.access import Right
from jobs.policy.contact import mail_address
from jobs.policy.failure import Failure
from jobs.policy.features import DEFAULT
from jobs.policy.site import UNASSIGNED, InvalidName, account_name, hostname
from jobs.wiring import accounts, features, first_checks
from panel import hx, work
from panel.access import needs
from panel.audit import audited, note
from panel.forms import LONGEST_TEXT, Field
from panel.users.tab import pages
from panel.wording import sentence

MOST_WEBSITES = 20
"""In one form; a file in sites.d may have any number."""

_SEPARATOR = re.compile(r"[\s,]+")


@dataclass(frozen=True)
class Site:
    """One website of the form, as it was typed."""

    names: str = ""
    docroot: str = ""

    @property
    def split(self) -> list[str]:
        return [text for text in _SEPARATOR.split(self.names.strip()) if text]


@dataclass(frozen=True)
class Sent:
    """The form, as it was typed."""

    name: str = ""
    contact: str = ""
    package: str = DEFAULT
    sites: tuple[Site, ...] = (Site(),)


@pages.get("/users/add")
@needs(Right.HOST)
def add() -> ResponseReturnValue:
    return _form(Sent())


@pages.post("/users/add")
@needs(Right.HOST)
@audited("account.add")
def add_account() -> ResponseReturnValue:
    sent = _read()
    if "more" in request.form:
        note(result="asked for another website")
        return _form(Sent(sent.name, sent.contact, sent.package, (*sent.sites, Site())[:MOST_WEBSITES]))
    note(object=sent.name)
    errors = _faults(sent)
    if errors:
        return _form(sent, errors)
    first, *more = [(site.split, site.docroot or None) for site in sent.sites if site.split]
    try:
        found = accounts.add(work.instance(), sent.name, sent.contact or None, sent.package, *first, more)
    except Failure as failure:
        return _form(sent, {"name": sentence(failure)})
    asked = first_checks.ask([sent.name])
    work.wake()
    websites = len(found["websites"])
    many = "1 website" if websites == 1 else f"{websites} websites"
    hx.say(f"The account {sent.name} is added, with {many}. {_told(asked)}", "good")
    return hx.redirect(url_for("users.show_account", account=sent.name))


@pages.get("/users/discover")
@needs(Right.HOST)
def discover() -> ResponseReturnValue:
    return hx.page_or_partial("users/discover.html", "users/_discover.html", found=None)


@pages.post("/users/discover")
@needs(Right.HOST)
@audited("discover")
def look() -> ResponseReturnValue:
    """Ask every source now; the answer is the page itself, for it is of this moment."""
    found = first_checks.discover_and_ask(work.instance())
    work.wake()
    note(object=found["summary"])
    hx.say(f"{found['summary']}. {_told(found['checks']) if found['new'] else ''}".strip(),
           "warn" if found["failed"] else "good")
    return hx.page_or_partial("users/discover.html", "users/_discover.html", found=found)


def _told(asked: Iterable[str]) -> str:
    """Whether a check begins by itself."""
    if list(asked):
        return "A check of what is new was asked for."
    if models.Provider.get_or_none(models.Provider.current) is None:
        return "No provider is in use, so nothing is checked yet."
    return "AutoSSL is disabled for what is new, so nothing is checked."


def _read() -> Sent:
    form = request.form
    roots = [text.strip()[:LONGEST_TEXT] for text in form.getlist("docroot")]
    texts = [text[:LONGEST_TEXT] for text in form.getlist("names")][:MOST_WEBSITES]
    sites = tuple(Site(text, roots[at] if at < len(roots) else "") for at, text in enumerate(texts))
    return Sent(
        form.get("name", "").strip()[:LONGEST_TEXT],
        form.get("contact", "").strip()[:LONGEST_TEXT],
        form.get("package", ""),
        sites or (Site(),),
    )


def _faults(sent: Sent) -> dict[str, str]:
    """What is wrong, as a sentence by field; websites count from 0."""
    errors: dict[str, str] = {}
    try:
        account_name(sent.name)
    except InvalidName as error:
        errors["name"] = f"This can't be used: {error}."
    if sent.name == UNASSIGNED:
        errors["name"] = "This name is kept for websites without an owner."
    if sent.contact:
        try:
            mail_address(sent.contact)
        except InvalidName as error:
            errors["contact"] = f"This can't be used: {error}."
    if sent.package not in features.by_package():
        errors["package"] = "There is no such package."
    for at, site in enumerate(sent.sites):
        errors |= _site_faults(at, site, needed=at == 0)
    return errors


def _site_faults(at: int, site: Site, needed: bool) -> dict[str, str]:
    errors = {}
    fault = _names_fault(site.split) if site.split else ""
    if fault or (not site.split and (needed or site.docroot)):
        errors[f"names-{at}"] = fault or "Expected at least one name."
    if site.docroot and not (site.docroot.startswith("/") and site.docroot.isprintable()):
        errors[f"docroot-{at}"] = "Expected an absolute path, such as /srv/shop."
    return errors


def _names_fault(texts: Sequence[str]) -> str:
    for text in texts:
        try:
            hostname(text)
        except InvalidName as error:
            return f"{text[:80]}: {error}."
    return "The main name comes first; a wildcard can't be it." if texts[0].startswith("*.") else ""


def _form(sent: Sent, errors: Mapping[str, str] | None = None) -> ResponseReturnValue:
    wrong = errors or {}
    packages = tuple((name, name) for name in sorted(features.by_package()))
    text = hx.page_or_partial(
        "users/add.html",
        "users/_add.html",
        name=Field("name", "name", "Name", "Letters, digits, '.', '_' and '-'.", "text", sent.name, required=True,
                   error=wrong.get("name", "")),
        contact=Field("contact", "contact", "Contact", "Mail address; may stay empty.", "text", sent.contact,
                      error=wrong.get("contact", "")),
        package=Field("package", "package", "Package", "It names the feature list.", "select", sent.package, packages,
                      error=wrong.get("package", "")),
        sites=[(site, wrong.get(f"names-{at}", ""), wrong.get(f"docroot-{at}", ""))
               for at, site in enumerate(sent.sites)],
        most=len(sent.sites) >= MOST_WEBSITES,
    )
    return text, 422 if wrong else 200

