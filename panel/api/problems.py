"""What is wrong with names now, each in a sentence."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import models
from jobs.policy.access import Right
from jobs.policy.coverage import UNUSED
from jobs.policy.customer_words import for_host, for_owner
from panel.api import answers
from panel.api.domains import websites_of
from panel.api.parameters import ACCOUNT, DOMAIN, Parameter
from panel.api.registry import MAYBE_TEXT, TEXT, TIME, Call, Function, rows, shape


def of_account(call: Call) -> dict[str, Any]:
    return {"problems_by_domain": _with_log(call, _of(call.values["username"]))}


def of_domain(call: Call) -> dict[str, Any]:
    """A problem of a whole website is one of its main name."""
    name = call.values["domain"]
    problem = models.Problem
    mains = websites_of(name, call.caller)
    named = (problem.name == name) | ((problem.name == "") & (problem.website == name))
    return {"problems_by_domain": _with_log(call, _shown(problem.website.in_(mains) & named))}


def own(call: Call) -> list[dict[str, Any]]:
    return [_facts(call, row) for row in _of(call.account)]


def _of(account: str) -> list[models.Problem]:
    website = models.Website
    mains = website.select(website.main).where((website.account == account) & website.gone_at.is_null())
    return _shown(models.Problem.website.in_(mains))


def _shown(condition: Any) -> list[models.Problem]:
    """Not: a name that was guessed and does not exist, and one that was excluded since."""
    problem, excluded = models.Problem, models.Exclusion
    account = models.Website.select(models.Website.account).where(models.Website.main == problem.website)
    left_out = excluded.select(excluded.name).where(excluded.account == account)
    chosen = condition & (problem.code != UNUSED) & problem.name.not_in(left_out)
    return list(problem.select().where(chosen).order_by(problem.website, problem.name))


def _facts(call: Call, row: models.Problem) -> dict[str, Any]:
    """What happened, as far as it is the caller's: who does not see the host gets none of its inside."""
    words = (for_host if Right.SEE_HOST in call.caller.rights else for_owner)(row.code, row.text)
    return {
        "domain": row.name or row.website,
        "problem": words.detail or f"{words.title}. {words.meaning or words.remedy}",
        "time": answers.stamp(row.seen_at),
    }


def _with_log(call: Call, found: list[models.Problem]) -> list[dict[str, Any]]:
    logs: dict[datetime, str | None] = {}
    for row in found:
        if row.seen_at not in logs:
            logs[row.seen_at] = _log(row.seen_at)
    return [{**_facts(call, row), "log": logs[row.seen_at]} for row in found]


def _log(seen: datetime) -> str | None:
    """The check that saw it: one works at a time, so it is the last one that began before."""
    run = models.Run
    moment = seen.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    row = run.select(run.start).where(run.start <= moment).order_by(run.start.desc()).first()
    return None if row is None else str(row.start)


_ROW: dict[str, Any] = {"domain": TEXT, "problem": TEXT, "time": TIME}
_DATA = shape(problems_by_domain=rows(**_ROW, log={**MAYBE_TEXT, "description": "a start_time for get_autossl_log"}))

FUNCTIONS = (
    Function(
        "get_autossl_problems_for_user", "The problems of an account's names", Right.SEE, of_account,
        (Parameter("username", ACCOUNT, "the name of an account"),), data=_DATA,
    ),
    Function(
        "get_autossl_problems_for_domain", "The problems of one name", Right.SEE, of_domain,
        (Parameter("domain", DOMAIN, "a host name"),), data=_DATA,
    ),
    Function(
        "SSL::get_autossl_problems", "The problems of the names of one's own account", Right.SEE, own,
        data=rows(**_ROW),
    ),
)
