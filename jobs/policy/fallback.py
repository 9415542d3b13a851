"""When the next provider of the list is tried, and what is said of those that did not issue (behaviour section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from jobs.policy.certificate import Certificate
from jobs.policy.customer_words import for_owner
from jobs.policy.decision import Action
from jobs.policy.due import deferral_ends
from jobs.policy.failure import Failure
from jobs.policy.limits import NEAR
from jobs.policy.plan import Plan
from jobs.policy.problem_entries import CAA

DOWN = frozenset({
    "ca_bad_nonce", "ca_bundle_unreadable", "ca_not_acme", "ca_unavailable", "ca_unreachable",
})
"""The CA can't be worked with now. Another one can, perhaps, and nobody waits for it."""

REFUSES = frozenset({
    "account_gone", "account_key_missing", "account_missing", "ca_bad_token", "ca_caa", "ca_other_names", "ca_refused",
    "ca_rejected_name", "certificate_chain_broken", "certificate_key_mismatch", "certificate_no_san",
    "certificate_test_issuer", "certificate_wrong_names", "eab_required", "no_challenge", "order_given_up",
    "provider_unknown", "terms_changed", "terms_not_accepted",
})
"""The CA will not issue this, or nothing of use. What a name itself does not do (`validation_failed`) is not among
them: no other CA could validate it either. Nor is what is wrong here, such as the clock, the disk or a key type. CAA
records are about each CA by itself."""

LIMITS = frozenset({NEAR, "ca_rate_limited"})
"""The CA issues later. That is waited for, as long as nothing is lost by it."""

PENDING = "order_pending"


ENOUGH = timedelta(days=1)
"""For so long a website without a certificate waits for an order that its CA does not finish."""


def goes_on(failure: Failure, since: datetime | None, at_stake: Certificate | None, now: datetime) -> bool:
    """Whether the next provider is tried. `since`: when the order was asked for that the CA has and may finish, which
    is left to it, slow or down, until the certificate at stake is about to end."""
    ends = _ends(at_stake)
    if since is not None or failure.code == PENDING:
        if ends is None:
            return since is not None and now - since >= ENOUGH
        return now >= ends
    if failure.code in LIMITS:
        return ends is not None and (failure.retry_at or now) >= ends
    return failure.of_provider or failure.code in DOWN or failure.code in REFUSES or failure.code in CAA


def _ends(at_stake: Certificate | None) -> datetime | None:
    """When waiting is over; one that was revoked is of no use any more."""
    return None if at_stake is None else min(deferral_ends(at_stake), at_stake.revoked_at or at_stake.not_after)


def forbidden(plan: Plan) -> Failure | None:
    """What CAA records have against the CA, where that leaves a website without the order that it should have."""
    if plan.action not in (Action.BLOCKED, Action.DEFER):
        return None
    against = [left for left in plan.left_off if left.code in CAA]
    if not against:
        return None
    more = f" (and {len(against) - 1} more)" if len(against) > 1 else ""
    return Failure(against[0].code, f"{against[0].text}{more}", permanent=True)


def joined(tried: Mapping[str, Failure]) -> Failure:
    """Why none of several providers issued, each with its own reason. It is tried again as soon as one of them says.
    Its code is one of which the website's owner is told no detail, if there is such a one: all details are in it."""
    if len(tried) == 1:
        return next(iter(tried.values()))
    said = "; ".join(f"{provider}: {failure.detail}" for provider, failure in tried.items())
    first, *rest = tried.values()
    codes = [failure.code for failure in tried.values() if failure.code not in LIMITS]
    code = next((code for code in codes if not for_owner(code, said).detail), codes[0] if codes else first.code)
    names = {
        name: "; ".join(f"{provider}: {failure.names[name]}" for provider, failure in tried.items())
        for name in first.names if all(name in failure.names for failure in rest)
    }
    times = [failure.retry_at for failure in tried.values()]
    retry_at = None if None in times else min(time for time in times if time is not None)
    permanent = all(failure.permanent for failure in tried.values())
    of_provider = all(failure.of_provider for failure in tried.values())
    return Failure(code, said, retry_at, permanent, names, of_provider=of_provider)
