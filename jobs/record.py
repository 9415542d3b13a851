"""Step 9: what a run leaves behind: rows for the panel, lines for the log."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from datetime import datetime

from jobs import presented, records, summaries, troubles
from jobs.crash_points import edges
from jobs.install import Outcome
from jobs.obtain import forget_old_sets
from jobs.policy.certificate import Certificate
from jobs.policy.coverage import OVER_CAP, SPLIT_OFF, UNUSED
from jobs.policy.customer_words import HOST_ONLY, report_for_owner
from jobs.policy.decision import FOREIGN_INVALID, Action
from jobs.policy.disk_trouble import disk_trouble
from jobs.policy.failure import Failure, LeftOff
from jobs.policy.limits import NEAR
from jobs.policy.plan import Plan
from jobs.policy.site import Website
from jobs.policy.verdict import Verdict
from jobs.ports import Place
from jobs.report import Case
from jobs.runlog import RunLog

LASTING = {UNUSED, OVER_CAP, SPLIT_OFF, FOREIGN_INVALID}
"""Codes of what is as it is until a person changes something."""

_LEVELS = {"installed": "success", "waiting": "warn", "failed": "error"}
_WITHOUT_WORK = {Action.LEAVE: "left alone", Action.DEFER: "deferred", Action.BLOCKED: "failed"}


def record(
    place: Place,
    log: RunLog,
    now: datetime,
    cases: Sequence[Case],
    outcomes: Sequence[Outcome],
    service_names: tuple[str, ...],
) -> None:
    """Keep the outcome of every website and service, and say it in the log."""
    by_site: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_site.setdefault(outcome.website, []).append(outcome)
    for outcome in by_site.pop("", []):
        log.say("error", f"{outcome.service}: {outcome.text}", code=outcome.code)
    found: list[troubles.Found] = []
    looked: list[presented.Look] = []
    _keep_standings(cases, by_site, now)
    for case in cases:
        seen = by_site.get(case.website.main, [])
        _conclude(log, case, seen, now)
        done = {one.service for one in seen}
        left_alone = case.decision.action is Action.LEAVE
        looked.append(presented.Look(case.website.main, case.facts.presented, done, left_alone))
        if case.plan is not None and (case.outcome not in ("pending", "stopped") or case.failure is not None):
            found.append(_troubles_of(case, case.plan))
        if seen:
            _forget_old_sets(place, log, case)
    presented.keep(looked, now)
    troubles.keep(found, now)
    summaries.refresh({case.website.account for case in cases}, service_names)


def _keep_standings(cases: Sequence[Case], by_site: Mapping[str, Sequence[Outcome]], now: datetime) -> None:
    """In one transaction: what dies before it ends is looked at again as a whole, for `note_begun` says so."""
    states, at_stake = {}, {}
    for case in cases:
        if seen := by_site.get(case.website.main, ()):
            states |= {(case.website.main, one.service): (one.state, one.text, None) for one in seen}
            at_stake |= _at_stake(case)
    if states:
        with edges("keep standing"):
            records.keep_standings(states, now, at_stake)


def say(log: RunLog, case: Case, level: str, text: str, *, code: str = "", name: str = "", indent: int = 0) -> None:
    """One event about a website."""
    site = case.website
    log.say(level, text, account=site.account, website=site.main, name=name, code=code, indent=indent)


def say_bug(log: RunLog, website: Website | None, step: str, error: Exception) -> Failure:
    """What nobody foresaw: its traceback goes to the log; returned as the failure that a person is shown. A disk or a
    database that fails is told as what it is."""
    known = disk_trouble(error, step)
    failure = known or Failure("internal_error", f"{step}: {type(error).__name__}: {error}")
    account, main = (website.account, website.main) if website else ("", "")
    trace = "" if known else "\n" + "".join(traceback.format_exception(error))
    log.say("error", f"{failure.detail}{trace}", account=account, website=main, code=failure.code, indent=1)
    return failure


def say_plan(log: RunLog, case: Case) -> None:
    """The plan with its choices, and the reason of every name that is not on it, before anything is done."""
    plan = case.plan
    if plan is None or (plan.code == case.decision.code and plan.action is not Action.ORDER):
        return
    level = "warn" if plan.action in (Action.DEFER, Action.BLOCKED) else "info"
    names = f" ({', '.join(plan.names)})" if plan.action is Action.ORDER else ""
    say(log, case, level, f"plan: {plan.action}: {plan.reason}{names}", code=plan.code)
    for remark in plan.remarks:
        say(log, case, "info", remark, indent=1)
    for left in plan.left_off:
        say(log, case, "warn", left.text, code=left.code, name=left.name, indent=1)
        tried = case.verdicts.get(left.name)
        if tried and not tried.passed:
            _say_seen(log, case, tried)
    for name, verdict in case.verdicts.items():
        for warning in verdict.warnings:
            say(log, case, "warn", warning.text, code=warning.code, name=name, indent=1)


def _say_seen(log: RunLog, case: Case, tried: Verdict) -> None:
    """What the preflight saw of a name, marked where its owner is not told."""
    told = report_for_owner(tried.seen).lines if tried.seen else ()
    for line in tried.report:
        say(log, case, "info", line, code="" if line in told else HOST_ONLY, name=tried.name, indent=2)


def _forget_old_sets(place: Place, log: RunLog, case: Case) -> None:
    try:
        forget_old_sets(place, case.website.main)
    except Failure as failure:
        say(log, case, "warn", failure.detail, code=failure.code, indent=1)


def _conclude(log: RunLog, case: Case, outcomes: Sequence[Outcome], now: datetime) -> None:
    """The outcome of a website in one word, and each service's state. A service that failed before and waits for its
    next try is no better for having been left in peace by this run."""
    for name, found in case.facts.presented.items():
        late = case.facts.service_waits.get(name)
        if late is not None and late > now:
            stopped = name in case.facts.stopped
            before = "it was not running" if stopped else "it failed before"
            words = f"{before}; tried again at {late:%Y-%m-%d %H:%M UTC}, or now by a check of the account"
            case.services[name] = ("waiting" if stopped else "failed", words)
            if all(outcome.service != name for outcome in outcomes):
                say(log, case, "warn", f"{name}: {words}", code="backoff", indent=1)
        elif found is not None and found.linked:
            case.services[name] = ("installed", "unchanged")
    for outcome in outcomes:
        case.services[outcome.service] = (outcome.state, outcome.text)
        case.codes[outcome.service] = outcome.code
        say(log, case, _LEVELS[outcome.state], f"{outcome.service}: {outcome.text}", code=outcome.code, indent=1)
    if case.outcome:
        return
    if case.decision.code == NEAR and not outcomes:
        case.outcome = "waiting"
        return
    if outcomes:
        case.outcome = "failed" if any(outcome.state == "failed" for outcome in outcomes) else "installed"
    else:
        action = case.plan.action if case.plan else case.decision.action
        behind = any(state == "failed" for state, _ in case.services.values())
        case.outcome = _WITHOUT_WORK.get(action, "failed" if behind else "kept")


def _troubles_of(case: Case, plan: Plan) -> troubles.Found:
    """The problems of a website as of now. A name that was not tried in this run keeps what it had."""
    left = {entry.name: entry for entry in (*plan.left_off, *plan.unused)}
    known = {name for name, entry in left.items() if name in case.verdicts or entry.code == SPLIT_OFF}
    fresh = [entry for name, entry in left.items() if name in known]
    kept = [name for name in left if name not in known]
    failure = case.failure
    if failure is not None:
        fresh.append(LeftOff("", failure.code, failure.detail))
        fresh += [LeftOff(name, failure.code, text) for name, text in failure.names.items() if name in case.verdicts]
    elif plan.action in (Action.BLOCKED, Action.DEFER) or plan.code == FOREIGN_INVALID:
        fresh.append(LeftOff("", plan.code, plan.reason))
    elif plan.action is Action.KEEP and plan.code in ("backoff", "order_pending", NEAR):
        kept.append("")
    dates = ({"": failure.retry_at} if failure and failure.retry_at and failure.of_provider else {}) | case.dates
    return troubles.Found(
        website=case.website.main,
        fresh=fresh,
        kept=kept,
        at_stake=case.facts.stored,
        daily=LASTING | case.lasting | ({failure.code} if failure and failure.permanent else set()),
        not_before=failure.retry_at if failure else None,
        reports={name: verdict.seen for name, verdict in case.verdicts.items() if verdict.seen},
        no_later=plan.defer_until,
        dates=dates,
    )


def _at_stake(case: Case) -> dict[tuple[str, str], Certificate]:
    """What each service presents, and goes on presenting where nothing could be installed: an older certificate than
    the stored one, if that is the second that it does not get."""
    found = {name: one.certificate if one else None for name, one in case.facts.presented.items()}
    known = {name: certificate or case.facts.stored for name, certificate in found.items()}
    return {(case.website.main, name): certificate for name, certificate in known.items() if certificate}
