"""Who may log in: names, roles, passwords; what each may do, and which accounts each reaches."""

from __future__ import annotations

import os
import re
import secrets
import threading
from functools import cache
from typing import Any

from peewee import SQL, IntegrityError
from werkzeug.security import check_password_hash, generate_password_hash

import models
from jobs.policy.access import Reach, Right, Role, reach, rights
from jobs.policy.contact import mail_address
from jobs.policy.failure import Failure
from jobs.policy.options import Options
from jobs.policy.site import UNASSIGNED, InvalidName
from jobs.ports import Place
from jobs.store import write_secret
from jobs.wiring import options
from jobs.wiring.instance import setting

METHOD = "scrypt:32768:8:3"
"""N, r and p: 32 MiB and some tenths of a second a try (OWASP's password storage cheat sheet, for 2^15)."""

SHORTEST, LONGEST = 10, 1000
_NAME = re.compile(r"\A[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}\Z")
_one_at_a_time = threading.BoundedSemaphore(2)
"""Hashing takes memory and a core, so that many sign-ins at once must not take all of both."""


def check_name(name: str) -> None:
    """Raises Failure("name_invalid")."""
    if not _NAME.match(name):
        words = f"{name!r}: expected a user name of letters, digits, '.', '_', '@' and '-', at most 64 characters"
        raise Failure("name_invalid", words, permanent=True)


def check_password(password: str) -> None:
    """Raises Failure("password_weak")."""
    if not SHORTEST <= len(password) <= LONGEST:
        words = f"the password has {len(password)} characters: expected {SHORTEST} to {LONGEST}"
        raise Failure("password_weak", words, permanent=True)


def administrators() -> list[str]:
    query = models.User.select(models.User.name).where(models.User.role == Role.ADMIN).order_by(models.User.id)
    return [name for (name,) in query.tuples()]


def people() -> list[dict[str, Any]]:
    """Everybody who may log in, by name."""
    return [facts(row) for row in models.User.select().order_by(models.User.name)]


def facts(row: models.User) -> dict[str, Any]:
    """What may be shown of a user."""
    return {
        "name": row.name,
        "role": row.role,
        "account": row.account,
        "contact": row.contact,
        "password": row.password is not None,
        "totp": row.totp_secret is not None,
    }


def find(name: str) -> models.User:
    """Raises Failure("user_unknown")."""
    row = models.User.get_or_none(models.User.name == name)
    if row is None:
        words = f"{name}: nobody of that name may log in; see `autossl user list`"
        raise Failure("user_unknown", words, permanent=True)
    return row


def create(name: str, password: str | None, role: Role, account: str | None = None) -> models.User:
    """Let somebody log in; without a password, only once a set-up link has set one.

    Raises Failure("name_invalid"), Failure("password_weak"), Failure("user_exists"), Failure("account_unknown").
    """
    check_name(name)
    if password is not None:
        check_password(password)
    if (role is Role.USER) != (account is not None):
        words = f"{name}: a user belongs to one account; an administrator or a reseller to none"
        raise Failure("account_unknown", words, permanent=True)
    if account is not None:
        _check_account(account)
    try:
        return models.User.create(
            name=name, password=None if password is None else _hashed(password), role=str(role), account=account
        )
    except IntegrityError as error:
        raise Failure("user_exists", f"{name}: somebody of that name may log in already", permanent=True) from error


def remove(name: str) -> None:
    """Take away a user with sessions and tokens. Raises Failure("user_unknown"), Failure("last_admin")."""
    row = find(name)
    with models.database.atomic():
        if administrators() == [name]:
            words = f"{name}: the only administrator; make another one first: autossl admin add NAME"
            raise Failure("last_admin", words, permanent=True)
        row.delete_instance()


def set_contact(name: str, address: str | None) -> None:
    """Where a reseller is mailed about the accounts that are theirs. Raises Failure("user_unknown"),
    Failure("contact_invalid")."""
    row = find(name)
    if address is not None:
        if row.role != Role.RESELLER:
            words = f"{name}: a {row.role} is mailed elsewhere: at the account's contact, or as the options say"
            raise Failure("contact_invalid", words, permanent=True)
        try:
            mail_address(address)
        except InvalidName as error:
            raise Failure("contact_invalid", f"{address[:80]!r}: {error}", permanent=True) from error
    models.User.update(contact=address).where(models.User.id == row.id).execute()


def set_password(user: models.User, password: str) -> None:
    """Raises Failure("password_weak"). Sessions and links are the caller's business."""
    check_password(password)
    models.User.update(password=_hashed(password)).where(models.User.id == user.id).execute()


def password_right(user: models.User | None, password: str) -> bool:
    """Whether it is the user's password; as slow where there is no user or no password yet."""
    kept = None if user is None else user.password
    with _one_at_a_time:
        right = check_password_hash(kept or _decoy(METHOD), password[: LONGEST + 1])
    if user is None or kept is None or not right:
        return False
    if not kept.startswith(f"{METHOD}$"):
        models.User.update(password=_hashed(password)).where(models.User.id == user.id).execute()
    return True


def rights_of(user: models.User) -> frozenset[Right]:
    return rights(Role(user.role), _allowed(user))


def reach_of(user: models.User) -> Reach:
    return reach(Role(user.role), user.name, user.account, _allowed(user))


def accounts_in(within: Reach) -> Any:
    """The condition on `models.Account` that holds for the accounts in reach and for no other."""
    if within.nothing:
        return SQL("0")
    condition: Any = SQL("1")
    if within.reseller is not None:
        condition &= models.Account.reseller == within.reseller
    if within.account is not None:
        condition &= models.Account.name == within.account
    return condition & ((models.Account.name != UNASSIGNED) if not within.everything else SQL("1"))


def resellers_allowed() -> bool:
    """Whether resellers may do more than change their own sign-in, as the options say."""
    return bool(setting(options.KEY, {}).get("resellers", Options().resellers))


def secret_key(place: Place) -> bytes:
    """The key that signs what browsers hold; made at the first use. Two processes agree on one."""
    path = place.keys / "session.key"
    if not path.exists():
        fresh = place.keys / f".session.{os.getpid()}.{secrets.token_hex(4)}"
        write_secret(fresh, secrets.token_bytes(64))
        try:
            path.hardlink_to(fresh)
        except FileExistsError:
            pass  # another process was quicker: its key holds
        finally:
            fresh.unlink()
    try:
        return path.read_bytes()
    except OSError as error:
        raise Failure("key_unreadable", f"{path}: reading: {error.strerror}", permanent=True) from error


def _allowed(user: models.User) -> bool:
    return user.role != Role.RESELLER or resellers_allowed()


def _check_account(name: str) -> None:
    known = (models.Account.name == name) & models.Account.gone_at.is_null() & (models.Account.name != UNASSIGNED)
    if not models.Account.select().where(known).exists():
        words = f"{name}: there is no such account; see `autossl account list`"
        raise Failure("account_unknown", words, permanent=True)


def _hashed(password: str) -> str:
    with _one_at_a_time:
        return generate_password_hash(password, METHOD)


@cache
def _decoy(method: str) -> str:
    return generate_password_hash(secrets.token_urlsafe(16), method)
