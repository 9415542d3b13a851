"""A CA decides how many intermediates there are between its certificates and its root."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography import x509

from tests.fault_proxy import fault_proxy
from tests.jobs.acme.client import Client
from tests.jobs.acme.pebble import Pebble


@pytest.mark.parametrize("intermediates", [1, 2, 3])
def test_a_chain_is_taken_as_long_as_it_is(another_pebble: Callable[..., Pebble], intermediates: int) -> None:
    pebble = another_pebble(PEBBLE_CHAIN_LENGTH=str(intermediates))
    with fault_proxy(pebble) as proxy:
        bundle = Client(proxy, f"chain{intermediates}.test").bundle()
    chain = [x509.load_pem_x509_certificate(one) for one in bundle.chain]
    assert len(chain) == 1 + intermediates
    root = x509.load_pem_x509_certificate(pebble.root())
    for below, above in zip(chain, [*chain[1:], root], strict=True):
        below.verify_directly_issued_by(above)
