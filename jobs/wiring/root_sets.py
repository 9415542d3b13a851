"""The sets of certificates that the root side keeps: taken from the other side when they are proven, and not too many.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from jobs.obtain import KEPT_SETS
from jobs.policy import root_contract
from jobs.policy.certificate import Bundle, Certificate
from jobs.policy.failure import Failure
from jobs.policy.proof import prove, read_certificate, split_pem
from jobs.policy.root_contract import Known
from jobs.policy.site import Website, is_hostname
from jobs.ports import Place
from jobs.store import FULLCHAIN, LEAF, grant_key, live_set, retire_sets, set_damage, store
from jobs.wiring.root_trust import Trust
from jobs.wiring.still_read import still_read

LARGEST_CHAIN, LARGEST_KEY = 256 * 1024, 4096
"""Bytes. A key of RSA with 4096 bits has 3300; to prove one of 16384 takes minutes."""

MOST_CERTIFICATES = 20
MOST_STRANGERS = 5000
"""Websites that no web server of this host names (they have mail only, or are parts), with sets here."""


def take(place: Place, website: Website, privkey: bytes, sent: Sequence[bytes], known: Known, trust: Trust,
         now: datetime, key_group: int | None) -> str:
    """Prove a pair and its names, and keep it; returns the serial number. Nothing reads it yet. Raises Failure."""
    chain = split_pem(b"".join(sent))
    size = sum(map(len, chain))
    if len(privkey) > LARGEST_KEY or size > LARGEST_CHAIN or not 1 <= len(chain) <= MOST_CERTIFICATES:
        words = f"expected 1 to {MOST_CERTIFICATES} certificates of {LARGEST_CHAIN} bytes at most, and a key of"
        got = f"got {len(chain)} of {size}, and {len(privkey)}"
        raise root_contract.refused(f"{website.main}: {words} {LARGEST_KEY}; {got}")
    bundle = Bundle(privkey, chain)
    certificate = read_certificate(bundle.leaf)
    root_contract.refuse_strange_names(website, certificate, known, trust.trusts(chain, now))
    certificate = prove(bundle, certificate.names, now)
    _refuse_crowd(place, website, known)
    directory = store(place, website.main, bundle, certificate, key_group)
    if (directory / LEAF).read_bytes() != bundle.leaf:
        words = f"{website.main}: another certificate of the serial number {certificate.serial} is kept already"
        raise root_contract.refused(words)
    retire(place, website.main)
    return directory.name


def kept(place: Place, website: Website, serial: str, known: Known, trust: Trust, now: datetime,
         key_group: int | None) -> tuple[Path, Certificate, tuple[bytes, ...]]:
    """A set that lies here, and is still whole and the website's: its directory, its leaf, its chain. Raises Failure.
    """
    directory = live_set(place, website.main, serial)
    damage = set_damage(directory)
    if damage:
        raise Failure("store_failed", damage)
    certificate = read_certificate((directory / LEAF).read_bytes())
    chain = split_pem((directory / FULLCHAIN).read_bytes())
    root_contract.refuse_strange_names(website, certificate, known, trust.trusts(chain, now))
    if certificate.not_after <= now:
        raise Failure("certificate_expired", f"{website.main}: it ended at {certificate.not_after}")
    if key_group is not None:
        grant_key(directory, key_group)
    return directory, certificate, chain


def retire(place: Place, main: str) -> None:
    """Remove what no service is told to read, but the newest ones. Raises Failure("store_failed")."""
    site = place.live / main
    sets = [one for one in site.iterdir() if one.is_dir() and not one.is_symlink() and not one.name.startswith(".")]
    newest = sorted(sets, key=lambda one: one.stat().st_mtime)[-KEPT_SETS:]
    retire_sets(place, main, [one.name for one in newest])


def forget(place: Place, name: str, known: Known) -> bool:
    """Whether nothing of a website is left. What a service is told to read stays, whoever asks. Raises Failure."""
    if not is_hostname(name):
        raise root_contract.refused(f"{name[:80]!r}: expected a host name")
    directory = place.live / name
    if not directory.is_dir() or directory.is_symlink():
        return True
    if name in known.owners or name in still_read(place, place.conf).websites:
        return False
    shutil.rmtree(directory)
    return True


def _refuse_crowd(place: Place, website: Website, known: Known) -> None:
    """Each set takes room on the disk, and names may be made up without end."""
    if website.main in known.websites or (place.live / website.main).is_dir():
        return
    strangers = sum(one.name not in known.websites for one in place.live.iterdir())
    if strangers >= MOST_STRANGERS:
        words = f"{website.main}: certificates of {strangers} websites are kept of which no web server knows"
        raise root_contract.refused(f"{words}, and at most {MOST_STRANGERS} may be")
