"""Checks: when the next one begins, asking for one, whether one is under way."""

from __future__ import annotations

from typing import Any

from jobs.policy.access import Right
from jobs.wiring import check_states, coverage
from jobs.wiring.background import nightly_time
from panel import header, work
from panel.api import answers
from panel.api.answers import Refused
from panel.api.parameters import ACCOUNT, Parameter
from panel.api.registry import BIT, MAYBE_TIME, NULL, NUMBER, TEXT, Call, Function, shape


def schedule(call: Call) -> dict[str, Any]:
    """In the host's own time zone, as cron has it; `next_time` is in UTC."""
    config = call.instance.config
    at = nightly_time(config)
    cron = [str(at.minute), str(at.hour), "*", "*", "*"]
    return {"cron": cron, "next_time": answers.stamp(header.next_nightly(config))}


def of_all(call: Call) -> dict[str, Any]:
    entry, _ = work.ask_for_check(None)
    return {"pid": entry.id}


def of_one(call: Call) -> dict[str, Any]:
    """As a person asks: whatever failed there before is tried now."""
    entry, _ = work.ask_for_check([call.values["username"]], forced=True)
    return {"pid": entry.id}


def of_own(call: Call) -> None:
    known = coverage.entitlement(call.account)
    if known is None or not known.enabled:
        raise Refused(403, f"AutoSSL is disabled for the account {call.account}")
    work.ask_for_check([call.account], forced=True)


def under_way(call: Call) -> int:
    """Also a check of all accounts, and one that waits for its turn."""
    return int(bool(check_states.active_of(call.account)))


_PID = shape(pid={**NUMBER, "description": "of the queue's entry, as in the lines of get_autossl_log"})

FUNCTIONS = (
    Function(
        "get_autossl_check_schedule", "When the nightly check begins", Right.SEE_HOST, schedule,
        data=shape(cron={"type": "array", "items": TEXT, "minItems": 5, "maxItems": 5}, next_time=MAYBE_TIME),
    ),
    Function(
        "start_autossl_check_for_all_users", "Check every account; joins a check that is queued or running",
        Right.HOST, of_all, data=_PID, changes=True,
    ),
    Function(
        "start_autossl_check_for_one_user", "Check one account, now, whatever failed there before", Right.CHECK, of_one,
        (Parameter("username", ACCOUNT, "the name of an account"),), data=_PID, changes=True,
    ),
    Function(
        "SSL::start_autossl_check", "Check one's own account, now", Right.CHECK, of_own, data=NULL, changes=True,
    ),
    Function(
        "SSL::is_autossl_check_in_progress", "Whether a check of one's own account is asked for or under way",
        Right.SEE, under_way, data=BIT,
    ),
)
