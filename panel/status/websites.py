"""The websites of an account: certificate, coverage, and what each service presents, as of the last check and now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from flask import abort, request, url_for
from flask.typing import ResponseReturnValue

from jobs.policy.access import Right
from jobs.policy.failure import Failure
from jobs.policy.idn import readable
from jobs.policy.site import Website
from jobs.wiring import questions
from jobs.wiring.coverage import SiteStatus, account_status
from jobs.wiring.instance import now
from panel import hx
from panel.access import account_scope, needs
from panel.audit import audited, note
from panel.paging import asked, listed
from panel.status.account import frame, pages
from panel.status.names import STATES
from panel.wording import SERVICES, sentence
from panel.work import instance

_LAST = datetime.max.replace(tzinfo=UTC)
COLUMNS: Mapping[str, Callable[[SiteStatus], Any]] = {
    "website": lambda site: site.website,
    "expires": lambda site: site.certificate.not_after if site.certificate else _LAST,
    "covered": lambda site: site.covered / site.wanted if site.wanted else 1.0,
}
USUAL = "website"

SERVICE_STATES = {
    "installed": ("Installed", "good"),
    "waiting": ("Not running", "warn"),
    "failed": ("Failed", "bad"),
    "differs": ("Serves another one", "bad"),
    "foreign": ("Other certificate", "warn"),
    "unreadable": ("Unreadable", "bad"),
    "none": ("Nothing yet", "idle"),
}


@pages.get("/status/<account>/websites")
@needs(Right.SEE)
@account_scope
def websites(account: str) -> ResponseReturnValue:
    ask = asked(COLUMNS, USUAL)
    text = ask.q.casefold()
    found = [
        site for site in account_status(instance(), account)
        if not text or any(text in name.name or text in readable(name.name).casefold() for name in site.names)
    ]
    found.sort(key=lambda site: site.website)
    found.sort(key=COLUMNS[ask.column], reverse=ask.descending)
    page = listed(ask, found, url_for("status.websites", account=account), USUAL)
    return hx.page_or_partial(
        "status/websites.html", "status/_websites.html", frame=frame(account), page=page, services=SERVICES,
        service_states=SERVICE_STATES, now=now(),
    )


@pages.get("/status/<account>/websites/<website>")
@needs(Right.SEE)
@account_scope
def website(account: str, website: str) -> ResponseReturnValue:
    """One of them; polled (`seen`: the state that is shown) while somebody looks at what is served now."""
    _found(account, website)
    looked = questions.latest(questions.LOOK, website)
    polled = hx.wants_partial()
    if polled and looked is not None and looked.state == request.args.get("seen") == "running":
        return hx.unchanged()
    if polled:
        answer = hx.partial_only("status/_look.html", account=account, website=website, looked=looked,
                                 services=SERVICES)
        return hx.stop_polling(answer) if looked is None or looked.state != "running" else answer
    status = next(site for site in account_status(instance(), account) if site.website == website)
    return hx.page_or_partial(
        "status/website.html", "status/_look.html", frame=frame(account), account=account, website=website,
        site=status, looked=looked, services=SERVICES, service_states=SERVICE_STATES, states=STATES, now=now(),
    )


@pages.post("/status/<account>/websites/<website>/look")
@needs(Right.CHECK)
@account_scope
@audited("website.look")
def look(account: str, website: str) -> ResponseReturnValue:
    """Ask the services of one website, live."""
    site = _found(account, website)
    try:
        _, joined = questions.look(instance(), site)
        hx.say("Somebody is looking already; the answer is the same." if joined else "The services are being asked.")
    except Failure as failure:
        note(result="refused")
        hx.say(sentence(failure), "warn")
    if hx.wants_partial():
        looked = questions.latest(questions.LOOK, website)
        return hx.partial_only("status/_look.html", account=account, website=website, looked=looked, services=SERVICES)
    return hx.redirect(url_for("status.website", account=account, website=website, _anchor="look"))


def _found(account: str, main: str) -> Website:
    """404 for a website that is not the account's: whose it is, and whether it is there, is not told apart."""
    found = questions.website(account, main)
    if found is None:
        abort(404)
    return found
