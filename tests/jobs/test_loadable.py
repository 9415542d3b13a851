"""Whether a server could load a stored set, before any of them tries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from jobs.loadable import refuse_unloadable, unloadable
from jobs.policy.certificate import Bundle
from jobs.policy.failure import Failure
from tests.authority import Authority
from tests.fakes import NOW, TestCA

NAMES = ["a.test"]


def written(folder: Path, bundle: Bundle) -> Path:
    (folder / "fullchain.pem").write_bytes(bundle.fullchain)
    (folder / "privkey.pem").write_bytes(bundle.privkey)
    return folder


def refusal(folder: Path) -> Failure:
    with pytest.raises(Failure) as told:
        refuse_unloadable(folder)
    return told.value


@pytest.mark.parametrize("key", [ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1()),
                                 rsa.generate_private_key(65537, 2048)])
def test_keys_that_are_ordered_can_be_loaded(tmp_path: Path, key: Any) -> None:
    refuse_unloadable(written(tmp_path, Authority("CA").bundle(NAMES, key)))
    refuse_unloadable(written(tmp_path, TestCA().bundle(NAMES)))


def test_a_weak_key_is_refused(tmp_path: Path) -> None:
    weak = Authority("CA").bundle(NAMES, ec.generate_private_key(ec.SECP192R1()))
    failure = refusal(written(tmp_path, weak))
    assert failure.code == "certificate_not_loadable" and "ee key too small" in failure.detail


def test_a_weak_key_of_an_issuer_is_refused(tmp_path: Path) -> None:
    weak = Authority("CA", NOW, rsa.generate_private_key(65537, 1024)).bundle(NAMES)
    assert "ca key too small" in refusal(written(tmp_path, weak)).detail


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    one, other = TestCA().bundle(NAMES), TestCA().bundle(NAMES)
    assert "key values mismatch" in refusal(written(tmp_path, Bundle(other.privkey, one.chain))).detail


def test_a_key_with_a_passphrase_asks_nobody(tmp_path: Path) -> None:
    bundle = TestCA().bundle(NAMES)
    key = serialization.load_pem_private_key(bundle.privkey, None)
    locked = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                               serialization.BestAvailableEncryption(b"secret"))
    failure = refusal(written(tmp_path, Bundle(locked, bundle.chain)))
    assert failure.code == "certificate_not_loadable" and "the key is encrypted" in failure.detail


def test_files_that_are_not_there_are_told_as_such(tmp_path: Path) -> None:
    assert refusal(tmp_path).code == "store_failed"


@pytest.mark.parametrize("content", [b"", b"nonsense",
    b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_refused(tmp_path: Path, content: bytes) -> None:
    bundle = TestCA().bundle(NAMES)
    written(tmp_path, bundle)
    (tmp_path / "fullchain.pem").write_bytes(content)
    assert refusal(tmp_path).code == "certificate_not_loadable"


def test_a_set_that_was_loaded_before_is_tried_again_when_its_files_have_changed(tmp_path: Path) -> None:
    one, other = TestCA().bundle(NAMES), TestCA().bundle(NAMES)
    refuse_unloadable(written(tmp_path, one))
    (tmp_path / "privkey.pem").write_bytes(other.privkey)
    assert "key values mismatch" in refusal(tmp_path).detail
    refuse_unloadable(written(tmp_path, other))


def test_of_many_sets_those_are_told_that_cannot_be_loaded(tmp_path: Path) -> None:
    one, other = TestCA().bundle(NAMES), TestCA().bundle(NAMES)
    folders = [tmp_path / str(number) for number in range(20)]
    for number, folder in enumerate(folders):
        folder.mkdir()
        written(folder, Bundle(other.privkey, one.chain) if number in (3, 17) else one)
    failures = unloadable(folders)
    assert sorted(failures) == sorted([folders[3], folders[17]])
    assert {failure.code for failure in failures.values()} == {"certificate_not_loadable"}
    assert unloadable([]) == {}
