"""The manifest of a backup: what is in it, and whether a manifest that somebody hands in may be followed.

Whoever restores a backup does so as root, so a manifest is believed only as far as it says nothing that a backup of
ours could not say: every path lies in one of our folders, every directory is named before what is in it, and every
link leads to something that the backup itself has.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from jobs.policy.failure import Failure

FORMAT = 1
NAME = "manifest.json"
"""Of the archive's first member."""

FILES = ("panel.sqlite3", "config.toml")
FOLDERS = ("tls", "keys", "conf", "sites.d", "backups", "logs")

MOST_ENTRIES = 2_000_000
LONGEST_PATH = 1024
_LONGEST_PART = 255
_SHA256 = re.compile(r"\A[0-9a-f]{64}\Z")
_GROUP = re.compile(r"\A[A-Za-z_][A-Za-z0-9_.-]{0,31}\Z")
_DIRECTORY, _FILE, _LINK = "directory", "file", "link"


@dataclass(frozen=True, slots=True)
class Entry:
    """One path, relative to the instance. `kind`: directory | file | link; `group` by name, where it is not root's;
    `size` and `sha256` of a file, `target` of a link."""

    path: str
    kind: str
    mode: int = 0
    group: str = ""
    size: int = 0
    sha256: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """`made_at`: ISO 8601, UTC; `machine`: tells whether it is the host that the backup was made on; `instance`: where
    it lay there; `migrations`: those that its database has; `keys`, `logs`: whether these are in it."""

    program: str
    made_at: str
    machine: str
    instance: str
    migrations: tuple[str, ...]
    keys: bool
    logs: bool
    entries: tuple[Entry, ...]

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(entry.size for entry in self.entries)


def as_text(manifest: Manifest) -> str:
    values = asdict(manifest)
    values["entries"] = [{key: value for key, value in entry.items() if value} for entry in values["entries"]]
    return json.dumps({"format": FORMAT, **values}, indent=1, ensure_ascii=False)


def read(text: str) -> Manifest:
    """The manifest that `text` is. Raises Failure("backup_invalid"), which says what was expected."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _invalid(f"expected JSON: {error}") from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        found = values.get("format") if isinstance(values, dict) else values
        raise _invalid(f"expected the format {FORMAT}, got {str(found)[:40]!r}")
    entries = values.get("entries")
    if not isinstance(entries, list) or len(entries) > MOST_ENTRIES:
        raise _invalid(f"entries: expected a list of at most {MOST_ENTRIES}")
    migrations = values.get("migrations")
    if not isinstance(migrations, list) or not all(isinstance(name, str) for name in migrations):
        raise _invalid("migrations: expected a list of names")
    texts = {key: _text(values, key) for key in ("program", "made_at", "machine", "instance")}
    manifest = Manifest(
        **texts, migrations=tuple(migrations), keys=values.get("keys") is True, logs=values.get("logs") is True,
        entries=tuple(_entry(one) for one in entries),
    )
    _check(manifest.entries)
    return manifest


def closed(entry: Entry) -> int:
    """The mode that is given to an entry: never more than its place may have, whatever the manifest says."""
    top, name = entry.path.partition("/")[0], posixpath.basename(entry.path)
    if top in (*FILES, "keys", "logs", "backups", "sites.d"):
        return entry.mode & 0o700
    if entry.kind == _FILE and name in ("privkey.pem", "panel.pem"):
        return entry.mode & 0o640
    return entry.mode & 0o755


def leads_within(link: Entry, kinds: Mapping[str, str]) -> bool:
    """Whether a link leads to a file or directory of these (kinds by path) by a way of its own. Links to links, and to
    what they lie in, could lead round a circle."""
    found = posixpath.normpath(posixpath.join(posixpath.dirname(link.path), link.target))
    round_about = f"{link.path}/".startswith(f"{found}/")
    return not link.target.startswith("/") and not round_about and kinds.get(found) in (_DIRECTORY, _FILE)


def _entry(values: Any) -> Entry:
    if not isinstance(values, dict) or not set(values) <= {*Entry.__dataclass_fields__}:
        raise _invalid(f"an entry: expected the fields of one, got {str(values)[:80]!r}")
    entry = Entry(
        _text(values, "path"), _text(values, "kind"), _number(values, "mode"), _text(values, "group"),
        _number(values, "size"), _text(values, "sha256"), _text(values, "target"),
    )
    trouble = _path_trouble(entry.path) or next(_troubles(entry), "")
    if trouble:
        raise _invalid(f"{entry.path[:LONGEST_PATH]!r}: {trouble}")
    return entry


def _path_trouble(path: str) -> str:
    if not path.isprintable() or len(path.encode("utf-8", "surrogatepass")) > LONGEST_PATH:
        return f"expected a printable path of at most {LONGEST_PATH} bytes"
    parts = path.split("/")
    if any(part in ("", ".", "..") or len(part.encode()) > _LONGEST_PART for part in parts):
        return "expected a relative path without '.' and '..'"
    if parts[0] not in FOLDERS and path not in FILES:
        return f"expected a path below one of {', '.join(FOLDERS)}, or one of {', '.join(FILES)}"
    return ""


def _troubles(entry: Entry) -> Iterator[str]:
    if entry.kind not in (_DIRECTORY, _FILE, _LINK):
        yield f"expected a directory, a file or a link, got {entry.kind[:40]!r}"
    if entry.kind != _FILE and entry.path in FILES:
        yield "expected a file"
    if entry.kind == _FILE and entry.path in FOLDERS:
        yield "expected a directory"
    if entry.mode & ~0o755:
        yield f"expected a mode of at most 755, got {entry.mode:o}"
    if entry.group and not _GROUP.match(entry.group):
        yield f"expected the name of a group, got {entry.group[:40]!r}"
    if entry.kind == _FILE and not _SHA256.match(entry.sha256):
        yield "expected the SHA-256 of the file"


def _check(entries: Sequence[Entry]) -> None:
    """What can only be said of all entries together."""
    kinds: dict[str, str] = {}
    for entry in entries:
        if entry.path in kinds:
            raise _invalid(f"{entry.path}: named twice")
        above = posixpath.dirname(entry.path)
        if above and kinds.get(above) != _DIRECTORY:
            raise _invalid(f"{entry.path}: expected its directory to be named before it")
        kinds[entry.path] = entry.kind
    if kinds.get(FILES[0]) != _FILE:
        raise _invalid(f"expected the database, {FILES[0]}, to be in it")
    for entry in entries:
        if entry.kind == _LINK and not leads_within(entry, kinds):
            raise _invalid(f"{entry.path}: expected a link to something in the backup, got {entry.target[:80]!r}")


def _text(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key, "")
    if not isinstance(value, str):
        raise _invalid(f"{key}: expected text, got {str(value)[:40]!r}")
    return value


def _number(values: Mapping[str, Any], key: str) -> int:
    value = values.get(key, 0)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _invalid(f"{key}: expected a number of at least 0, got {str(value)[:40]!r}")
    return value


def _invalid(words: str) -> Failure:
    return Failure("backup_invalid", f"its manifest: {words}", permanent=True)
