"""After a restore every path that a service of this host reads leads to a key pair again.

A web server whose configuration names a file that is not there does not start any more, for none of its websites, and
its configuration test fails, so that no check would touch it. What a backup lacks (it was made before a website came,
or without keys) is therefore taken over from the installation that it takes the place of; and where that has nothing
either, a self-signed pair stands in, until the next check gets a certificate. What that installation presents already
is kept where it is newer: no service is put back to a certificate that was renewed since, and may have ended by now.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jobs.policy.certificate import Bundle
from jobs.policy.failure import Failure
from jobs.policy.proof import read_certificate
from jobs.policy.site import is_hostname
from jobs.ports import Place
from jobs.store import LEAF, set_damage, store
from jobs.wiring.serving import self_signed
from jobs.wiring.still_read import StillRead


@dataclass(frozen=True)
class Mended:
    """`taken_over`: files and links from the former installation; `stand_ins`: websites with a self-signed pair."""

    taken_over: tuple[str, ...]
    stand_ins: tuple[str, ...]


def mend(place: Place, former: Place | None, needed: StillRead, now: datetime) -> Mended:
    """Make every link that is needed lead to a sound pair within `place`, which nobody reads yet."""
    taken, made = _conf(place, former, needed), set()
    for website, service in sorted(needed.links):
        if not is_hostname(website):
            continue
        link = place.link(website, service)
        sound = link.is_dir() and not set_damage(link)
        wanted = former is not None and (not sound or _came_later(place, former, website, service, now))
        if wanted and former is not None and _take_over(place, former, website, service):
            taken.append(f"tls/live/{website}/{service}")
        elif not sound:
            _stand_in(place, website, service, now)
            made.add(website)
    return Mended(tuple(taken), tuple(sorted(made)))


def _conf(place: Place, former: Place | None, needed: StillRead) -> list[str]:
    """Files of `conf` that a service includes, and that the backup does not have yet."""
    taken = []
    for path in sorted(needed.conf):
        source, target = (former.conf / path, place.conf / path) if former else (Path(path), Path(path))
        if former is None or ".." in source.parts or target.exists() or not source.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True)
        else:
            shutil.copy2(source, target)
        taken.append(f"conf/{path}")
    return taken


def _came_later(place: Place, former: Place, website: str, service: str, now: datetime) -> bool:
    """Whether the former installation presents a newer certificate than the backup does, of a CA and in force."""
    link = former.link(website, service)
    if set_damage(link):
        return False
    there, here = (read_certificate((one / LEAF).read_bytes()) for one in (link, place.link(website, service)))
    return not there.self_signed and here.not_before < there.not_before <= now < there.not_after


def _take_over(place: Place, former: Place, website: str, service: str) -> bool:
    link = former.link(website, service)
    if not link.is_symlink() or set_damage(link):
        return False
    target = str(link.readlink())
    if "/" in target or not (former.live / website / target).is_dir():
        return False
    _site(place, website)
    kept = place.live / website / target
    if not kept.exists() or set_damage(kept):
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(former.live / website / target, kept, symlinks=True, copy_function=_with_owner)
    _point(place.link(website, service), target)
    return True


def _with_owner(source: str, target: str) -> None:
    shutil.copy2(source, target)
    facts = Path(source).stat()
    shutil.chown(target, facts.st_uid, facts.st_gid)


def _stand_in(place: Place, website: str, service: str, now: datetime) -> None:
    key, certificate = self_signed([website], now)
    _site(place, website)
    directory = store(place, website, Bundle(key, (certificate,)), read_certificate(certificate), None)
    _point(place.link(website, service), directory.name)


def _site(place: Place, website: str) -> None:
    site = place.live / website
    site.mkdir(exist_ok=True)
    site.chmod(0o711)


def _point(link: Path, target: str) -> None:
    if link.is_symlink() or link.exists():
        if link.is_dir() and not link.is_symlink():
            raise Failure("restore_impossible", f"{link}: expected a link, found a directory", permanent=True)
        link.unlink()
    link.symlink_to(target)
