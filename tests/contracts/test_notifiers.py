"""Every notifier: switched off until somebody sets it up, honest about what it can't do, and quiet about secrets."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from jobs import registry
from jobs.policy.failure import Failure
from jobs.policy.problems import CATALOGUE
from jobs.wiring.sending import LATER
from tests.jobs.notifiers.mail_server import letter

every_notifier = pytest.mark.parametrize("name", registry.names("notifiers"))
SECRET = "json://127.0.0.1:1/hush-hush"


def test_there_are_some_for_mail_and_some_for_administrators_only() -> None:
    kinds = [plugin.make.addressed for plugin in registry.load_all("notifiers")]
    assert True in kinds and False in kinds


def in_use(name: str) -> Any:
    """Made of options that switch it on and lead nowhere."""
    kind = registry.load("notifiers", name).options
    plain = kind()
    values: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        value = getattr(plain, field.name)
        if field.metadata.get("secret"):
            values[field.name] = SECRET
        elif field.name in ("host", "user"):
            values[field.name] = "localhost"
        elif value is False:
            values[field.name] = True
        elif isinstance(value, str) and value.startswith("/"):
            values[field.name] = "/nowhere/at/all"
        elif field.name == "port":
            values[field.name] = 1
        elif field.name == "timeout":
            values[field.name] = 5
    return kind(**values)


@every_notifier
def test_a_notifier_is_off_until_it_is_set_up(name: str) -> None:
    plugin = registry.load("notifiers", name)
    assert plugin.make(plugin.options()).active() is False
    assert plugin.make(in_use(name)).active() is True


@every_notifier
def test_what_can_not_be_handed_over_is_told_and_may_be_tried_again(name: str) -> None:
    with pytest.raises(Failure) as caught:
        registry.load("notifiers", name).make(in_use(name)).send(letter())
    failure = caught.value
    assert failure.code in CATALOGUE and failure.code in LATER and not failure.permanent
    assert failure.detail.isprintable() and "hush" not in failure.detail


@every_notifier
def test_a_secret_is_not_shown_by_accident(name: str) -> None:
    assert "hush" not in repr(in_use(name))
