"""A CA of one's own is asked as quickly as it answers, unless a pace was chosen for it."""

from __future__ import annotations

from datetime import timedelta

from jobs.ledger import Ledger, asked
from jobs.policy.limits import Counted
from jobs.providers.custom import Options, Provider
from jobs.providers.letsencrypt import Options as LetsEncryptOptions
from jobs.providers.letsencrypt import Provider as LetsEncrypt
from jobs.wiring.instance import Instance, now

DIRECTORY = "https://ca.example/dir"


def test_it_has_no_pace_of_its_own() -> None:
    assert Provider(Options(directory=DIRECTORY)).specs().limits == ()


def test_a_pace_that_was_chosen_is_kept(instance: Instance) -> None:
    ledger = Ledger("own", Provider(Options(directory=DIRECTORY, pace=2)).specs().limits)
    moment = now()
    begun = [ledger.begin(asked(f"{number}.test", (f"{number}.test",)), moment) for number in range(4)]
    assert [at - moment for at in begun] == [timedelta(0), timedelta(0), timedelta(seconds=5), timedelta(seconds=10)]


def test_how_long_the_next_order_would_wait_is_told_without_taking_its_turn(instance: Instance) -> None:
    ledger = Ledger("own", Provider(Options(directory=DIRECTORY, pace=1)).specs().limits)
    moment = now()
    assert ledger.until_next(moment) == 0.0
    ledger.begin(asked("a.test", ("a.test",)), moment)
    assert ledger.until_next(moment) == ledger.until_next(moment) == 10.0


def test_a_ca_that_serves_the_public_has_one() -> None:
    assert Counted.STARTS in [limit.counted for limit in LetsEncrypt(LetsEncryptOptions()).specs().limits]
