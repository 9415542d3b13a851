"""API tokens: who an Authorization header is, and what it lets them do."""

from __future__ import annotations

from datetime import timedelta

import pytest

import models
from jobs.policy.access import Reach, Right, Role
from jobs.policy.failure import Failure
from jobs.wiring import people, tokens
from jobs.wiring.instance import Instance, now
from tests.fakes import NOW


@pytest.fixture
def root(instance: Instance) -> models.User:
    return people.create("root", None, Role.ADMIN)


@pytest.fixture
def ann(instance: Instance) -> models.User:
    for name in ("alice", "mallory"):
        models.Account.create(name=name, source="apache", found_at=NOW)
    return people.create("ann", None, Role.USER, "alice")


def made(user: models.User, scope: str = "read", account: str | None = None) -> str:
    return tokens.make(user, "script", scope, account, 30)[0]


@pytest.mark.parametrize("form", ["Bearer {}", "whm root:{}", "cpanel root:{}"])
def test_a_header_of_each_kind_is_known(root: models.User, form: str) -> None:
    found = tokens.authenticate(form.format(made(root)))
    assert found is not None and (found.user, found.role, found.label) == ("root", "admin", "script")


@pytest.mark.parametrize(
    "form",
    ["{}", "bearer {}", "Bearer  {}", "Bearer {} ", "Bearer {}x", "Bearer x{}", "Basic {}", "whm other:{}", "whm :{}",
     "whm {}", "Bearer root:{}", "", "Bearer ", "Bearer \x00", "Bearer {}\n", "whm root:{}\n"],
)
def test_any_other_header_is_nobody(root: models.User, form: str) -> None:
    assert tokens.authenticate(form.format(made(root))) is None


def test_a_token_with_one_other_character_is_nobody(root: models.User) -> None:
    text = made(root)
    other = "A" if text[-1] != "A" else "B"
    assert tokens.authenticate(f"Bearer {text[:-1]}{other}") is None
    assert tokens.authenticate(f"Bearer {made(root)[:20]}{text[20:]}") is None


def test_it_ends_at_its_expiry(root: models.User) -> None:
    text = made(root)
    models.Token.update(expires_at=now() + timedelta(minutes=1)).execute()
    assert tokens.authenticate(f"Bearer {text}") is not None
    models.Token.update(expires_at=now()).execute()
    assert tokens.authenticate(f"Bearer {text}") is None
    assert tokens.listed(root)[0]["expired"] is True


def test_its_last_use_is_written_at_most_once_a_minute(root: models.User) -> None:
    text = made(root)
    tokens.authenticate(f"Bearer {text}")
    first = models.Token.get().used_at
    assert first is not None
    tokens.authenticate(f"Bearer {text}")
    assert models.Token.get().used_at == first
    models.Token.update(used_at=first - timedelta(seconds=61)).execute()
    tokens.authenticate(f"Bearer {text}")
    assert models.Token.get().used_at >= first


def test_its_rights_are_its_owners_within_its_scope(root: models.User, ann: models.User) -> None:
    rights = {
        (user.name, scope): tokens.authenticate(f"Bearer {made(user, scope)}").rights  # type: ignore[union-attr]
        for user in (root, ann) for scope in ("read", "check", "manage")
    }
    assert rights["root", "read"] == {Right.SEE, Right.SEE_HOST}
    assert Right.HOST in rights["root", "manage"] and Right.SELF not in rights["root", "manage"]
    assert rights["ann", "read"] == {Right.SEE}
    assert rights["ann", "check"] == rights["ann", "manage"] == {Right.SEE, Right.CHECK}


def test_it_reaches_what_its_owner_reaches_or_one_account_of_it(root: models.User, ann: models.User) -> None:
    def reach(user: models.User, account: str | None) -> Reach:
        return tokens.authenticate(f"Bearer {made(user, 'manage', account)}").reach  # type: ignore[union-attr]

    assert reach(root, None) == Reach(everything=True)
    assert reach(root, "alice") == Reach(account="alice")
    assert reach(ann, None) == Reach(account="alice")
    with pytest.raises(Failure) as caught:
        made(ann, "read", "mallory")
    assert caught.value.code == "account_unknown"


def test_a_user_who_lost_the_account_reaches_nothing_by_an_old_token(ann: models.User) -> None:
    text = made(ann, "read", "alice")
    models.User.update(account="mallory").where(models.User.id == ann.id).execute()
    found = tokens.authenticate(f"Bearer {text}")
    assert found is not None and found.reach.nothing


def test_nobody_has_tokens_without_end(root: models.User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST_TOKENS", 3)
    for _ in range(3):
        made(root)
    with pytest.raises(Failure, match="root has 3 tokens already"):
        made(root)
