"""Stored sets: whole or not at all, readable by whom they must be, and kept as long as something shows them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from jobs.policy.failure import Failure
from jobs.policy.proof import read_certificate
from jobs.ports import Place
from jobs.store import FULLCHAIN, KEY, grant_key, retire_sets, set_damage, store, write_secret
from tests.fakes import TestCA


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.live.mkdir(parents=True)
    return made


def kept(place: Place, group: int | None = None) -> Path:
    bundle = TestCA().bundle(["a.test"])
    return store(place, "a.test", bundle, read_certificate(bundle.leaf), group)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_set_is_complete_and_its_key_closed(place: Place) -> None:
    directory = kept(place)
    assert {path.name: mode(path) for path in directory.iterdir()} == {
        "privkey.pem": 0o600, "cert.pem": 0o644, "chain.pem": 0o644, "fullchain.pem": 0o644
    }
    leaf = (directory / "cert.pem").read_bytes()
    certificate = read_certificate(leaf)
    assert certificate.names == ("a.test",)
    assert (directory / FULLCHAIN).read_bytes() == leaf + (directory / "chain.pem").read_bytes()
    assert serialization.load_pem_private_key((directory / KEY).read_bytes(), None).public_key() == (
        x509.load_pem_x509_certificate(leaf).public_key()
    )
    assert [path.name for path in directory.parent.iterdir()] == [certificate.serial]


def test_a_set_whose_files_are_gone_torn_or_mixed_up_is_told_as_damaged(place: Place) -> None:
    directory, other = kept(place), kept(place)
    assert set_damage(directory) == set_damage(other) == ""
    (directory / KEY).write_bytes((other / KEY).read_bytes())
    assert set_damage(directory) == f"{directory}: the key is not that of the certificate"
    (directory / KEY).write_bytes(b"")
    assert set_damage(directory) == f"{directory}: the key file holds no whole private key"
    (directory / KEY).unlink()
    assert "are gone" in set_damage(directory) and "are gone" in set_damage(place.live / "nobody.test" / "1")


def test_a_key_is_opened_for_the_group_of_a_service_that_came_later(place: Place) -> None:
    directory, group = kept(place), 1234
    grant_key(directory, group)
    assert (mode(directory / KEY), (directory / KEY).stat().st_gid) == (0o640, group)
    other = kept(place, group)
    assert (mode(other / KEY), (other / KEY).stat().st_gid) == (0o640, group)


def test_a_disk_that_is_full_leaves_nothing_of_a_set(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Failure, match="No space left on device; the former one stays in use") as caught:
        kept(place)
    assert caught.value.code == "store_failed"
    assert list((place.live / "a.test").iterdir()) == []


def test_a_secret_is_whole_or_not_there(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place.instance / "secret"
    write_secret(path, b"one")
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(Failure):
        write_secret(path, b"two")
    assert path.read_bytes() == b"one" and mode(path) == 0o600
    assert [entry.name for entry in place.instance.iterdir() if entry.name.startswith(".")] == []


def test_sets_that_nothing_shows_are_retired_and_others_kept(place: Place) -> None:
    first, second, third = (kept(place) for _ in range(3))
    (place.live / "a.test" / "apache").symlink_to(first.name)
    assert retire_sets(place, "a.test", [third.name]) == [second.name]
    assert {path.name for path in (place.live / "a.test").iterdir()} == {first.name, third.name, "apache"}


@pytest.mark.parametrize("serial", ["", "../../etc", "a" * 41, "xyz"])
def test_a_serial_number_that_is_no_number_never_becomes_a_path(place: Place, serial: str) -> None:
    from dataclasses import replace

    bundle = TestCA().bundle(["a.test"])
    with pytest.raises(Failure):
        store(place, "a.test", bundle, replace(read_certificate(bundle.leaf), serial=serial), None)
    assert list(place.instance.rglob("*.pem")) == []
