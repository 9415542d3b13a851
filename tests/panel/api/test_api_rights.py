"""Who may call what: walked over every function, for every role, scope and restriction."""

from __future__ import annotations

import pytest
from flask import Flask

from jobs.wiring import options
from jobs.wiring.instance import Instance
from panel.api.functions import FUNCTIONS
from panel.api.parameters import ACCOUNT
from tests.panel.api.api_client import BY_NAME, EXAMPLES, Script, rows, script

SEE = {
    "get_autossl_logs_catalog", "get_autossl_log", "get_autossl_user_excluded_domains",
    "get_autossl_problems_for_user", "get_autossl_problems_for_domain", "get_autossl_pending_queue_for_user",
    "get_autossl_pending_queue_for_domain", "get_users_features_settings", "SSL::is_autossl_check_in_progress",
    "SSL::get_autossl_excluded_domains", "SSL::get_autossl_problems", "SSL::get_autossl_pending_queue",
}
CHECK = {
    "start_autossl_check_for_one_user", "add_autossl_user_excluded_domains", "remove_autossl_user_excluded_domains",
    "set_autossl_user_excluded_domains", "SSL::start_autossl_check", "SSL::add_autossl_excluded_domains",
    "SSL::remove_autossl_excluded_domains", "SSL::set_autossl_excluded_domains",
}
MANAGE = {"add_override_features_for_user", "remove_override_features_for_user"}
SEE_HOST = {
    "get_autossl_providers", "get_autossl_check_schedule", "get_autossl_metadata", "get_autossl_pending_queue",
}
HOST = {
    "set_autossl_provider", "reset_autossl_provider", "disable_autossl", "start_autossl_check_for_all_users",
    "set_autossl_metadata", "set_autossl_metadata_key",
}
CHANGING = CHECK | MANAGE | HOST

CALLERS = {
    ("root", "manage", None): SEE | CHECK | MANAGE | SEE_HOST | HOST,
    ("root", "check", None): SEE | CHECK | SEE_HOST,
    ("root", "read", None): SEE | SEE_HOST,
    ("root", "manage", "alice"): SEE | CHECK | MANAGE,
    ("root", "check", "alice"): SEE | CHECK,
    ("root", "read", "alice"): SEE,
    ("rita", "manage", None): SEE | CHECK | MANAGE,
    ("rita", "manage", "alice"): SEE | CHECK | MANAGE,
    ("rita", "check", None): SEE | CHECK,
    ("rita", "read", None): SEE,
    ("alice", "manage", None): SEE | CHECK,
    ("alice", "check", None): SEE | CHECK,
    ("alice", "read", None): SEE,
}
UNBOUND = {("root", "manage", None), ("root", "check", None), ("root", "read", None), ("rita", "manage", None),
           ("rita", "check", None), ("rita", "read", None)}
"""Callers that are of no one account, which UAPI does not serve."""


@pytest.fixture
def resellers(instance: Instance) -> None:
    with rows():
        options.save(instance.config, {"resellers": True})


def test_every_function_is_in_one_of_these_sets() -> None:
    sets = (SEE, CHECK, MANAGE, SEE_HOST, HOST)
    assert sorted(name for one in sets for name in one) == sorted(BY_NAME)
    assert {function.name for function in FUNCTIONS if function.changes} == CHANGING
    assert set(EXAMPLES) == set(BY_NAME)


@pytest.mark.parametrize(("caller", "may"), CALLERS.items(), ids=lambda value: "-".join(map(str, value))
                         if isinstance(value, tuple) else "")
def test_each_caller_may_what_its_role_scope_and_restriction_say(
    app: Flask, resellers: None, caller: tuple[str, str, str | None], may: set[str]
) -> None:
    one = script(app, *caller)
    for name in BY_NAME:
        allowed = name in may and not (caller in UNBOUND and "::" in name)
        answer = one.call(name, **EXAMPLES[name])
        assert (answer.status_code != 403) == allowed, (name, answer.text)


def test_a_reseller_may_nothing_where_the_options_do_not_allow_it(app: Flask) -> None:
    rita = script(app, "rita")
    assert {rita.call(name, **EXAMPLES[name]).status_code for name in BY_NAME} == {403}


def test_a_right_that_is_taken_from_the_role_is_taken_from_its_tokens(app: Flask, resellers: None,
                                                                      instance: Instance) -> None:
    rita = script(app, "rita")
    assert rita.call("get_autossl_user_excluded_domains", username="alice").status_code == 200
    with rows():
        options.save(instance.config, {"resellers": False})
    assert rita.call("get_autossl_user_excluded_domains", username="alice").status_code == 403


@pytest.mark.parametrize("caller", [("alice", "manage", None), ("rita", "manage", None), ("rita", "manage", "alice"),
                                    ("root", "manage", "alice")])
def test_another_s_account_is_as_unknown_as_one_that_does_not_exist(
    app: Flask, resellers: None, caller: tuple[str, str, str | None]
) -> None:
    one = script(app, *caller)
    for function in FUNCTIONS:
        named = [parameter.name for parameter in function.parameters if parameter.kind is ACCOUNT]
        if not named or function.name not in CALLERS[caller]:
            continue
        for name in ("bob", "nobody", "unassigned"):
            assert one.refused(function.name, **{**EXAMPLES[function.name], named[0]: name}) == (
                404, f"{name}: there is no such account"
            )
        assert one.call(function.name, **EXAMPLES[function.name]).status_code != 404, function.name


def test_one_foreign_account_among_several_refuses_all(alice: Script) -> None:
    assert alice.refused("get_users_features_settings", user=["alice", "bob"], feature="autossl")[0] == 404


def test_uapi_says_what_a_caller_of_no_one_account_can_do(admin: Script) -> None:
    status, reason = admin.refused("SSL::get_autossl_problems")
    assert (status, "one account" in reason) == (403, True)


def test_a_refusal_names_the_scope_that_it_takes(app: Flask) -> None:
    status, reason = script(app, "root", "read").refused("disable_autossl")
    assert (status, "manage" in reason) == (403, True)


def test_a_token_outlives_neither_its_account_nor_its_user(app: Flask, admin: Script) -> None:
    import models

    alice = script(app, "alice")
    own = script(app, "root", "manage", "alice")
    assert alice.call("SSL::get_autossl_problems").status_code == 200
    with rows():
        models.Account.update(gone_at=models.Account.found_at).where(models.Account.name == "alice").execute()
    for one in (alice, own):
        assert one.call("SSL::get_autossl_problems").status_code == 404
        assert one.call("get_autossl_user_excluded_domains", username="alice").status_code == 404
    with rows():
        models.User.delete().where(models.User.name == "alice").execute()
    assert alice.call("SSL::get_autossl_problems").status_code == 401
