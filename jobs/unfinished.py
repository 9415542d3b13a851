"""What a change of a service's files replaced, kept on the disk until the change is tested, loaded and proven.

A process that is killed in between can't put anything back. Without this, a change that the service's test would have
refused stood there for good, and every later check would say that somebody else broke the configuration.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from jobs import privileged
from jobs.policy.failure import Failure
from jobs.policy.file_change import FileChange
from jobs.policy.finding import Finding
from jobs.ports import Place, ServiceTarget
from jobs.store import write_secret

PREFIX = "unfinished-"
_LARGEST = 256 * 1024 * 1024


def note(place: Place, service: str, changes: Sequence[FileChange]) -> None:
    """Keep what stands at the paths of `changes` before they are published; on the disk when it returns. What a change
    before this one replaced, of the same installation, stays what would be put back.

    Raises Failure("store_failed").
    """
    try:
        place.backups.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise Failure("store_failed", f"{place.backups}: making it: {error.strerror}") from error
    kept = _read(place, service)
    for change in changes:
        path = str(change.path)
        entry = kept.setdefault(path, {**_as_json(privileged.former(change.path)), "written": []})
        entry["written"].append(_digest(change.content, change.link))
    write_secret(_file(place, service), json.dumps(kept).encode())


def finish(place: Place, service: str) -> None:
    """The service presents what it shall, or all is as it was. What can't be removed is looked at by the next check."""
    with suppress(OSError):
        _file(place, service).unlink(missing_ok=True)


def put_back(place: Place, services: Sequence[ServiceTarget]) -> list[Finding]:
    """Look at the changes in whose middle a process died; only for who holds the work lock. What a service's test
    accepts stays, and is installed by the check. Where the test refuses the configuration, what stood there before
    comes back, but for files that somebody has changed since. Returns what was done, in words."""
    told = []
    for path in sorted(place.backups.glob(f"{PREFIX}*.json")):
        name = path.stem.removeprefix(PREFIX)
        service = next((one for one in services if one.name == name), None)
        if service is None:
            finish(place, name)
            continue
        try:
            told += _mended(place, service)
        except Failure as failure:  # it is tried again by the next check
            told.append(Finding(failure.code, f"{name}: {failure.detail}"))
    return told


def _mended(place: Place, service: ServiceTarget) -> list[Finding]:
    refusal = _refusal(service)
    if refusal is None:
        finish(place, service.name)
        return []
    kept = _read(place, service.name)
    standing = {path: privileged.former(Path(path)) for path in kept}
    ours = [path for path, now in standing.items() if _digest(now.content, now.link) in kept[path]["written"]]
    privileged.restore([_former(path, kept[path]) for path in ours])
    finish(place, service.name)
    words = f"{service.name}: a process that was killed left a configuration that its test refuses ({refusal.detail})"
    left = _refusal(service)
    if left is None:
        return [Finding("configuration_put_back", f"{words}; what stood there before was put back: {', '.join(ours)}")]
    return [Finding(left.code, f"{words}; what stood there before was put back, and the test says: {left.detail}")]


def _refusal(service: ServiceTarget) -> Failure | None:
    service.forget()
    try:
        service.test()
    except Failure as failure:
        return failure
    return None


def _file(place: Place, service: str) -> Path:
    return place.backups / f"{PREFIX}{service}.json"


def _read(place: Place, service: str) -> dict[str, dict[str, Any]]:
    kept: dict[str, dict[str, Any]] = json.loads(privileged.read(_file(place, service), _LARGEST) or b"{}")
    return kept


def _as_json(was: privileged.Former) -> dict[str, Any]:
    content = None if was.content is None else b64encode(was.content).decode("ascii")
    return {
        "existed": was.existed, "content": content, "link": was.link, "mode": was.mode, "uid": was.uid, "gid": was.gid
    }


def _former(path: str, entry: dict[str, Any]) -> privileged.Former:
    content = None if entry["content"] is None else b64decode(entry["content"])
    return privileged.Former(
        Path(path), entry["existed"], content, entry["link"], entry["mode"], entry["uid"], entry["gid"]
    )


def _digest(content: bytes | None, link: str | None) -> str:
    if link is not None:
        return "link:" + link
    return "gone" if content is None else sha256(content).hexdigest()
