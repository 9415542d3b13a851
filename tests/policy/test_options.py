"""Options: which values go, and how a user's own level stands under the administrator's."""

from __future__ import annotations

import dataclasses

import pytest

from jobs.policy.options import NotifyLevel, Options, capped, faults, minute_of_day


def test_the_defaults_are_sound_and_every_option_is_labelled() -> None:
    assert faults(Options()) == {}
    assert all(field.metadata["label"] and field.metadata["help"] for field in dataclasses.fields(Options))


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_logs_are_kept_for_a_sensible_time(days: int) -> None:
    assert "log_days" in faults(Options(log_days=days))


@pytest.mark.parametrize("text", ["3:17", "24:00", "03:60", "0317", "03:17\n", "noon"])
def test_a_time_of_day_has_hours_and_minutes(text: str) -> None:
    assert "nightly" in faults(Options(nightly=text))
    with pytest.raises(ValueError, match="HH:MM"):
        minute_of_day(text)


@pytest.mark.parametrize("text", ["host", "*.host.example", "Host.example", "host.example."])
def test_the_challenge_zone_is_the_name_of_a_zone(text: str) -> None:
    assert "challenge_zone" in faults(Options(challenge_zone=text))
    assert faults(Options(challenge_zone="challenges.host.example")) == {}


def test_the_minute_of_the_day() -> None:
    assert (minute_of_day("00:00"), minute_of_day("03:17"), minute_of_day("23:59")) == (0, 197, 1439)
    assert minute_of_day("") is None


def test_a_user_is_never_told_more_than_the_administrator_allows() -> None:
    assert capped(None, NotifyLevel.WARNINGS) is NotifyLevel.WARNINGS
    assert capped(NotifyLevel.ALL, NotifyLevel.FAILURES) is NotifyLevel.FAILURES
    assert capped(NotifyLevel.OFF, NotifyLevel.ALL) is NotifyLevel.OFF
