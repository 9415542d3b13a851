"""WHM's notification switches over our levels."""

from __future__ import annotations

import json

import pytest

from jobs.policy.options import NotifyLevel, Options
from jobs.wiring import options
from jobs.wiring.instance import Instance
from panel.api.metadata import KEYS, LEVEL_OF, REPLACE, USER
from tests.panel.api.api_client import Script, rows


def chosen(instance: Instance) -> Options:
    with rows():
        return options.load(instance.config)


def set_levels(instance: Instance, admin: NotifyLevel, user: NotifyLevel) -> None:
    with rows():
        options.save(instance.config, {"notify_admin": str(admin), "notify_user": str(user)})


def shown(admin: Script) -> dict[str, int]:
    found: dict[str, int] = admin.data("get_autossl_metadata")["payload"]
    return found


def test_the_keys_are_whm_s_thirteen(admin: Script) -> None:
    assert set(shown(admin)) == set(KEYS)
    assert len(KEYS) == 13
    assert shown(admin)["clobber_externally_signed"] == 0
    assert sorted(key for key in KEYS if key.endswith("_user")) == sorted(key + "_user" for key in LEVEL_OF)


@pytest.mark.parametrize(
    ("level", "silent"),
    [
        (NotifyLevel.ALL, set()),
        (NotifyLevel.WARNINGS, {"notify_autossl_renewal"}),
        (NotifyLevel.FAILURES, set(LEVEL_OF) - {"notify_autossl_expiry"}),
        (NotifyLevel.OFF, set(LEVEL_OF)),
    ],
)
def test_a_level_shows_as_the_switches_of_what_it_lets_pass(
    admin: Script, instance: Instance, level: NotifyLevel, silent: set[str]
) -> None:
    set_levels(instance, level, NotifyLevel.OFF)
    found = shown(admin)
    assert {key for key in LEVEL_OF if not found[key]} == silent
    assert not any(found[key + USER] for key in LEVEL_OF)


def test_all_at_once_falls_back_to_the_defaults_of_what_is_left_out(admin: Script, instance: Instance) -> None:
    set_levels(instance, NotifyLevel.OFF, NotifyLevel.OFF)
    admin.data("set_autossl_metadata", metadata_json="{}")
    assert (chosen(instance).notify_admin, chosen(instance).notify_user) == (NotifyLevel.ALL, NotifyLevel.ALL)
    admin.data("set_autossl_metadata", metadata_json='{"clobber_externally_signed": 1, "notify_autossl_renewal": 0}')
    found = chosen(instance)
    assert (found.notify_admin, found.notify_user, found.replace_foreign) == (
        NotifyLevel.WARNINGS, NotifyLevel.ALL, True
    )
    admin.data("set_autossl_metadata", metadata_json="{}")
    assert not chosen(instance).replace_foreign


@pytest.mark.parametrize("level", list(NotifyLevel))
def test_what_was_read_can_be_set_again_and_changes_nothing(
    admin: Script, instance: Instance, level: NotifyLevel
) -> None:
    set_levels(instance, level, NotifyLevel.WARNINGS)
    before = chosen(instance)
    admin.data("set_autossl_metadata", method="POST", metadata_json=json.dumps(shown(admin)))
    assert chosen(instance) == before


def test_nothing_that_is_to_be_told_stays_silent(admin: Script, instance: Instance) -> None:
    only = {key: int(key == "notify_autossl_renewal_coverage") for key in KEYS}
    admin.data("set_autossl_metadata", metadata_json=json.dumps(only))
    assert (chosen(instance).notify_admin, chosen(instance).notify_user) == (NotifyLevel.WARNINGS, NotifyLevel.OFF)


def severity(key: str) -> int:
    return list(NotifyLevel).index(LEVEL_OF[key.removesuffix(USER)])


@pytest.mark.parametrize("before", list(NotifyLevel))
def test_one_switch_does_what_it_says_and_never_silences_something_more_severe(
    admin: Script, instance: Instance, before: NotifyLevel
) -> None:
    switches = [key for key in KEYS if key != REPLACE]
    for key, value in ((key, value) for key in switches for value in (1, 0)):
        set_levels(instance, before, before)
        was = shown(admin)
        admin.data("set_autossl_metadata_key", key=key, value=str(value))
        found = shown(admin)
        assert found[key] == value
        for name in switches:
            if name.endswith(USER) != key.endswith(USER):
                assert found[name] == was[name], "users' and administrators' are apart"
            elif severity(name) > severity(key):
                assert found[name] >= was[name]


def test_foreign_certificates_are_replaced_by_their_switch(admin: Script, instance: Instance) -> None:
    admin.data("set_autossl_metadata_key", key=REPLACE, value="1")
    assert chosen(instance).replace_foreign and shown(admin)[REPLACE] == 1
    admin.data("set_autossl_metadata_key", key=REPLACE, value="0")
    assert not chosen(instance).replace_foreign


@pytest.mark.parametrize(
    "sent",
    ["", "{", "[]", "1", "null", '{"notify_autossl_expiry": 2}', '{"notify_autossl_expiry": null}', '{"other": 1}',
     '{"notify_autossl_expiry": "\\u001b"}', "[" * 4000, "{" + '"a":1,' * 1000 + "}"],
)
def test_json_that_is_no_object_of_switches_is_refused_and_changes_nothing(
    admin: Script, instance: Instance, sent: str
) -> None:
    before = chosen(instance)
    assert admin.refused("set_autossl_metadata", method="POST", metadata_json=sent)[0] == 422
    assert chosen(instance) == before


@pytest.mark.parametrize(
    "sent", [{"key": "notify_autossl", "value": "1"}, {"key": REPLACE}, {"key": REPLACE, "value": "2"}, {"value": "1"}]
)
def test_a_key_or_value_that_does_not_exist_is_refused(admin: Script, sent: dict[str, str]) -> None:
    assert admin.refused("set_autossl_metadata_key", **sent)[0] == 422
