"""Who may do what, as a table."""

from __future__ import annotations

import pytest

from jobs.policy.access import Reach, Right, Role, Scope, narrowed, reach, rights, token_rights

TABLE = {
    #                 admin  reseller  reseller, not allowed  user
    Right.SELF:      (True,  True,     True,                  True),
    Right.SEE:       (True,  True,     False,                 True),
    Right.CHECK:     (True,  True,     False,                 True),
    Right.MANAGE:    (True,  True,     False,                 False),
    Right.SEE_HOST:  (True,  False,    False,                 False),
    Right.HOST:      (True,  False,    False,                 False),
    Right.AUDIT:     (True,  False,    False,                 False),
}  # fmt: skip
COLUMNS = ((Role.ADMIN, False), (Role.RESELLER, True), (Role.RESELLER, False), (Role.USER, True))


def test_the_table_is_complete() -> None:
    assert set(TABLE) == set(Right)
    assert {role for role, _ in COLUMNS} == set(Role)


@pytest.mark.parametrize("right", list(Right))
def test_a_role_has_the_rights_of_the_table(right: Right) -> None:
    assert tuple(right in rights(role, allowed) for role, allowed in COLUMNS) == TABLE[right]


@pytest.mark.parametrize("allowed", [True, False])
def test_only_resellers_depend_on_what_is_allowed_to_them(allowed: bool) -> None:
    assert rights(Role.ADMIN, allowed) == rights(Role.ADMIN, not allowed)
    assert rights(Role.USER, allowed) == rights(Role.USER, not allowed)


@pytest.mark.parametrize(
    ("role", "account", "allowed", "expected"),
    [
        (Role.ADMIN, None, False, Reach(everything=True)),
        (Role.RESELLER, None, True, Reach(reseller="rita")),
        (Role.RESELLER, None, False, Reach()),
        (Role.USER, "alice", False, Reach(account="alice")),
        (Role.USER, None, True, Reach()),
    ],
)
def test_a_role_reaches(role: Role, account: str | None, allowed: bool, expected: Reach) -> None:
    assert reach(role, "rita", account, allowed) == expected


@pytest.mark.parametrize(
    ("whole", "account", "expected"),
    [
        (Reach(everything=True), None, Reach(everything=True)),
        (Reach(everything=True), "alice", Reach(account="alice")),
        (Reach(reseller="rita"), "alice", Reach(reseller="rita", account="alice")),
        (Reach(account="alice"), "alice", Reach(account="alice")),
        (Reach(account="alice"), "bob", Reach()),
        (Reach(), "alice", Reach()),
    ],
)
def test_a_restriction_only_takes_away(whole: Reach, account: str | None, expected: Reach) -> None:
    assert narrowed(whole, account) == expected


def test_reach_of_nothing_is_known_as_such() -> None:
    assert Reach().nothing
    assert not any(one.nothing for one in (Reach(everything=True), Reach(reseller="r"), Reach(account="a")))


SCOPES = {
    Scope.READ: {Right.SEE, Right.SEE_HOST},
    Scope.CHECK: {Right.SEE, Right.SEE_HOST, Right.CHECK},
    Scope.MANAGE: {Right.SEE, Right.SEE_HOST, Right.CHECK, Right.MANAGE, Right.HOST},
}


@pytest.mark.parametrize("scope", list(Scope))
@pytest.mark.parametrize("role", list(Role))
def test_a_token_has_at_most_its_owners_rights_and_never_the_sign_in(scope: Scope, role: Role) -> None:
    owner = rights(role, True)
    assert token_rights(owner, scope, restricted=False) == owner & SCOPES[scope]
    assert not token_rights(owner, scope, restricted=False) & {Right.SELF, Right.AUDIT}


def test_a_token_for_one_account_has_no_right_over_the_host() -> None:
    left = token_rights(rights(Role.ADMIN, True), Scope.MANAGE, restricted=True)
    assert left == {Right.SEE, Right.CHECK, Right.MANAGE}
