"""The stars of a provider, each with its reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jobs.policy.score import score
from jobs.policy.specs import Specs

PLAIN = Specs("Plain", "https://ca.test/dir", max_names=None)
BEST = Specs(
    "Best", "https://ca.test/dir", dcv_methods=("http-01", "dns-01", "tls-alpn-01"), ancestor_dcv=True, max_names=100,
    delivery_time=300, max_redirects=1, weekly_limit=0, wildcard=True,
)


def test_the_best_has_nine_and_a_ca_that_says_nothing_has_one() -> None:
    assert score(BEST).total == 9
    assert score(PLAIN).total == 1
    assert score(PLAIN).reasons == ("DCV methods: http-01 (1)",)


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        ({"dcv_methods": ("http-01",)}, 2),
        ({"ancestor_dcv": False}, 2),
        ({"max_names": 99}, 1),
        ({"max_names": None}, 1),
        ({"delivery_time": 301}, 1),
        ({"delivery_time": None}, 1),
        ({"max_redirects": 0}, 1),
        ({"weekly_limit": 50}, 1),
        ({"weekly_limit": None}, 1),
        ({"wildcard": False}, 1),
    ],
)
def test_each_thing_that_is_missing_costs_its_stars(change: dict[str, object], lost: int) -> None:
    assert score(replace(BEST, **change)).total == 9 - lost  # type: ignore[arg-type]
