"""One name: how it is secured, or what the last check saw of it, step by step, and what its owner can do."""

from __future__ import annotations

from flask import abort, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user

from jobs.policy.access import Right
from jobs.policy.customer_words import report_for_owner
from jobs.policy.name_state import NameState
from jobs.policy.preflight_report import Report, from_json
from jobs.policy.report_words import Mark, Section, sections
from jobs.wiring.coverage import NameRow, name_status, preflight_of
from jobs.wiring.dns_advice import Advice, advice
from jobs.wiring.instance import now
from panel.access import account_scope, needs
from panel.status.account import frame, pages
from panel.status.names import STATES
from panel.work import instance

MARKS = {
    Mark.GOOD: ("All right", "good", "tick"),
    Mark.WARN: ("Worth a look", "warn", "clock"),
    Mark.BAD: ("Not right", "bad", "cross"),
    Mark.IDLE: ("Not asked", "idle", "dash"),
}
"""How a mark reads, its colour, and its icon in templates/status/_icons.html."""


@pages.get("/status/<account>/name/<fqdn>")
@needs(Right.SEE)
@account_scope
def name(account: str, fqdn: str) -> ResponseReturnValue:
    found = name_status(instance(), account, fqdn)
    if found is None:
        abort(404)
    site, row = found
    seen = preflight_of(row)
    report, seen_at = seen or (None, None)
    return render_template(
        "status/name.html", frame=frame(account), account=account, site=site, row=row, states=STATES, now=now(),
        seen_at=seen_at, record=report.caa.record if report and report.caa else "", report=report,
        advice=_advice(row, report),
    )


def _advice(row: NameRow, report: Report | None) -> Advice:
    """For names that are wanted; those that a backend was tried for need none. Nobody is asked while a page is made."""
    if row.state in (NameState.EXCLUDED, NameState.NOT_IN_USE) or (report and report.by_dns):
        return Advice()
    return advice(instance(), row.name)


def shown(report: Report) -> list[tuple[Section, tuple[str, str, str]]]:
    """The sections of a report, each with its mark, for who reads the page."""
    seen = report if current_user.may(Right.SEE_HOST) else report_for_owner(report)
    return [(section, MARKS[section.mark]) for section in sections(seen)]


pages.add_app_template_global(shown, "report_sections")
pages.add_app_template_filter(from_json, "as_report")
