"""A manifest is believed only as far as a backup of ours could say what it says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs.policy.backup_manifest import Entry, Manifest, as_text, closed, read
from jobs.policy.failure import Failure

SHA = "0" * 64
GOOD = (
    Entry("panel.sqlite3", "file", 0o600, "", 10, SHA),
    Entry("tls", "directory", 0o711),
    Entry("tls/live", "directory", 0o711),
    Entry("tls/live/a.test", "directory", 0o711),
    Entry("tls/live/a.test/ab01", "directory", 0o711),
    Entry("tls/live/a.test/ab01/privkey.pem", "file", 0o640, "mail", 20, SHA),
    Entry("tls/live/a.test/apache", "link", target="ab01"),
)


def text(*entries: Entry | dict[str, Any], **changes: Any) -> str:
    manifest = Manifest("0.1.0", "2026-11-24T12:00:00Z", "m", "/var/lib/autossl", ("0001_a",), True, False, GOOD)
    values = json.loads(as_text(manifest))
    values["entries"] += [one if isinstance(one, dict) else json.loads(as_text_of(one)) for one in entries]
    return json.dumps({**values, **changes})


def as_text_of(entry: Entry) -> str:
    return json.dumps({key: getattr(entry, key) for key in Entry.__dataclass_fields__})


def test_what_is_written_is_read() -> None:
    manifest = read(text())
    assert manifest.entries == GOOD and manifest.bytes == 30 and manifest.keys and not manifest.logs
    assert read(as_text(manifest)) == manifest


@pytest.mark.parametrize("path", [
    "../etc/passwd", "/etc/passwd", "tls/../../etc/passwd", "tls//live", "tls/./live", "", ".", "..", "etc", "run.lock",
    "tls/live/a\nb", "tls/live/a\0b", "tls/live/\udcff", "tls/" + "x" * 256, "tls/live/" + "x/" * 600 + "x",
    "panel.sqlite3-wal", "unknown/file", "tls/live/a.test/apache/inside", "conf/without/its/directory",
])
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(Failure) as caught:
        read(text(Entry(path, "file", 0o600, "", 1, SHA)))
    assert caught.value.code == "backup_invalid"


@pytest.mark.parametrize("target", [
    "/etc/shadow", "../../../../etc/shadow", "..", "../..", "nowhere", "", "apache", "../a.test/apache",
    "ab01/../../..",
])
def test_a_link_that_leads_out_nowhere_or_to_a_link_is_refused(target: str) -> None:
    with pytest.raises(Failure, match="expected a link to something in the backup"):
        read(text(Entry("tls/live/a.test/exim", "link", target=target)))


@pytest.mark.parametrize("entry", [
    Entry("tls/live/a.test", "directory", 0o711),
    Entry("conf", "file", 0o600, "", 1, SHA),
    Entry("config.toml", "directory", 0o700),
    Entry("config.toml", "device", 0o600),
    Entry("config.toml", "file", 0o4755, "", 1, SHA),
    Entry("config.toml", "file", 0o666, "", 1, SHA),
    Entry("config.toml", "file", 0o600, "", 1, "not a hash"),
    Entry("config.toml", "file", 0o600, "a group; rm", 1, SHA),
    {"path": "config.toml", "kind": "file", "size": -1, "sha256": SHA},
    {"path": "config.toml", "kind": "file", "size": True, "sha256": SHA},
    {"path": "config.toml", "kind": "file", "size": 1, "sha256": SHA, "owner": "root"},
    {"path": ["config.toml"], "kind": "file"},
    {},
])
def test_an_entry_that_no_backup_of_ours_has_is_refused(entry: Entry | dict[str, Any]) -> None:
    with pytest.raises(Failure):
        read(text(entry))


@pytest.mark.parametrize("content", [
    "", "[]", "null", "{}", "[" * 100_000, text(format=2), text(entries=[]), text(entries={}), text(entries=["tls"]),
    text(migrations="0001"), text(program=1),
])
def test_what_is_no_manifest_is_refused(content: str) -> None:
    with pytest.raises(Failure):
        read(content)


@pytest.mark.parametrize(("entry", "mode"), [
    (Entry("keys/ca.pem", "file", 0o644), 0o600),
    (Entry("keys", "directory", 0o755), 0o700),
    (Entry("panel.sqlite3", "file", 0o644), 0o600),
    (Entry("tls/live/a.test/ab01/privkey.pem", "file", 0o755), 0o640),
    (Entry("tls/panel.pem", "file", 0o600), 0o600),
    (Entry("tls/live/a.test/ab01/cert.pem", "file", 0o644), 0o644),
    (Entry("tls/live", "directory", 0o711), 0o711),
])
def test_a_secret_is_closed_whatever_the_manifest_says(entry: Entry, mode: int) -> None:
    assert closed(entry) == mode
