"""What the services that Apache gives do alike for one website: point its TLS vhosts at our link, and ask them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from jobs.policy.apache_config import Vhost
from jobs.policy.apache_repoint import points_to, repointed
from jobs.policy.certificate import Certificate
from jobs.policy.failure import Failure
from jobs.policy.file_change import FileChange
from jobs.policy.names import covers
from jobs.policy.site import Website
from jobs.ports import Endpoint, Installed, Served
from jobs.services.httpd.daemon import Httpd


def presented(httpd: Httpd, website: Website, vhosts: Iterable[Vhost]) -> list[Installed]:
    """What these vhosts present, the least ours first: a good certificate of somebody else decides that the website is
    left alone, and a self-signed one must not hide it."""
    found = [one for vhost in vhosts for one in httpd.presented(website, vhost)]
    return sorted(found, key=_ownness)


def pointed(httpd: Httpd, website: Website, vhosts: Sequence[Vhost]) -> tuple[list[FileChange], list[Failure]]:
    """The changes that make these vhosts present our link; and why some of them can't be changed."""
    changes: list[FileChange] = []
    failures: list[Failure] = []
    view, pair = httpd.view(), httpd.pair(website)
    for vhost in vhosts:
        try:
            changes += httpd.edit(repointed(vhost, vhosts, view.main, pair))
        except Failure as failure:
            failures.append(failure)
    return changes, failures


def served(httpd: Httpd, website: Website, certificate: Certificate, expected: Collection[str]) -> list[Served]:
    """A handshake for each name of the website that the certificate covers, at every vhost that reads our link.
    A name of `expected` that has no such vhost is an answer without a leaf."""
    view, pair = httpd.view(), httpd.pair(website)
    endpoints: dict[Endpoint, None] = {}
    missing = []
    for name in website.names:
        if not covers(certificate.names, name):
            continue
        positions = dict.fromkeys(view.answers.everywhere(name).values())
        ours = [position for position in positions if points_to(view.vhosts[position], view.main, pair)]
        endpoints.update(dict.fromkeys(one for position in ours for one in view.endpoints(name, position)))
        if not ours and name in expected:
            missing.append(_missing(name, view.https_port))
    return [*missing, *httpd.handshakes(list(endpoints), certificate.fingerprint)]


def refuse_all(failures: Sequence[Failure]) -> None:
    """Raise what stands in the way, told as one."""
    if failures:
        words = "; ".join(dict.fromkeys(failure.detail for failure in failures))
        raise Failure(failures[0].code, words, permanent=all(failure.permanent for failure in failures))


def _missing(name: str, port: int) -> Served:
    words = f"{name}: no vhost of port {port} presents it, though one was written; does Apache read our file?"
    return Served(Endpoint("127.0.0.1", port, name), None, words)


def _ownness(one: Installed) -> tuple[bool, bool, bool, float]:
    certificate = one.certificate
    if certificate is None:
        return one.ours, True, False, 0.0
    return one.ours, False, certificate.self_signed, -certificate.not_after.timestamp()
