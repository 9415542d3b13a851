"""The manifest files that `accounts.add` wrote, changed by the program.

A file that a person wrote, or changed since, is never rewritten: its comments and order would be lost.
"""

from __future__ import annotations

from collections.abc import Callable

import models
from jobs.accounts.manifest import Manifest, manifest_path, manifest_text, read_manifest
from jobs.policy.failure import Failure
from jobs.store import write_secret
from jobs.wiring.instance import Instance

SOURCE = "manifest"
"""The one source that knows more of an account than its name; elsewhere these facts are the administrator's."""


def told_by_manifest(source: str) -> bool:
    """Whether a file of `sites.d` says contact, package and reseller of an account with this `source`."""
    return SOURCE in source.split("+")


def changeable(instance: Instance, row: models.Account) -> bool:
    """Whether contact, package and reseller of an account can be changed here."""
    return not told_by_manifest(row.source) or _ours(instance, row.name) is not None


def change(instance: Instance, name: str, edit: Callable[[Manifest], Manifest]) -> None:
    """Rewrite the file of an account. Raises Failure("account_not_ours") if a person wrote it."""
    manifest = _ours(instance, name)
    if manifest is None:
        words = f"{name}: a file in sites.d that was written by hand tells of it; change it there"
        raise Failure("account_not_ours", words, permanent=True)
    write_secret(manifest_path(instance.place, name), manifest_text(edit(manifest)))


def _ours(instance: Instance, name: str) -> Manifest | None:
    """What the account's file says, if it is byte for byte what the program would write."""
    path = manifest_path(instance.place, name)
    if not path.exists():
        return None
    try:
        manifest = read_manifest(path)
    except Failure:
        return None  # a person's mistake, which the discovery reports
    return manifest if manifest_text(manifest) == path.read_bytes() else None
