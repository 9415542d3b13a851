"""Whether AutoSSL looks after an account: by its feature list, or by an override. `autossl` is the one feature here."""

from __future__ import annotations

from typing import Any

import models
from jobs.policy.access import Right
from jobs.policy.features import DISABLED, ENABLED
from jobs.wiring import features
from panel.api.answers import Refused
from panel.api.parameters import ACCOUNT, BITS, TEXTS, Many, Parameter, one_of
from panel.api.registry import BIT, TEXT, Call, Function, rows, shape

AUTOSSL = "autossl"


def settings(call: Call) -> dict[str, Any]:
    users = call.values["user"]
    given = features.by_package()
    rows_of = models.Account.select().where(models.Account.name.in_(users))
    found = {row.name: features.entitlement(row, given) for row in rows_of}
    return {
        "users_features_settings": [
            {
                "user": user,
                "feature": feature,
                "feature_list": found[user].features.name,
                "feature_list_setting": int(found[user].features.autossl),
                "cpuser_setting": None if found[user].override is None else int(found[user].override == ENABLED),
            }
            for user in users
            for feature in call.values["feature"]
        ]
    }


def add_override(call: Call) -> None:
    chosen: dict[str, bool] = call.values["features"]
    _check(chosen)
    features.override([call.values["user"]], ENABLED if chosen[AUTOSSL] else DISABLED)


def remove_override(call: Call) -> None:
    _check(call.values["features"])
    features.override([call.values["user"]], None)


def _check(named: dict[str, bool] | list[str]) -> None:
    unknown = [name for name in named if name != AUTOSSL]
    if unknown or not named:
        got = repr(unknown[0][:60]) if unknown else "none"
        raise Refused(422, f"features: expected the feature {AUTOSSL}, got {got}")


_USER = Parameter("user", ACCOUNT, "the name of an account")

FUNCTIONS = (
    Function(
        "get_users_features_settings", "Feature list and override of accounts", Right.SEE, settings,
        (
            Parameter("user", ACCOUNT, "the name of an account, repeated, or as user-1, user-2 and so on",
                      many=Many.NUMBERED),
            Parameter("feature", one_of(AUTOSSL), f"{AUTOSSL}, the only feature there is", many=Many.NUMBERED),
        ),
        data=shape(users_features_settings=rows(
            user=TEXT, feature=TEXT, feature_list=TEXT, feature_list_setting=BIT,
            cpuser_setting={"type": ["integer", "null"], "enum": [0, 1, None]},
        )),
    ),
    Function(
        "add_override_features_for_user", "Enable or disable AutoSSL whatever the feature list says", Right.MANAGE,
        add_override, (_USER, Parameter("features", BITS, 'a JSON object: {"autossl": 1} or {"autossl": 0}')),
        changes=True,
    ),
    Function(
        "remove_override_features_for_user", "Do again as the feature list says", Right.MANAGE, remove_override,
        (_USER, Parameter("features", TEXTS, 'a JSON list: ["autossl"]')), changes=True,
    ),
)
