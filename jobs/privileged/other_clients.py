"""Looks for other programs that order certificates on this host. Nothing of theirs is changed, and no key is read."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from jobs.policy.failure import Failure
from jobs.policy.lineage import acme_sh_values
from jobs.policy.other_clients import HABITS, Client, Found, Kept, Others, cron_line
from jobs.policy.proof import read_certificate
from jobs.privileged.files import read

ROOT = Path("/")
MOST = 5000
"""Certificates of other clients that are looked at."""

FRESH = 30.0
"""Seconds for which what was found counts as what is there: it is asked for once a certificate."""

_UNITS = ("etc/systemd/system/timers.target.wants", "usr/lib/systemd/system/timers.target.wants")
_CRON = ("etc/crontab", "etc/cron.d/*", "etc/cron.daily/*", "etc/cron.weekly/*", "var/spool/cron/crontabs/*")
_SPOOL = "var/spool/cron/crontabs"
_COPIES = ("Le_RealFullChainPath", "Le_RealCertPath")

_lock = threading.Lock()
_seen: dict[Path, tuple[float, Others]] = {}


def other_clients(root: Path = ROOT) -> Others:
    """What is there now, or was some seconds ago. Without root, what others than root may see."""
    with _lock:
        at, found = _seen.get(root, (0.0, Others()))
        if not at or time.monotonic() - at > FRESH:
            found = _look(root)
            _seen[root] = time.monotonic(), found
        return found


def forget_other_clients() -> None:
    """Look anew at the next question."""
    with _lock:
        _seen.clear()


def _look(root: Path) -> Others:
    lines = _crontabs(root)
    systemd = (root / "run/systemd/system").is_dir()
    found = []
    for client, habits in HABITS.items():
        sign = next((path for pattern in habits.signs for path in _glob(root, pattern)), None)
        if sign is not None:
            found.append(Found(client, f"/{sign.relative_to(root)}", _renewed_by(root, client, lines, systemd)))
    kept = [one for there in found for one in _kept(root, there.client)]
    return Others(tuple(found), tuple(kept[:MOST]), dict(_copies(root)))


def _renewed_by(root: Path, client: Client, crontabs: dict[Path, str], systemd: bool) -> str | None:
    habits = HABITS[client]
    if not habits.units and not habits.cron:
        return "itself"
    for unit in habits.units:
        if systemd and any(os.path.lexists(root / folder / unit) for folder in _UNITS):
            return unit
    for path, text in crontabs.items():
        if habits.cron and cron_line(text, habits.cron, systemd):
            return f"/{path.relative_to(root)}"
    spool = root / _SPOOL
    return None if spool.is_dir() and not os.access(spool, os.R_OK | os.X_OK) else ""


def _crontabs(root: Path) -> dict[Path, str]:
    found = {}
    for pattern in _CRON:
        for path in _glob(root, pattern):
            with suppress(Failure):
                found[path] = (read(path) or b"").decode("utf-8", "replace")
    return found


def _kept(root: Path, client: Client) -> Iterator[Kept]:
    for pattern in HABITS[client].store:
        for path in _glob(root, pattern):
            try:
                leaf = read_certificate(read(path) or b"")
            except Failure:
                continue  # no certificate, or not for our eyes
            name = _name(client, path)
            yield Kept(client, name, leaf.names, leaf.fingerprint, leaf.not_after, _renewing(root, client, path, name))


def _name(client: Client, path: Path) -> str:
    return path.stem if client in (Client.LEGO, Client.FROXLOR, Client.HESTIA, Client.ISPCONFIG) else path.parent.name


def _renewing(root: Path, client: Client, path: Path, name: str) -> bool:
    """certbot and acme.sh renew what they have a configuration of, and leave the files of the others where they are."""
    if client is Client.CERTBOT:
        return os.path.lexists(root / "etc/letsencrypt/renewal" / f"{name}.conf")
    if client is Client.ACME_SH:
        return os.path.lexists(path.parent / f"{name.removesuffix('_ecc')}.conf")
    return True


def _copies(root: Path) -> Iterator[tuple[str, Client]]:
    """Where acme.sh installs what it renews, as it was told by --install-cert."""
    for pattern in ("root/.acme.sh/*/*.conf", "etc/acme.sh/*/*.conf"):
        for path in _glob(root, pattern):
            with suppress(Failure):
                values = acme_sh_values((read(path) or b"").decode("utf-8", "replace"))
                yield from ((values[key], Client.ACME_SH) for key in _COPIES if values.get(key))


def _glob(root: Path, pattern: str) -> list[Path]:
    """Files that match; none where we may not look."""
    try:
        return sorted(root.glob(pattern))[:MOST]
    except OSError:
        return []
