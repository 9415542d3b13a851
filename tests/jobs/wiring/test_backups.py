"""Backups: whole or not there, consistent while things change; and restored only when every byte is as it was."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import json
import os
import sqlite3
import tarfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from peewee import SqliteDatabase
from playhouse.migrations import Runner

import models
from jobs import records
from jobs.policy.certificate import Bundle
from jobs.policy.failure import Failure
from jobs.policy.proof import read_certificate
from jobs.store import store
from jobs.wiring import backup as backups
from jobs.wiring import backup_files, backup_unpacked
from jobs.wiring import restore as restoring
from jobs.wiring.adopted import adopt
from jobs.wiring.backup import backup
from jobs.wiring.instance import Instance, now, open_instance
from jobs.wiring.integrity import soundness
from jobs.wiring.restore import restore
from jobs.wiring.serving import claim, self_signed
from tests.fakes import NOW, TestCA

Member = tuple[tarfile.TarInfo, bytes]


def secure(instance: Instance, website: str = "a.test", later: int = 0) -> Path:
    """A certificate as a check leaves it, some minutes `later` than the first one; its directory."""
    made = TestCA().bundle([website], NOW + timedelta(minutes=later))
    certificate = read_certificate(made.leaf)
    directory = store(instance.place, website, made, certificate, None)
    records.keep_certificate(website, certificate, "ca", certificate.not_after, NOW)
    link = instance.place.link(website, "apache")
    link.unlink(missing_ok=True)
    link.symlink_to(directory.name)
    return directory


@pytest.fixture
def kept(instance: Instance, tmp_path: Path) -> Path:
    secure(instance)
    (instance.place.keys / "ca.pem").write_text("account key")
    target = tmp_path / "backup.tar.gz"
    backup(instance, target, keys=True, logs=False)
    return target


def members(file: Path) -> list[Member]:
    with tarfile.open(file) as tar:
        return [(one, (tar.extractfile(one) or io.BytesIO()).read() if one.isreg() else b"") for one in tar]


def packed(target: Path, content: list[Member]) -> Path:
    with tarfile.open(target, "w:gz", format=tarfile.GNU_FORMAT) as tar:
        for facts, data in content:
            facts.size = len(data)
            tar.addfile(facts, io.BytesIO(data))
    return target


def altered(file: Path, change: Callable[[list[Member]], list[Member]]) -> Path:
    return packed(file.with_name("altered.tar.gz"), change(members(file)))


def with_manifest(file: Path, change: Callable[[dict[str, Any]], None], *more: Member) -> Path:
    def changed(content: list[Member]) -> list[Member]:
        values = json.loads(content[0][1])
        change(values)
        return [(content[0][0], json.dumps(values).encode()), *content[1:], *more]

    return altered(file, changed)


def refused(file: Path, directory: Path) -> str:
    before = sorted(directory.parent.iterdir())
    with pytest.raises(Failure) as caught:
        restore(directory, file, force=False)
    assert caught.value.code == "backup_invalid"
    assert sorted(directory.parent.iterdir()) == before, "nothing may be left of it"
    return caught.value.detail


def test_a_restored_instance_is_what_was_backed_up(instance: Instance, kept: Path, tmp_path: Path) -> None:
    done = restore(tmp_path / "other", kept, force=False)
    assert (done.former, done.lost, done.mended.stand_ins, done.other_host) == (None, (), (), False)
    opened = open_instance(tmp_path / "other")
    link = opened.place.link("a.test", "apache")
    assert (link / "privkey.pem").read_bytes() == (instance.place.link("a.test", "apache") / "privkey.pem").read_bytes()
    modes = {path: path.stat().st_mode & 0o777 for path in (
        opened.place.instance, opened.place.keys, opened.place.keys / "ca.pem", link / "privkey.pem", link / "cert.pem",
        opened.place.instance / "panel.sqlite3", opened.place.challenges,
    )}
    assert list(modes.values()) == [0o711, 0o700, 0o600, 0o600, 0o644, 0o600, 0o755]
    assert list(records.live_certificates()) == ["a.test"]


def test_a_file_that_changes_while_it_is_read_makes_the_backup_begin_anew(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, looks, real = instance.place.keys / "ca.pem", [], backup_files.look
    secret.write_text("one")

    def look(*given: Any) -> Any:
        found = real(*given)
        looks.append(found)
        if len(looks) == 1:
            secret.write_text("two")
        if len(looks) == 2:
            secure(instance)  # a certificate came after the database was copied
        return found

    monkeypatch.setattr(backup_files, "look", look)
    target = tmp_path / "backup.tar.gz"
    backup(instance, target, keys=True, logs=False)
    assert len(looks) == 3
    assert dict((facts.name, data) for facts, data in members(target))["keys/ca.pem"] == b"two"
    done = restore(tmp_path / "other", target, force=False)
    assert done.lost == ()


def test_what_never_settles_is_told_and_no_file_is_left(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*given: Any) -> Any:
        raise backup_files.ChangedMeanwhile("x")

    monkeypatch.setattr(backup_files, "look", never)
    target = tmp_path / "there" / "backup.tar.gz"
    target.parent.mkdir()
    target.write_text("the former one")
    with pytest.raises(Failure, match=f"changed in each of {backups.TRIES} looks"):
        backup(instance, target, keys=True, logs=False)
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    assert target.read_text() == "the former one"


def test_a_backup_within_the_installation_is_refused(instance: Instance) -> None:
    for target in (instance.place.backups / "b.tar.gz", instance.place.instance / "tls" / ".." / "b.tar.gz"):
        with pytest.raises(Failure, match="both are lost together"):
            backup(instance, target, keys=True, logs=False)


@pytest.mark.parametrize(("owner", "mode"), [(12345, 0o755), (0, 0o777), (0, 0o775)])
def test_a_backup_where_a_customer_may_put_a_link_to_the_live_database_is_refused(
    instance: Instance, tmp_path: Path, owner: int, mode: int
) -> None:
    home = tmp_path / "home"
    (home / "inner").mkdir(parents=True)
    os.chown(home, owner, 12345)
    home.chmod(mode)
    for folder in (home, home / "inner"):
        with pytest.raises(Failure, match=f"others may change {home}"):
            backup(instance, folder / "backup.tar.gz", keys=True, logs=False)
    assert [path.name for path in home.iterdir()] == ["inner"]
    home.chmod(mode | 0o1000)
    os.chown(home, 0, 12345)
    backup(instance, home / "backup.tar.gz", keys=True, logs=False)


def test_sockets_and_links_that_lead_out_are_left_out_and_told(instance: Instance, tmp_path: Path) -> None:
    import os

    (instance.place.conf / "out").symlink_to("/etc/shadow")
    os.mkfifo(instance.place.conf / "pipe")
    told = backup(instance, tmp_path / "b.tar.gz", keys=True, logs=False)
    assert len(told["left_out"]) == 2 and "/etc/shadow" in str(told["left_out"])
    assert restore(tmp_path / "other", tmp_path / "b.tar.gz", force=False).lost == ()


def test_a_file_with_another_content_is_refused(kept: Path, tmp_path: Path) -> None:
    def change(content: list[Member]) -> list[Member]:
        return [(facts, b"another key" if facts.name == "keys/ca.pem" else data) for facts, data in content]

    file = altered(kept, change)
    assert "'keys/ca.pem' has another content" in refused(file, tmp_path / "other")


def test_a_file_that_is_missing_or_not_named_is_refused(kept: Path, tmp_path: Path) -> None:
    assert "its end" in refused(altered(kept, lambda content: content[:-1]), tmp_path / "other")
    extra = tarfile.TarInfo("conf/extra")
    file = altered(kept, lambda content: [*content, (extra, b"x")])
    assert "its manifest does not name" in refused(file, tmp_path / "other")


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE])
def test_devices_pipes_and_links_in_the_place_of_a_file_are_refused(kept: Path, tmp_path: Path, kind: bytes) -> None:
    def change(content: list[Member]) -> list[Member]:
        for number, (facts, _) in enumerate(content):
            if facts.name == "keys/ca.pem":
                other = tarfile.TarInfo(facts.name)
                other.type, other.linkname = kind, "/etc/shadow"
                content[number] = (other, b"")
        return content

    assert "is not what its manifest says" in refused(altered(kept, change), tmp_path / "other")


def test_a_path_that_leads_out_is_refused_whatever_hash_it_has(kept: Path, tmp_path: Path) -> None:
    sha = hashlib.sha256(b"x").hexdigest()
    evil = {"path": "conf/../../evil", "kind": "file", "mode": 0o600, "size": 1, "sha256": sha}
    member = (tarfile.TarInfo("conf/../../evil"), b"x")
    file = with_manifest(kept, lambda values: values["entries"].append(evil), member)
    assert "'..'" in refused(file, tmp_path / "other")
    assert not (tmp_path / "evil").exists()


def test_what_unpacks_without_end_is_refused_before_it_fills_the_disk(kept: Path, tmp_path: Path) -> None:
    def change(content: list[Member]) -> list[Member]:
        values = json.loads(content[0][1])
        for entry in values["entries"]:
            if entry["path"] == "keys/ca.pem":
                entry["size"] = 1 << 50
        return [(content[0][0], json.dumps(values).encode())]

    with pytest.raises(Failure, match="are free; make room") as caught:
        restore(tmp_path / "other", altered(kept, change), force=False)
    assert caught.value.code == "no_room"


def test_a_header_that_unpacks_without_end_is_not_read_to_its_end(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup_unpacked, "LARGEST_MANIFEST", 1 << 16)

    def change(content: list[Member]) -> list[Member]:
        endless = tarfile.TarInfo("././@LongLink")
        endless.type = tarfile.GNUTYPE_LONGNAME
        return [(endless, bytes(1 << 22)), *content]

    with pytest.raises(Failure, match="it unpacks to more than its manifest says"):
        restore(tmp_path / "other", altered(kept, change), force=False)


@pytest.mark.parametrize("content", [
    b"", b"x", gzip.compress(b""), gzip.compress(b"x" * 5000), gzip.compress(b"\0" * 100_000),
], ids=["empty", "text", "empty gzip", "no tar", "zeros"])
def test_what_is_no_backup_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    refused(file, tmp_path / "other")


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    file, there = tmp_path / "other.sqlite3", tmp_path / "instance"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE bookmark (url TEXT)")
    connection.close()
    there.mkdir()
    refused(file, there)


def test_a_backup_cut_off_anywhere_is_refused(kept: Path, tmp_path: Path) -> None:
    whole = kept.read_bytes()
    for part in range(1, 8):
        file = tmp_path / "cut"
        file.write_bytes(whole[: len(whole) * part // 8])
        refused(file, tmp_path / "other")


def _with_database(file: Path, change: Callable[[sqlite3.Connection], Any], instead: bytes | None = None) -> Path:
    """The backup with a database that was changed, or another one, and a manifest that says so."""
    path = file.with_name("changed.sqlite3")
    path.write_bytes(instead or dict((facts.name, data) for facts, data in members(file))["panel.sqlite3"])
    connection = sqlite3.connect(path)
    change(connection)
    connection.commit()
    connection.close()
    data = path.read_bytes()
    path.unlink()

    def described(content: list[Member]) -> list[Member]:
        values = json.loads(content[0][1])
        values["entries"][0] |= {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        rest = [(facts, data if facts.name == "panel.sqlite3" else old) for facts, old in content[1:]]
        return [(content[0][0], json.dumps(values).encode()), *rest]

    return altered(file, described)


def test_a_newer_database_is_refused_by_its_own_word(kept: Path, tmp_path: Path) -> None:
    add = "INSERT INTO schema_migration (name, migrated_at) VALUES ('9999_from_the_future', '2030-01-01')"
    file = _with_database(kept, lambda connection: connection.execute(_adapted(connection, add)))
    with pytest.raises(Failure, match="9999_from_the_future, which this version does not know") as caught:
        restore(tmp_path / "other", file, force=False)
    assert caught.value.code == "backup_newer" and not (tmp_path / "other").exists()


def _adapted(connection: sqlite3.Connection, statement: str) -> str:
    """Whatever the second column of Peewee's table is called."""
    names = [row[1] for row in connection.execute("PRAGMA table_info(schema_migration)")]
    other = next(name for name in names if name not in ("id", "name"))
    return statement.replace("migrated_at", other)


def test_an_older_database_is_brought_up(kept: Path, tmp_path: Path) -> None:
    names = sorted(entry.stem for entry in models.MIGRATIONS.glob("[0-9]*.py"))
    path = tmp_path / "older.sqlite3"
    older = SqliteDatabase(str(path))
    Runner(older, directory=str(models.MIGRATIONS)).up(names[-3])
    older.close()
    done = restore(tmp_path / "other", _with_database(kept, lambda _: None, path.read_bytes()), force=False)
    assert done.migrated == tuple(names[-2:])


def test_triggers_and_damage_in_the_database_are_refused(kept: Path, tmp_path: Path) -> None:
    trigger = "CREATE TRIGGER evil AFTER INSERT ON audit_entry BEGIN DELETE FROM user; END"
    assert "'evil', a trigger" in refused(_with_database(kept, lambda c: c.execute(trigger)), tmp_path / "other")
    orphan = "INSERT INTO run_account (account, run_id) VALUES ('alice', 99)"
    assert "refers to a row" in refused(_with_database(kept, lambda c: c.execute(orphan)), tmp_path / "other")


def test_sessions_of_then_are_over_and_another_hosts_files_are_not_undone_here(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = now()
    models.Session.create(hash="h", address="192.0.2.1", agent="x", created_at=moment, seen_at=moment)
    models.SetupFile.create(path="/etc/x.conf", service="apache", existed=False, changed_at=moment)
    target = tmp_path / "b.tar.gz"
    backup(instance, target, keys=True, logs=False)
    assert not restore(tmp_path / "same", target, force=False).other_host
    open_instance(tmp_path / "same")
    assert (models.Session.select().count(), models.SetupFile.select().count()) == (0, 1)
    monkeypatch.setattr("jobs.wiring.restore.machine", lambda: "another")
    assert restore(tmp_path / "elsewhere", target, force=False).other_host
    open_instance(tmp_path / "elsewhere")
    assert models.SetupFile.select().count() == 0


def test_nothing_is_put_over_an_installation_in_use(instance: Instance, kept: Path) -> None:
    from jobs.wiring.work_lock import while_free

    directory = instance.place.instance
    with pytest.raises(Failure, match="there is something already"):
        restore(directory, kept, force=False)
    serving = claim(instance.place)
    with pytest.raises(Failure) as caught:
        restore(directory, kept, force=True)
    serving.release()
    assert caught.value.code == "already_serving"
    with while_free(instance), pytest.raises(Failure) as caught:
        restore(directory, kept, force=True)
    assert caught.value.code == "instance_busy"
    assert records.live_certificates()


def test_a_former_installation_is_kept_whole_and_its_newer_certificate_with_it(instance: Instance, kept: Path) -> None:
    newer = secure(instance)
    directory = instance.place.instance
    done = restore(directory, kept, force=True)
    assert done.former is not None and (done.former / "tls/live/a.test" / newer.name / "cert.pem").exists()
    assert (done.former / "panel.sqlite3").exists()
    assert [path.name for path in directory.parent.glob(".instance.*")] == []


@pytest.mark.parametrize("newer", ["issued", "self-signed"])
def test_no_service_is_put_back_to_a_certificate_that_was_renewed_since(
    instance: Instance, tmp_path: Path, newer: str
) -> None:
    first = secure(instance)
    link = instance.place.link("a.test", "apache")
    instance.place.conf.mkdir(exist_ok=True)
    (instance.place.conf / "apache.conf").write_text(f"SSLCertificateFile {link}/fullchain.pem\n")
    file = tmp_path / "then.tar.gz"
    backup(instance, file, keys=True, logs=False)
    if newer == "issued":
        wanted = secure(instance, later=60).name
    else:
        wanted = first.name
        key, leaf = self_signed(["a.test"], now())
        made = store(instance.place, "a.test", Bundle(key, (leaf,)), read_certificate(leaf), None)
        link.unlink()
        link.symlink_to(made.name)
    instance.close()
    done = restore(instance.place.instance, file, force=True)
    open_instance(instance.place.instance)
    assert (str(link.readlink()), records.live_certificates()["a.test"].serial) == (wanted, wanted)
    kept = ("tls/live/a.test/apache",) if newer == "issued" else ()
    assert (done.mended.taken_over, done.mended.stand_ins, done.lost) == (kept, (), ())


def test_an_older_certificate_that_a_service_still_presents_does_not_become_the_live_one(instance: Instance) -> None:
    made = TestCA().bundle(["a.test"], NOW - timedelta(days=1))
    older = store(instance.place, "a.test", made, read_certificate(made.leaf), None)
    live = secure(instance)
    instance.place.link("a.test", "exim").symlink_to(older.name)
    assert adopt(instance.place, now()) == ()
    assert records.live_certificates()["a.test"].serial == live.name


@pytest.mark.parametrize("fails", [False, True])
def test_where_two_directories_can_not_be_exchanged_there_is_a_way_back(
    instance: Instance, kept: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    def unable(*_: Path) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    real, directory = Path.rename, instance.place.instance

    def rename(source: Path, target: Path) -> Path:
        if fails and source.name.startswith(f".{directory.name}.restored-"):
            raise OSError(errno.EIO, "Input/output error")
        return real(source, target)

    (directory / "keys/later.pem").write_text("key")
    monkeypatch.setattr(restoring, "exchange", unable)
    monkeypatch.setattr(Path, "rename", rename)
    if fails:
        with pytest.raises(Failure, match="Input/output error"):
            restore(directory, kept, force=True)
        assert (directory / "keys/later.pem").exists() and sorted(directory.parent.glob("*instance*")) == [directory]
    else:
        done = restore(directory, kept, force=True)
        assert done.former is not None and (done.former / "keys/later.pem").exists()
        assert not (directory / "keys/later.pem").exists() and (directory / "panel.sqlite3").exists()


def test_a_copy_of_the_database_alone_brings_the_rows_back_and_keeps_newer_certificates(
    instance: Instance, tmp_path: Path
) -> None:
    from jobs.wiring.database_copies import copies, keep_copy

    secure(instance)
    keep_copy(instance)
    (copy,) = copies(instance.place)
    newer = secure(instance, later=1)
    instance.close()
    done = restore(instance.place.instance, copy, force=True)
    assert (done.adopted, done.lost) == (("a.test",), ())
    assert done.former is not None and (done.former / "panel.sqlite3").exists()
    open_instance(instance.place.instance)
    assert records.live_certificates()["a.test"].serial == newer.name


def test_the_log_that_a_removed_database_left_never_meets_the_restored_one(instance: Instance) -> None:
    from jobs.wiring.database_copies import copies, keep_copy

    secure(instance)
    keep_copy(instance)
    (copy,) = copies(instance.place)
    instance.close()
    path = instance.place.instance / "panel.sqlite3"
    log = path.with_name("panel.sqlite3-wal")
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE certificate SET website = 'stale.test'")
    left = log.read_bytes()
    connection.close()
    path.unlink()
    log.write_bytes(left)
    done = restore(instance.place.instance, copy, force=False)
    assert done.former is not None and (done.former / log.name).read_bytes() == left
    open_instance(instance.place.instance)
    assert (soundness(path).damage, list(records.live_certificates())) == ("", ["a.test"])
