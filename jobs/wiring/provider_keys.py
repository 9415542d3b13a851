"""The secrets of the providers: `keys/<name>.pem` (account key) and `keys/<name>.eab.json`, both 0600."""

from __future__ import annotations

import json
from pathlib import Path

from jobs.policy.failure import Failure
from jobs.ports import Eab, Place
from jobs.store import write_secret


def read_key(place: Place, name: str) -> bytes:
    """The PEM of the account key. Raises Failure("account_key_missing")."""
    path = _key(place, name)
    try:
        return path.read_bytes()
    except OSError as error:
        remedy = f"put it back from a backup, or register anew: autossl provider reset {name}"
        words = f"{path}: reading the account key of {name}: {error.strerror}; {remedy}"
        raise Failure("account_key_missing", words, permanent=True) from error


def write_key(place: Place, name: str, key: bytes) -> None:
    """Keep the account key; a former one stays as `<name>.former.pem`, for it can still revoke."""
    path = _key(place, name)
    if path.exists():
        write_secret(path.with_suffix(".former.pem"), path.read_bytes())
    write_secret(path, key)


def read_eab(place: Place, name: str) -> Eab | None:
    """The external account binding that was kept for `name`. Raises Failure("unreadable")."""
    path = _eab(place, name)
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return Eab(raw["kid"], raw["hmac"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Failure("unreadable", f"{path}: reading the external account binding: {error}", permanent=True) from error


def write_eab(place: Place, name: str, eab: Eab) -> None:
    write_secret(_eab(place, name), json.dumps({"kid": eab.kid, "hmac": eab.hmac}).encode())


def put_aside(place: Place, name: str) -> None:
    """The provider is gone: its key stays as `<name>.former.pem`, its binding does not."""
    path = _key(place, name)
    if path.exists():
        path.replace(path.with_suffix(".former.pem"))
    _eab(place, name).unlink(missing_ok=True)


def _key(place: Place, name: str) -> Path:
    return place.keys / f"{name}.pem"


def _eab(place: Place, name: str) -> Path:
    return place.keys / f"{name}.eab.json"
