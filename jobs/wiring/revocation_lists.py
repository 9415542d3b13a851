"""Looks, once a day, whether a CA has revoked a certificate of this host: by the list that the certificate names."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import models
from jobs import revocations
from jobs.policy.failure import Failure
from jobs.policy.revocation import revoked
from jobs.revocation_fetch import fetch
from jobs.revocations import Watched
from jobs.wiring.custom_provider import PLUGIN
from jobs.wiring.instance import Instance, now
from jobs.wiring.provider_rows import bare

MOST = 8
"""Lists that one tick looks at."""

AT_ONCE = 4
_log = logging.getLogger("autossl.revocations")


def look_at_lists(instance: Instance) -> None:
    """Fetch every list whose time has come, once for all certificates that name it."""
    urls = revocations.lists_due(now(), MOST)
    if not urls:
        return
    revocations.forget(now())
    wanted = [(url, revocations.watched(url)) for url in urls]
    inside = {name for name in {one.provider for _, watched in wanted for one in watched} if name and _inside(name)}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        contents = pool.map(
            lambda entry: _fetched(entry[0], any(one.provider in inside for one in entry[1])), wanted
        )
        for (url, watched), content in zip(wanted, contents, strict=True):
            _look(url, watched, content)


def _look(url: str, watched: list[Watched], content: bytes | Failure) -> None:
    try:
        if isinstance(content, Failure):
            raise content
        found = dict(_revoked(watched, content, now()))
    except Failure as failure:
        if revocations.put_off(url, now()) == 1:
            _log.warning("%s", failure.detail)
        return
    for certificate in revocations.keep(url, found, now()):
        _log.warning("%s: the CA has revoked its certificate; a new one is ordered", certificate.website)


def _revoked(watched: list[Watched], content: bytes, moment: datetime) -> Iterator[tuple[str, datetime]]:
    """(fingerprint, since when) of those that the list has. Raises Failure if no issuer of theirs has signed it: a
    certificate that a customer brought must not keep the others from being looked at."""
    trouble: Failure | None = None
    believed = False
    for issuer in {one.issuer for one in watched}:
        of_issuer = {one.serial: one.fingerprint for one in watched if one.issuer == issuer}
        try:
            found = revoked(content, issuer, of_issuer.keys(), moment)
        except Failure as failure:
            trouble = failure
            continue
        believed = True
        yield from ((of_issuer[serial], since) for serial, since in found.items())
    if trouble and not believed:
        raise trouble


def _fetched(url: str, inside: bool) -> bytes | Failure:
    try:
        return fetch(url, inside)
    except Failure as failure:
        return failure


def _inside(name: str) -> bool:
    """Whether a provider's list may lie inside the network: an administrator's own CA, or one for tests."""
    row = models.Provider.get_or_none(models.Provider.name == name)
    if row is None:
        return False
    try:
        return bool(row.plugin == PLUGIN or bare(row).specs().test)
    except Failure:
        return False
