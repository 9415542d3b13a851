"""The bench of a night with nothing due: what it compares, and that it is no night where a certificate was renewed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.bench import night, nights
from tests.bench.figures import OURS, Report
from tests.bench.issue_host import Site

SPENT = {"cpu": 0.1, "memory": 50.0, "opened": 7}


def in_one_host(module: str, subject: str, size: str, times: str, timeout: float) -> list[dict[str, Any]]:
    """Deciding takes 0.01 s whatever there is, a check and a peer 3 ms for each website."""
    linear = {**SPENT, "seconds": 0.003 * int(size)}
    inside = {**SPENT, "seconds": 0.01, "asked": 4}
    ours = {
        "due": {**SPENT, "opened": None, "seconds": 0.5, "inside": inside},
        "check": {**linear, "opened": None, "inside": {**linear, "asked": 9, "decided": 0.2}},
    }
    return [ours if subject == nights.OURS else linear] * int(times)


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> Report:
    monkeypatch.setattr(night, "measured_inside", in_one_host)
    report = Report("night")
    night.run(report)
    return report


def test_peers_are_compared_with_deciding_and_growth_is_held_to_three_times(report: Report) -> None:
    got = {aim.words: aim.got for aim in report.measured.aims}
    assert got == pytest.approx({
        "certbot renew's time by ours (deciding), 1,000 websites": 300.0,
        "memory over 10,000 websites": 50.0,
        "deciding over 1,000 websites of which none is due": 0.01,
        "deciding over 10,000 by 1,000 websites": 1.0,
    })


def test_the_table_of_a_thousand_tells_of_deciding_the_whole_check_and_peers(report: Report) -> None:
    rows = [figure for figure in report.measured.figures if figure.table == "1,000 websites, nothing due"]
    times = {row.subject: row.median for row in rows if row.quantity == "time"}
    assert times[OURS] == 0.01
    assert times[night.WHOLE] == times["certbot renew"] == times["lego renew, one by one"] == 3.0
    assert {row.quantity for row in rows if row.subject == OURS} >= {"CPU", "memory", "files opened", "SQL"}


class Renews:
    """A peer that says nothing of one of its certificates."""

    kept = nights.CertbotRenews.kept

    def fill(self, *_: Any) -> None:
        pass

    def night(self, sites: Sequence[Site]) -> list[list[str]]:
        return [["echo", f"{site.main} expires on 2027-02-24 (skipped)"] for site in sites[1:]]


def test_a_night_in_which_a_peer_renews_is_not_measured() -> None:
    sites = [Site(f"user{number}", (f"site{number}.test",)) for number in range(3)]
    with pytest.raises(RuntimeError, match="of 3 certificates it says of 2"):
        nights.peers_nights(Renews(), sites, None, 1)  # type: ignore[arg-type]
