"""What the certificate file that a service's configuration names holds."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from jobs import privileged
from jobs.policy.failure import Failure
from jobs.policy.names import covers
from jobs.policy.other_clients import keeper
from jobs.policy.proof import read_certificate, split_pem
from jobs.policy.site import Website
from jobs.ports import Installed, Place

_read = lru_cache(maxsize=64)(read_certificate)
"""Of the same bytes: what everybody gets is looked at for each of thousands of websites."""


def if_made_for(found: Installed, website: Website) -> Installed | None:
    """What everybody gets, where it was made for a name of this website; else that is not the website's own."""
    certificate = found.certificate
    return found if certificate and any(covers(certificate.names, name) for name in website.names) else None


def presented(place: Place, website: str, service: str, path: str | Path) -> Installed:
    """Read the certificate at `path`. A file that is missing or holds something else is told in `detail`."""
    path = Path(path)
    ours = is_link_of_ours(place, website, service, path)
    try:
        content = privileged.read(path)
        if content is None:
            return Installed(path, None, ours, f"{path}: there is no such file")
        found = _read(content)
        if ours:
            return Installed(path, found, True)
        who = keeper(str(path), found.fingerprint, privileged.other_clients())
        return Installed(path, found, False, chain=split_pem(content), keeper=who or "")
    except Failure as failure:
        return Installed(path, None, ours, f"{path}: {failure.detail}")


def is_link_of_ours(place: Place, website: str, service: str, path: Path) -> bool:
    """Whether a configured file is reached through the link that the install step switches."""
    return path.parent == place.link(website, service)
