"""One lineage's files as a bundle: only what root alone could have written, and only in a normal form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from jobs import privileged
from jobs.policy.certificate import Bundle
from jobs.policy.failure import Failure
from jobs.policy.pair_check import first_key
from jobs.policy.proof import split_pem
from jobs.privileged import Trusted

MOST_IN_A_CHAIN = 10


def text_of(path: Path, trees: Sequence[Path]) -> str:
    """A configuration file of the client. Raises Failure("unreadable")."""
    return needed(path, trees).content.decode("utf-8", "replace")


def needed(path: Path, trees: Sequence[Path]) -> Trusted:
    """Raises Failure("unreadable"), also where there is no such file."""
    found = privileged.read_trusted(path, trees)
    if found is None:
        raise Failure("unreadable", f"{path}: there is no such file")
    return found


def bundle_of(key: Trusted, fullchain: Trusted) -> Bundle:
    """The pair as it is stored here: what a file holds beside key and certificates goes to no service.

    Raises Failure("unreadable").
    """
    chain = split_pem(fullchain.content)
    if not 1 <= len(chain) <= MOST_IN_A_CHAIN:
        raise Failure("unreadable", f"{fullchain.path}: expected 1 to {MOST_IN_A_CHAIN} certificates, got {len(chain)}")
    try:
        private = serialization.load_pem_private_key(first_key(key.content), password=None)
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return Bundle(private.private_bytes(*form), chain)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Failure("unreadable", f"{key.path}: the private key: {error}") from error
