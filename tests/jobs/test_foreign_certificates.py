"""Certificates of somebody else's that a website has: what is kept and told of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs import records
from jobs.policy.proof import read_certificate
from jobs.ports import Installed
from tests.fakes import TestCA
from tests.jobs.check_host import Host, host

__all__ = ["host"]


def test_a_certificate_of_somebody_else_that_is_of_no_use_is_a_problem_and_no_reason_to_wait(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.service.name = "apache"
    theirs = TestCA().bundle(["host.example"])
    found = Installed(Path("/etc/ssl/host.pem"), read_certificate(theirs.leaf), False)
    with monkeypatch.context() as patch:
        patch.setattr(host.service, "installed", lambda website: found)
        assert host.check().outcome == "left alone"
    trouble = records.troubles()["a.test"][""]
    assert trouble.code == "foreign_invalid" and "for host.example, none of which is this website's" in trouble.text
    assert host.check().outcome == "installed"
    assert "" not in records.troubles().get("a.test", {})
