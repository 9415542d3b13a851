"""The second factor: time-based codes (RFC 6238) of an authenticator, and backup codes on paper."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime

import pyotp

import models

STEP = 30
"""Seconds that a code holds; one step before and after is taken too, for clocks that differ."""

ISSUER = "AutoSSL Panel"
BACKUP_CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 4, 4
"""About 79 bits: nobody tries these out against a stolen table of plain hashes."""


def new_secret() -> str:
    return pyotp.random_base32()


def address_of(secret: str, name: str, host: str) -> str:
    """What the QR code says: an `otpauth:` address with secret, name and host."""
    return pyotp.TOTP(secret).provisioning_uri(name=f"{name}@{host}", issuer_name=ISSUER)


def switch_on(user: models.User, secret: str, code: str, now: datetime) -> list[str] | None:
    """Ask for codes from now on, if `code` shows that the authenticator has the secret; returns the backup codes."""
    step = _step(secret, code, None, now)
    if step is None:
        return None
    with models.database.atomic():
        models.User.update(totp_secret=secret, totp_step=step).where(models.User.id == user.id).execute()
        return new_backup_codes(user)


def switch_off(user: models.User) -> None:
    with models.database.atomic():
        models.User.update(totp_secret=None, totp_step=None).where(models.User.id == user.id).execute()
        models.BackupCode.delete().where(models.BackupCode.user == user).execute()


def new_backup_codes(user: models.User) -> list[str]:
    """Ten fresh ones; the former are of no use any more."""
    codes = [
        "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
        for _ in range(BACKUP_CODES)
    ]
    with models.database.atomic():
        models.BackupCode.delete().where(models.BackupCode.user == user).execute()
        models.BackupCode.insert_many([{"user": user.id, "hash": _hash(code)} for code in codes]).execute()
    return codes


def backup_codes_left(user: models.User) -> int:
    return int(models.BackupCode.select().where(models.BackupCode.user == user).count())


def accept(user: models.User, code: str, now: datetime) -> bool:
    """Whether `code` is the authenticator's or one from paper; it is used up by this."""
    typed = "".join(code.split()).lower()
    if typed.isascii() and typed.isdigit():
        return _accept_step(user, typed, now)
    used = (models.BackupCode.user == user) & (models.BackupCode.hash == _hash(typed))
    return bool(models.BackupCode.delete().where(used).execute())


def _accept_step(user: models.User, code: str, now: datetime) -> bool:
    """By one conditional UPDATE, so that of two requests with the same code one is refused."""
    if user.totp_secret is None:
        return False
    step = _step(user.totp_secret, code, user.totp_step, now)
    if step is None:
        return False
    older = models.User.totp_step.is_null() | (models.User.totp_step < step)
    return bool(models.User.update(totp_step=step).where((models.User.id == user.id) & older).execute())


def _step(secret: str, code: str, after: int | None, now: datetime) -> int | None:
    """The time step that `code` belongs to, if that is later than `after`."""
    current = int(now.timestamp()) // STEP
    maker = pyotp.TOTP(secret, interval=STEP)
    typed = "".join(code.split()).encode("utf-8", "surrogatepass")
    for step in (current, current - 1, current + 1):
        right = hmac.compare_digest(maker.at(step * STEP).encode(), typed)
        if right and (after is None or step > after):
            return step
    return None


def _hash(code: str) -> str:
    letters = code.replace("-", "").encode("utf-8", "surrogatepass")
    return hashlib.sha256(letters).hexdigest()
