"""The API's functions about feature lists and overrides."""

from __future__ import annotations

import pytest

import models
from jobs.policy.features import FeatureList
from jobs.wiring import features
from tests.panel.api.api_client import Script, rows


def setting(admin: Script, user: str = "alice") -> dict:
    data = admin.data("get_users_features_settings", user=user, feature="autossl")
    assert set(data) == {"users_features_settings"}
    (row,) = data["users_features_settings"]
    return row


def test_an_override_is_set_changed_and_taken_back(admin: Script) -> None:
    plain = {"user": "alice", "feature": "autossl", "feature_list": "default", "feature_list_setting": 1,
             "cpuser_setting": None}
    assert setting(admin) == plain
    admin.data("add_override_features_for_user", user="alice", features='{"autossl":0}')
    assert setting(admin) == {**plain, "cpuser_setting": 0}
    admin.data("add_override_features_for_user", method="POST", user="alice", features='{"autossl":"1"}')
    assert setting(admin) == {**plain, "cpuser_setting": 1}
    admin.data("remove_override_features_for_user", user="alice", features='["autossl"]')
    assert setting(admin) == plain


def test_the_feature_list_s_own_setting_is_shown(admin: Script) -> None:
    with rows():
        features.keep_feature_list(FeatureList("none", autossl=False))
        features.keep_package("plain", "none")
        models.Account.update(package="plain").where(models.Account.name == "alice").execute()
    assert (setting(admin)["feature_list"], setting(admin)["feature_list_setting"]) == ("none", 0)
    assert (setting(admin, "bob")["feature_list"], setting(admin, "bob")["feature_list_setting"]) == ("default", 1)


def test_several_accounts_are_asked_for_by_numbers(admin: Script) -> None:
    data = admin.data("get_users_features_settings", user_1="bob", user_2="alice", feature_1="autossl")
    assert [row["user"] for row in data["users_features_settings"]] == ["bob", "alice"]
    assert admin.refused("get_users_features_settings", user_1="bob", user_2="nobody", feature="autossl") == (
        404, "nobody: there is no such account"
    )


@pytest.mark.parametrize("sent", ["", "{}", '{"ssl":1}', '{"autossl":1,"ssl":1}', '["autossl"]', '{"autossl":2}', "1"])
def test_an_override_of_anything_else_is_refused(admin: Script, sent: str) -> None:
    assert admin.refused("add_override_features_for_user", user="alice", features=sent)[0] == 422
    assert setting(admin)["cpuser_setting"] is None


@pytest.mark.parametrize("sent", ["", "[]", '["ssl"]', "autossl", '{"autossl":1}', '["autossl",1]'])
def test_taking_back_anything_else_is_refused(admin: Script, sent: str) -> None:
    admin.data("add_override_features_for_user", user="alice", features='{"autossl":0}')
    assert admin.refused("remove_override_features_for_user", user="alice", features=sent)[0] == 422
    assert setting(admin)["cpuser_setting"] == 0


def test_another_feature_is_refused(admin: Script) -> None:
    assert admin.refused("get_users_features_settings", user="alice", feature="ssl")[0] == 422
