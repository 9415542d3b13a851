"""What may take the place of a certificate that the system trusts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from jobs.policy.certificate import Bundle
from jobs.policy.failure import Failure
from jobs.policy.proof import read_certificate
from jobs.ports import Installed
from jobs.wiring.root_trust import Trust
from tests.authority import Authority
from tests.fakes import NOW, TestCA

PUBLIC, OTHER, EVIL = Authority("Public"), Authority("Other public"), Authority("Evil")
NAMES = ["a.test"]


@pytest.fixture
def system(tmp_path: Path) -> Path:
    path = tmp_path / "ca-certificates.crt"
    path.write_bytes(PUBLIC.root + OTHER.root)
    return path


def standing(bundle: Bundle, folder: Path | None = None) -> Installed:
    """As a service presents it: by a link of ours where there is a folder, else with its chain."""
    certificate = read_certificate(bundle.leaf)
    if folder is None:
        return Installed(Path("/etc/x.pem"), certificate, False, chain=bundle.chain)
    path = folder / "fullchain.pem"
    path.write_bytes(bundle.fullchain)
    return Installed(path, certificate, True)


def refused(trust: Trust, new: Bundle, there: Sequence[Installed | None], now: datetime = NOW) -> bool:
    try:
        trust.refuse_worse("a.test", new.chain, there, now)
    except Failure as failure:
        assert failure.code == "root_refused" and "root.trust" in failure.detail and not failure.permanent
        return True
    return False


def test_what_is_trusted_is_replaced_only_by_what_is(system: Path, tmp_path: Path) -> None:
    trust, good = Trust(system=system), PUBLIC.bundle(NAMES)
    for there in (standing(good), standing(good, tmp_path)):
        assert refused(trust, EVIL.bundle(NAMES), [there])
        assert refused(trust, EVIL.bundle(NAMES), [None, there])
        assert not refused(trust, OTHER.bundle(NAMES), [there])


def test_where_nothing_trusted_stands_any_ca_will_do(system: Path) -> None:
    trust = Trust(system=system)
    selfmade = TestCA().bundle(NAMES)
    broken = Installed(Path("/etc/x.pem"), None, False, "no certificate")
    assert not refused(trust, EVIL.bundle(NAMES), [None, broken, standing(selfmade), standing(EVIL.bundle(NAMES))])


@pytest.mark.parametrize(("days", "expected"), [(0, True), (86, True), (87, False), (89, False), (91, False)])
def test_in_its_last_days_rather_something_else_than_nothing(system: Path, days: int, expected: bool) -> None:
    later = NOW + timedelta(days=days)
    new = Authority("Evil", later).bundle(NAMES)
    assert refused(Trust(system=system), new, [standing(PUBLIC.bundle(NAMES))], later) is expected


def test_a_ca_that_root_has_named_is_as_good_as_the_systems(system: Path, tmp_path: Path) -> None:
    ours = tmp_path / "ours.pem"
    ours.write_bytes(EVIL.root)
    trust = Trust([ours], system)
    assert not refused(trust, EVIL.bundle(NAMES), [standing(PUBLIC.bundle(NAMES))])
    assert refused(trust, Authority("Third").bundle(NAMES), [standing(EVIL.bundle(NAMES))])


def test_a_store_that_changes_is_read_anew(system: Path) -> None:
    trust, there = Trust(system=system), [standing(PUBLIC.bundle(NAMES))]
    assert refused(trust, EVIL.bundle(NAMES), there)
    system.write_bytes(PUBLIC.root + EVIL.root)
    assert not refused(trust, EVIL.bundle(NAMES), there)


def test_a_system_without_a_store_trusts_nothing_and_so_refuses_nothing(tmp_path: Path) -> None:
    trust = Trust(system=tmp_path / "not-there.crt")
    assert not refused(trust, EVIL.bundle(NAMES), [standing(PUBLIC.bundle(NAMES))])


def test_a_file_that_is_gone_meanwhile_is_told(system: Path, tmp_path: Path) -> None:
    there = standing(PUBLIC.bundle(NAMES), tmp_path)
    assert there.path is not None
    there.path.unlink()
    assert not refused(Trust(system=system), EVIL.bundle(NAMES), [there])
