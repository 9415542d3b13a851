"""Whether a chain is one that this system trusts, and which certificate may take the place of one that is."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from jobs.policy.certificate import Certificate
from jobs.policy.due import DEFERRAL
from jobs.policy.failure import Failure
from jobs.policy.proof import ODD, describe, parse, split_pem

_ANY_LABEL = "any"


def roots_in(bundles: Collection[bytes]) -> Store | None:
    """The certificates of PEM bundles as what is trusted; None where there is none. One that can't be read is left
    out: it vouches for nobody."""
    found: dict[bytes, x509.Certificate] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old roots have serial numbers that nobody would hand out today
        for pem in (one for bundle in bundles for one in split_pem(bundle)):
            try:
                certificate = parse(pem)
                found[certificate.public_bytes(Encoding.DER)] = certificate
            except (Failure, *ODD):
                continue
    return Store(list(found.values())) if found else None


def is_trusted(chain: Sequence[bytes], roots: Store | None, now: datetime) -> bool:
    """Whether a server may show this chain (PEM, leaf first) to anybody who trusts `roots`."""
    if roots is None or not chain:
        return False
    try:
        leaf, *others = [parse(pem) for pem in chain]
        names = describe(leaf).names
        if not names:
            return False
        subject = x509.DNSName(names[0].replace("*", _ANY_LABEL, 1))
        builder = PolicyBuilder().store(roots).time(now).max_chain_depth(8)
        builder.build_server_verifier(subject).verify(leaf, others)
    except (Failure, VerificationError, *ODD):
        return False
    return True


def in_its_last_days(certificate: Certificate, now: datetime) -> bool:
    """Rather something else then than nothing: whoever could renew it, has not for weeks."""
    return certificate.not_after - now <= DEFERRAL
