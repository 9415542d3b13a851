"""Step 7: keep a proven pair as a set of files; nothing reads it until the install step switches a link.

`live/<website>/<serial>/{privkey,cert,chain,fullchain}.pem` is written whole in a temporary directory, synced,
and renamed. Sets are never changed afterwards.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Collection
from pathlib import Path

from jobs.policy.certificate import Bundle, Certificate
from jobs.policy.failure import Failure
from jobs.policy.pair_check import pair_trouble
from jobs.ports import Place

KEY, LEAF, CHAIN, FULLCHAIN = "privkey.pem", "cert.pem", "chain.pem", "fullchain.pem"
_SERIAL = re.compile(r"\A[0-9a-f]{1,40}\Z")


def store(place: Place, website: str, bundle: Bundle, certificate: Certificate, key_group: int | None) -> Path:
    """Write the set of `website`, and return its directory. The pair must have been proven.

    `key_group`: the gid whose service reads keys without being root; the key is then 0640, else 0600.
    Raises Failure("store_failed"); then no part of the set is left.
    """
    site = place.live / website
    final = site / _directory_name(certificate.serial)
    try:
        site.mkdir(mode=0o711, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".staged-", dir=site))
    except OSError as error:
        raise Failure("store_failed", f"{site}: making a directory: {error.strerror}") from error
    try:
        _write_set(temporary, bundle, key_group)
        if final.exists():  # a set is complete or absent, so the same serial number means the same set
            shutil.rmtree(temporary)
        else:
            temporary.rename(final)
            sync_directory(site)
            sync_directory(place.live)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        where = f"{final}: writing the certificate"
        raise Failure("store_failed", f"{where}: {error.strerror}; the former one stays in use") from error
    return final


def live_set(place: Place, website: str, serial: str) -> Path:
    """The directory of one stored set."""
    return place.live / website / _directory_name(serial)


def set_damage(directory: Path) -> str:
    """What is wrong with a stored set, so that it can't be installed again; empty when nothing is."""
    try:
        trouble = pair_trouble((directory / LEAF).read_bytes(), (directory / KEY).read_bytes())
    except FileNotFoundError as error:
        return f"the files of its certificate are gone ({error.filename})"
    except OSError as error:
        return f"the files of its certificate can't be read ({directory}: {error.strerror})"
    return f"{directory}: {trouble}" if trouble else ""


def grant_key(directory: Path, key_group: int) -> None:
    """Let `key_group` read the key of a set that was stored before a service needed that.

    Raises Failure("store_failed").
    """
    path = directory / KEY
    try:
        facts = path.lstat()
        if facts.st_gid != key_group or stat.S_IMODE(facts.st_mode) != 0o640:
            os.chown(path, -1, key_group, follow_symlinks=False)
            path.chmod(0o640)
    except OSError as error:
        raise Failure("store_failed", f"{path}: giving the key to its service: {error.strerror}") from error


def retire_sets(place: Place, website: str, keep: Collection[str]) -> list[str]:
    """Remove the sets of `website` that no link points to and that are not in `keep` (serials); returns them.

    Raises Failure("store_failed"); what is left then is removed the next time.
    """
    site = place.live / website
    try:
        gone = _unused(site, keep)
        for entry in gone:
            shutil.rmtree(entry)
    except OSError as error:
        raise Failure("store_failed", f"{site}: removing old sets: {error.strerror}; they stay for now") from error
    return [entry.name for entry in gone]


def _unused(site: Path, keep: Collection[str]) -> list[Path]:
    used = {entry.readlink().name for entry in site.iterdir() if entry.is_symlink()} | {
        _directory_name(serial) for serial in keep
    }
    return [
        entry
        for entry in site.iterdir()
        if stat.S_ISDIR(entry.lstat().st_mode) and entry.name not in used and _SERIAL.match(entry.name)
    ]


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that only we may read, whole or not at all. Raises Failure("store_failed")."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            _fill(descriptor, content)
            Path(name).rename(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        sync_directory(path.parent)
    except OSError as error:
        raise Failure("store_failed", f"{path}: writing: {error.strerror}") from error


def _directory_name(serial: str) -> str:
    name = serial.lower()
    if not _SERIAL.match(name):
        raise Failure("store_failed", f"serial number {serial!r}: expected 1 to 40 hexadecimal digits", permanent=True)
    return name


def _write_set(directory: Path, bundle: Bundle, key_group: int | None) -> None:
    contents = {KEY: bundle.privkey, LEAF: bundle.leaf, CHAIN: b"".join(bundle.chain[1:]), FULLCHAIN: bundle.fullchain}
    for name, content in contents.items():
        descriptor = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        if name != KEY:
            os.fchmod(descriptor, 0o644)
        elif key_group is not None:
            os.fchown(descriptor, -1, key_group)
            os.fchmod(descriptor, 0o640)
        _fill(descriptor, content)
    directory.chmod(0o711)
    sync_directory(directory)


def _fill(descriptor: int, content: bytes) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_directory(directory: Path) -> None:
    """Names that were made, changed or removed in it are on the disk afterwards. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
