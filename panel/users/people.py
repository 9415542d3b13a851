"""Who may sign in to the panel: administrators, resellers, and the users of accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

import models
from jobs.policy.access import Right, Role
from jobs.policy.failure import Failure
from jobs.wiring import attempts, people, second_factor, sessions, setup_links
from jobs.wiring.instance import now
from panel import hx, work
from panel import sessions as browsers
from panel.access import needs
from panel.audit import audited, note
from panel.forms import Field
from panel.paging import asked, paginate
from panel.security import unconfirmed
from panel.users.tab import pages
from panel.wording import sentence

_row = models.User
COLUMNS: Mapping[str, Any] = {"name": _row.name, "account": (_row.account, _row.id)}
USUAL = "name"
ROLES = {Role.USER: "User of an account", Role.RESELLER: "Reseller", Role.ADMIN: "Administrator"}
TITLES = {str(role): title for role, title in ROLES.items()}


@pages.get("/people", endpoint="people")
@needs(Right.HOST)
def show() -> ResponseReturnValue:
    ask = asked(COLUMNS, USUAL, {"role": ("", *TITLES)})
    query = _row.select()
    if ask.q:
        query = query.where(_row.name.contains(ask.q) | _row.account.contains(ask.q))
    if ask.filters["role"]:
        query = query.where(_row.role == ask.filters["role"])
    return hx.page_or_partial(
        "users/people.html",
        "users/_people.html",
        page=replace(paginate(ask, query, COLUMNS, USUAL), path=url_for("users.people")),
        titles=TITLES,
        allowed=people.resellers_allowed(),
    )


@pages.get("/people/add")
@needs(Right.HOST)
def add_person() -> ResponseReturnValue:
    return _form({"account": request.args.get("account", ""), "role": str(Role.USER)})


@pages.post("/people/add")
@needs(Right.HOST)
@audited("person.add")
def keep_person() -> ResponseReturnValue:
    """They get no password but a link, by which they choose one."""
    sent = {name: request.form.get(name, "").strip() for name in ("name", "role", "account")}
    note(object=f"{sent['name'][:64]} {sent['role'][:16]} {sent['account'][:64]}")
    errors = _faults(sent)
    if errors:
        return _form(sent, errors)
    refusal = unconfirmed(lambda text: _form(sent, {"password": text}))
    if refusal is not None:
        return refusal
    try:
        with models.database.atomic():
            user = people.create(sent["name"], None, Role(sent["role"]), sent["account"] or None)
            link = setup_links.make(user, now())
    except Failure as failure:
        field = {"account_unknown": "account"}.get(failure.code, "name")
        return _form(sent, {field: sentence(failure)})
    return _link_page(user, link)


@pages.get("/people/<person>")
@needs(Right.HOST)
def person(person: str) -> ResponseReturnValue:
    return _page(_found(person))


@pages.post("/people/<person>/password")
@needs(Right.HOST)
@audited("person.reset-password")
def reset_password(person: str) -> ResponseReturnValue:
    """The former password holds until the link is used; whoever is signed in by it is not any more."""
    user = _found(person)
    refusal = unconfirmed(lambda text: _page(user, "password", text))
    if refusal is not None:
        return refusal
    link = setup_links.make(user, now())
    attempts.forget(user)
    if user.id != current_user.id:
        sessions.end_all(user)
    return _link_page(user, link)


@pages.post("/people/<person>/totp")
@needs(Right.HOST)
@audited("person.disable-totp")
def disable_totp(person: str) -> ResponseReturnValue:
    user = _found(person)
    refusal = unconfirmed(lambda text: _page(user, "totp", text))
    if refusal is not None:
        return refusal
    second_factor.switch_off(user)
    ended = 0 if user.id == current_user.id else sessions.end_all(user)
    hx.say(f"{user.name} signs in by the password alone now. {_count(ended)} ended.", "good")
    return hx.redirect(url_for("users.person", person=user.name))


@pages.post("/people/<person>/contact")
@needs(Right.HOST)
@audited("person.contact")
def set_contact(person: str) -> ResponseReturnValue:
    user, address = _found(person), request.form.get("contact", "").strip()
    note(object=f"{user.name} {address[:80]}".strip())
    try:
        people.set_contact(user.name, address or None)
    except Failure as failure:
        return _page(user, "contact", sentence(failure))
    hx.say(f"{user.name} is mailed at {address}." if address else f"{user.name} is mailed nowhere.", "good")
    return hx.redirect(url_for("users.person", person=user.name))


@pages.post("/people/<person>/sessions")
@needs(Right.HOST)
@audited("person.end-sessions")
def end_sessions(person: str) -> ResponseReturnValue:
    user = _found(person)
    kept = browsers.current()
    ended = sessions.end_all(user, kept.hash if kept is not None and user.id == current_user.id else None)
    hx.say(f"{_count(ended)} of {user.name} ended.", "good")
    return hx.redirect(url_for("users.person", person=user.name))


@pages.get("/people/<person>/remove")
@needs(Right.HOST)
def ask_to_remove_person(person: str) -> ResponseReturnValue:
    user = _found(person)
    owned = models.Account.select().where((models.Account.reseller == user.name) & models.Account.gone_at.is_null())
    count = owned.count() if user.role == Role.RESELLER else 0
    left = f" {count} account{' is' if count == 1 else 's are'} this reseller's, and would be again for another of the"
    return hx.page_or_whole(
        "users/confirm.html",
        "users/_confirm.html",
        title=f"May {user.name} sign in no more?",
        text="Sessions and API tokens end at once. The account and its certificates stay as they are."
        + (f"{left} same name." if count else ""),
        button="Remove",
        named=(),
        rest=0,
        action=url_for("users.remove_person", person=user.name),
        away=url_for("users.person", person=user.name),
        hidden={},
    )


@pages.post("/people/<person>/remove")
@needs(Right.HOST)
@audited("person.remove")
def remove_person(person: str) -> ResponseReturnValue:
    user = _found(person)
    if user.id == current_user.id:
        return _page(user, "remove", "This is you. Another administrator can remove you.")
    people.remove(user.name)
    hx.say(f"{user.name} may sign in no more.", "good")
    return hx.redirect(url_for("users.people"))


def _found(name: str) -> models.User:
    user = models.User.get_or_none(models.User.name == name)
    return user if user is not None else abort(404)


def _faults(sent: Mapping[str, str]) -> dict[str, str]:
    if sent["role"] not in TITLES:
        return {"role": "Expected one of the choices."}
    of_account = sent["role"] == Role.USER
    if of_account and not sent["account"]:
        return {"account": "A user belongs to one account: choose it."}
    if not of_account and sent["account"]:
        return {"account": "Only the user of an account belongs to one; leave this empty."}
    return {}


def _page(user: models.User, section: str = "", error: str = "") -> tuple[str, int]:
    """The whole page, with `error` beside the form of `section`."""
    kept = browsers.current()
    text = render_template(
        "users/person.html",
        user=people.facts(user),
        title=TITLES.get(user.role, user.role),
        me=user.id == current_user.id,
        sessions=sessions.listed(user, browsers.limits(), now()),
        here="" if kept is None else kept.hash,
        link_waits=models.SetupLink.select().where(
            (models.SetupLink.user == user) & (models.SetupLink.expires_at > now())).exists(),
        section=section,
        error=error,
    )
    return text, 422 if error else 200


def _form(sent: Mapping[str, str], errors: Mapping[str, str] | None = None) -> tuple[str, int]:
    wrong, roles = errors or {}, tuple(TITLES.items())
    text = render_template(
        "users/add_person.html",
        name=Field("name", "name", "Name", "Letters, digits, '.', '_', '@' and '-'.", "text",
                   sent.get("name", "")[:64], required=True, error=wrong.get("name", "")),
        role=Field("role", "role", "Role", "A reseller manages the accounts that are theirs.", "select",
                   sent.get("role", ""), roles, error=wrong.get("role", "")),
        account=sent.get("account", "")[:64],
        account_error=wrong.get("account", ""),
        error=wrong.get("password", ""),
    )
    return text, 422 if errors else 200


def _link_page(user: models.User, link: str) -> ResponseReturnValue:
    address = setup_links.address(work.instance().config.panel, link)
    return render_template("users/link.html", user=user.name, link=address)


def _count(number: int) -> str:
    return f"{number} session{'' if number == 1 else 's'}"
