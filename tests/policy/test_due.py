"""Due and deferral at lifetimes from a minute to 398 days."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from jobs.policy.certificate import Certificate
from jobs.policy.due import claims_from, deferral_ends, due_at, is_due
from tests.fakes import NOW


def living(lifetime: timedelta, start: datetime = NOW) -> Certificate:
    return Certificate(("a.test",), "1", "f", "CA", start, start + lifetime, False, "ecdsa-p256", False)


@pytest.mark.parametrize(
    ("lifetime", "due_after", "deferral_before_end"),
    [
        (timedelta(seconds=60), timedelta(seconds=30), timedelta(seconds=6)),
        (timedelta(hours=12), timedelta(hours=6), timedelta(hours=1.2)),
        (timedelta(days=6), timedelta(days=3), timedelta(days=0.6)),
        (timedelta(days=10), timedelta(days=20 / 3), timedelta(days=1)),
        (timedelta(days=45), timedelta(days=30), timedelta(days=3)),
        (timedelta(days=90), timedelta(days=60), timedelta(days=3)),
        (timedelta(days=398), timedelta(days=398 * 2 / 3), timedelta(days=3)),
    ],
)
def test_due_and_deferral_follow_the_lifetime(
    lifetime: timedelta, due_after: timedelta, deferral_before_end: timedelta
) -> None:
    certificate = living(lifetime)
    assert abs(due_at(certificate) - (NOW + due_after)) < timedelta(milliseconds=1)
    assert abs(certificate.not_after - deferral_before_end - deferral_ends(certificate)) < timedelta(milliseconds=1)
    assert not is_due(certificate, due_at(certificate) - timedelta(microseconds=1))
    assert is_due(certificate, due_at(certificate))
    assert due_at(certificate) < claims_from(certificate) < deferral_ends(certificate) < certificate.not_after


def test_an_earlier_ari_point_wins_and_a_later_one_does_not() -> None:
    certificate = living(timedelta(days=90))
    early, late = NOW + timedelta(days=10), NOW + timedelta(days=80)
    assert due_at(replace(certificate, ari_point=early)) == early
    assert due_at(replace(certificate, ari_point=late)) == due_at(certificate)
