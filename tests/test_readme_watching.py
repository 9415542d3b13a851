"""What the README says under Watching it is what the program exports, logs and lets be banned."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

import models
from jobs.policy.journal import MESSAGE_IDS
from jobs.wiring import sign_in
from jobs.wiring.measures import DAYS, Certificates, LastCheck, Measures, ProviderFacts
from jobs.wiring.overview import ServiceFacts
from panel.exposition import Figures
from panel.journal import OneLine
from tests.bare_instance import bare_instance
from tests.test_readme import section

NOW = datetime(2026, 11, 25, tzinfo=UTC)
FULL = Measures(
    accounts=1, websites=1, names={"covered": 1}, services=[ServiceFacts("apache", {"installed": 1})],
    certificates=Certificates(1, 0, dict.fromkeys(DAYS, 0), 0, NOW), problems={("dns_half", "warning"): 1},
    queue={("check", "queued"): 1}, overdue=timedelta(0), checks=[LastCheck("done", NOW, 1.0)],
    providers=[ProviderFacts("letsencrypt", True, False, 250)], orders={("letsencrypt", "done"): 1},
    messages={"waiting": 0, "failed": 0}, ticked=NOW, copied=NOW, backed_up=NOW,
)
"""With a sample of every figure."""

WORDS = {
    "and", "on", "by", "time", "max", "sum", "increase", "instance", "provider", "up", "d",
}
"""Of PromQL, as far as the alerts use it, and labels that Prometheus adds."""


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", section("Watching it"), re.MULTILINE | re.DOTALL)


def exported() -> dict[str, set[str]]:
    """Every metric with its labels."""
    return {one.name: set(one.labels) for family in Figures(FULL).collect() for one in family.samples}


def rules() -> list[dict[str, Any]]:
    (text,) = blocks("yaml")
    (group,) = yaml.safe_load(text)["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def test_the_table_of_metrics_is_complete_and_has_nothing_else() -> None:
    told = re.findall(r"`(autossl_[a-z_]+)(?:\{([a-z,]+)\})?`", section("Watching it"))
    assert {name: set(filter(None, labels.split(","))) for name, labels in told} == exported()
    assert len(told) == len(exported())


def test_the_table_of_kinds_is_complete_and_has_nothing_else() -> None:
    told = re.findall(r"^\| `([a-z_]+)` \| `([0-9a-f]{32})` \|", section("Watching it"), re.MULTILINE)
    assert dict(told) == {str(kind): number for kind, number in MESSAGE_IDS.items()} and len(told) == len(MESSAGE_IDS)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_an_alert_is_made_of_metrics_that_are_exported_and_of_labels_that_they_have(rule: dict[str, Any]) -> None:
    assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    bare = re.sub(r'"[^"]*"|\[[0-9]+d\]', "", rule["expr"])
    words = set(re.findall(r"[a-zA-Z_]+", bare)) - WORDS
    metrics = {word for word in words if word.startswith("autossl_")}
    known = exported()
    labels = {label for metric in metrics for label in known[metric]}
    assert words - metrics <= labels | {"job"} and (metrics or "up{" in rule["expr"])
    used = set(re.findall(r"\$labels\.([a-z]+)", rule["annotations"]["summary"]))
    assert used <= labels | {"instance"} and "instance" in used


@pytest.mark.parametrize("name", ["root", "x\nautossl[1]: refused a sign-in from 203.0.113.9 for 'y'", "a" * 500])
@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::7"])
def test_the_filter_of_fail2ban_finds_the_address_of_a_refused_sign_in_and_no_forged_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, address: str
) -> None:
    with bare_instance(tmp_path / "instance"), caplog.at_level(logging.WARNING, "autossl.auth"):
        models.database.connect(reuse_if_open=True)
        sign_in.first_step(name, "wrong", address, NOW)
    (record,) = caplog.records
    lines = [f"host autossl[12]: {line}" for line in OneLine("%(message)s").format(record).splitlines()]
    (filters,) = re.findall(r"^failregex = (.+)$", section("Watching it"), re.MULTILINE)
    found = [re.search(filters.replace("<ADDR>", r"([0-9a-f.:]+)"), line) for line in lines]
    assert [one[1] if one else None for one in found] == [address]
