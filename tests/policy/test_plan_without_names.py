"""When no name can be validated, nothing is ordered; whether that is a failure depends on what is there already."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from jobs.policy.decision import Action, Options, SiteFacts, decide
from jobs.policy.plan import plan
from jobs.policy.proof import read_certificate
from jobs.policy.site import NameKind, WantedName, Website
from jobs.policy.specs import Specs
from jobs.policy.verdict import Verdict
from tests.fakes import NOW, TestCA

NAMES = ("a.test", "new.a.test")
SPECS = Specs("Some CA", "https://ca.test/dir")


@pytest.mark.parametrize(("days_left", "expected"), [
    (None, Action.BLOCKED),
    (80, Action.KEEP),
    (20, Action.DEFER),
    (2, Action.BLOCKED),
    (-1, Action.BLOCKED),
])
def test_it_is_a_failure_only_without_a_good_certificate_or_near_its_end(
    days_left: int | None, expected: Action
) -> None:
    stored = None
    if days_left is not None:
        stored = read_certificate(TestCA().bundle(NAMES[:1], NOW - timedelta(days=90 - days_left)).leaf)
    wanted = tuple(WantedName(name, NameKind.ALIAS, own=True) for name in NAMES)
    facts = SiteFacts(Website("alice", NAMES), wanted, stored)
    decision = decide(facts, NOW, Options())
    assert decision.action is Action.ORDER
    verdicts = {name: Verdict(name, False, None, "dns_servfail", f"{name}: SERVFAIL") for name in NAMES}
    made = plan(decision, facts, verdicts, SPECS, NOW, Options())
    assert made.action is expected
    assert "SERVFAIL" in made.reason
    assert isinstance(made.defer_until, datetime) == (expected is Action.DEFER)
