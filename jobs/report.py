"""What a check found and did, per website: collected while it runs, and rendered as the report of `check --json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from jobs.policy.decision import Decision, SiteFacts
from jobs.policy.failure import Failure, LeftOff
from jobs.policy.features import FeatureList
from jobs.policy.plan import Plan
from jobs.policy.site import Website
from jobs.policy.verdict import Verdict

GOOD_OUTCOMES = ("kept", "installed", "left alone")
OTHER_OUTCOMES = ("deferred", "waiting", "pending", "stopped", "failed")
"""`waiting`: for a limit of the CA; `pending`: the CA has not finished."""


@dataclass(slots=True)
class Case:
    """One website on its way through the steps. `outcome` stays empty until something was done or refused."""

    website: Website
    facts: SiteFacts
    decision: Decision
    features: FeatureList
    plan: Plan | None = None
    outcome: str = ""
    failure: Failure | None = None
    names: tuple[str, ...] = ()
    not_after: datetime | None = None
    services: dict[str, tuple[str, str]] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    """Why a service failed in this run."""
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    """What was found out in this run about the names that were tried."""
    provider: str = ""
    """By its name, who was asked last: who issued, if one did."""
    tried: dict[str, Failure] = field(default_factory=dict)
    """Why each provider that was asked did not issue."""
    dates: dict[str, datetime] = field(default_factory=dict)
    """Names that wait for a limit of the CA, until then; the empty one is the website."""
    lasting: set[str] = field(default_factory=set)
    """Codes of refusals of single names that only a person can change."""

    @property
    def left_off(self) -> tuple[LeftOff, ...]:
        return self.plan.left_off if self.plan else ()

    @property
    def good(self) -> bool:
        """Nothing failed, waits after a failure or was deferred, and no name that the website itself lists was left
        off."""
        own = set(self.website.names)
        services = all(state not in ("failed",) for state, _ in self.services.values())
        covered = not any(left.name in own for left in self.left_off)
        done = self.outcome in ("", *GOOD_OUTCOMES) and self.decision.code != "backoff"
        return done and services and covered and not self.website.rejected

    def as_json(self) -> dict[str, Any]:
        decision = self.plan.action if self.plan else self.decision.action
        reason = self.plan.reason if self.plan else self.decision.reason
        return {
            "account": self.website.account,
            "website": self.website.main,
            "decision": str(decision),
            "code": self.plan.code if self.plan else self.decision.code,
            "reason": reason,
            "outcome": self.outcome,
            "provider": self.provider or None,
            "problem": None if self.failure is None else {"code": self.failure.code, "text": self.failure.detail},
            "names": list(self.names),
            "left_off": [
                {"name": left.name, "code": left.code, "text": left.text, "report": self._seen(left.name)}
                for left in self._all_left_off()
            ],
            "remarks": list(self.plan.remarks) if self.plan else [],
            "warnings": self._warnings(),
            "deferred_until": stamp(self.plan.defer_until if self.plan else None),
            "part_of": self.website.part_of,
            "not_after": stamp(self.not_after),
            "services": {name: {"state": state, "text": text} for name, (state, text) in self.services.items()},
        }

    def _seen(self, name: str) -> dict[str, Any] | None:
        """What the preflight saw of a name that it let fail in this run."""
        verdict = self.verdicts.get(name)
        return verdict.seen.as_json() if verdict and verdict.seen and not verdict.passed else None

    def _warnings(self) -> list[dict[str, str]]:
        """What a person should know of names that passed."""
        passed = [verdict for verdict in self.verdicts.values() if verdict.passed]
        return [
            {"name": verdict.name, "code": warning.code, "text": warning.text}
            for verdict in passed for warning in verdict.warnings
        ]

    def _all_left_off(self) -> list[LeftOff]:
        refused = [LeftOff(text, "name_invalid", why) for text, why in self.website.rejected]
        return [*self.left_off, *refused]


def stamp(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with `Z`, to the second."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def counted(counts: Mapping[str, int]) -> str:
    """Totals in words, `3 websites, 1 left off`; what there was none of is left out."""
    return ", ".join(f"{value} {key.replace('_', ' ')}" for key, value in counts.items() if value)


def totals(cases: list[Case]) -> dict[str, int]:
    """How many websites there were, and what became of them."""
    counts = {"websites": len(cases)} | dict.fromkeys((*GOOD_OUTCOMES, *OTHER_OUTCOMES), 0)
    for case in cases:
        counts[case.outcome or "kept"] = counts.get(case.outcome or "kept", 0) + 1
    counts["left_off"] = sum(len(case.left_off) for case in cases)
    return counts
