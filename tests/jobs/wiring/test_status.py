"""`autossl status` calls a name covered only while its certificate holds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs import records
from jobs.policy.proof import read_certificate
from jobs.wiring import accounts
from jobs.wiring import status as module
from jobs.wiring.instance import Instance, now
from tests.fakes import TestCA


@pytest.mark.parametrize(("days_ago", "covered"), [(10, True), (100, False)])
def test_an_expired_certificate_covers_nothing(
    instance: Instance, monkeypatch: pytest.MonkeyPatch, days_ago: int, covered: bool
) -> None:
    monkeypatch.setattr(module, "services", lambda _: [])
    accounts.add(instance, "alice", None, "default", ("alice.test",), None)
    certificate = read_certificate(TestCA().bundle(["alice.test"], now() - timedelta(days=days_ago)).leaf)
    records.keep_certificate("alice.test", certificate, "pebble", now(), now())
    (website,) = module.status(instance)["accounts"][0]["websites"]
    (name,) = website["names"]
    assert (name["covered"], "expired" in name["text"]) == (covered, not covered)
