"""What the root side puts in the place of a certificate that everybody trusts.

Whoever asks can prove a pair and its names by a CA of his own, which nobody trusts: every website of the host would be
as good as down. What this system trusts itself is a fact that needs no asker. So where a service presents a certificate
that it trusts, only another one of that kind takes its place, until the last days before it ends. Where nothing, or
nothing trusted, is presented, a test CA or a private one is as good as any.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from cryptography.x509.verification import Store

from jobs import privileged
from jobs.abilities import holds_several
from jobs.policy.certificate import Certificate
from jobs.policy.failure import Failure
from jobs.policy.names import covers
from jobs.policy.proof import split_pem
from jobs.policy.root_contract import REFUSED, Known, neighbours
from jobs.policy.site import Website
from jobs.policy.trusted import in_its_last_days, is_trusted, roots_in
from jobs.ports import Installed, Place, ServiceTarget

SYSTEM = Path("/etc/ssl/certs/ca-certificates.crt")
_Stamp = tuple[tuple[int, int] | None, ...]


class Trust:
    """The CAs of the system's own store (`update-ca-certificates`), and those of `more` (files, `root.trust`)."""

    def __init__(self, more: Sequence[Path] = (), system: Path = SYSTEM) -> None:
        self._files = (system, *more)
        self._lock = threading.Lock()
        self._stamp: _Stamp | None = None
        self._roots: Store | None = None

    def trusts(self, chain: Sequence[bytes], now: datetime) -> bool:
        """Whether `chain` (PEM, leaf first) leads to one of these CAs. Raises Failure("unreadable")."""
        return is_trusted(chain, self._now(), now)

    def refuse_worse(self, website: str, chain: Sequence[bytes], standing: Iterable[Installed | None],
                     now: datetime) -> None:
        """Raises Failure("root_refused") where `chain` (PEM, leaf first) is not trusted and would take the place of one
        of `standing` that is, and Failure("unreadable")."""
        if is_trusted(chain, self._now(), now):
            return
        for one in standing:
            certificate = self.worth_keeping(one, now)
            if one and certificate:
                words = f"{website}: this system trusts what is presented ({one.path}), and does not trust this one"
                words += ". Where that is meant, add the file of its CA to root.trust in config.toml; else it is taken"
                raise Failure(REFUSED, f"{words} when the other ends, {certificate.not_after:%Y-%m-%d}")

    def refuse_loss(self, service: ServiceTarget, part: Website, known: Known, now: datetime) -> None:
        """A name of a website keeps a certificate that is worth keeping, unless its website's own one has it by now.
        Raises Failure("root_refused")."""
        whole = known.websites.get(str(part.part_of))
        if whole is None or self.worth_keeping(service.installed(part), now) is None:
            return
        there = service.installed(whole)
        names = there.certificate.names if there and there.certificate else ()
        lost = [name for name in part.names if name in whole.names and not covers(names, name)]
        if lost:
            raise Failure(REFUSED, f"{service.name}: without {part.main} nothing would be presented for {lost[0]}")

    def worth_keeping(self, one: Installed | None, now: datetime) -> Certificate | None:
        """The certificate that is presented, if it is trusted and not in its last days. Raises
        Failure("unreadable")."""
        certificate = one.certificate if one else None
        if one is None or certificate is None or in_its_last_days(certificate, now):
            return None
        return certificate if is_trusted(_chain(one), self._now(), now) else None

    def _now(self) -> Store | None:
        """Read anew when a file has changed."""
        with self._lock:
            stamp = tuple(_stamp(path) for path in self._files)
            if stamp != self._stamp:
                self._roots = roots_in([privileged.read(path) or b"" for path in self._files])
                self._stamp = stamp
            return self._roots


def replaced(
    service: ServiceTarget, website: Website, certificate: Certificate, known: Known, place: Place
) -> Iterator[Installed | None]:
    """What a service presents for a website now, and for those whose names a new certificate could take from them."""
    yield service.installed(website)
    for main in neighbours(certificate, website, known) if holds_several(service) else ():
        if main in known.websites or place.link(main, service.name).is_symlink():
            yield service.installed(known.websites.get(main) or Website(website.account, (main,)))


def _chain(one: Installed) -> tuple[bytes, ...]:
    return one.chain or (split_pem(privileged.read(one.path) or b"") if one.path else ())


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_mtime_ns
