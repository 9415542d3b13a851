"""What the ACME tests order with: a registered provider and a journal that remembers."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from jobs.challenges import HttpSolver
from jobs.courses import finish
from jobs.keys import new_key
from jobs.policy.certificate import Bundle
from jobs.policy.failure import Failure
from jobs.policy.keys import KeyType
from jobs.policy.proof import prove
from jobs.ports import AcmeAccount, Eab, OrderRequest, Pending
from jobs.providers.custom import Options, Provider
from tests.fault_proxy import FaultProxy
from tests.jobs.acme.pebble import Pebble


@dataclasses.dataclass
class Notes:
    urls: list[str] = dataclasses.field(default_factory=list)

    def order_created(self, url: str) -> None:
        self.urls.append(url)


def options(pebble: Pebble) -> Options:
    return Options(directory=pebble.directory_url, ca_bundle=str(pebble.ca_file))


def registered(pebble: Pebble, eab: Eab | None = None) -> Provider:
    account = Provider(options(pebble)).register("admin@example.org", True, eab)
    return Provider(options(pebble), account)


def request(*names: str) -> OrderRequest:
    return OrderRequest(names, new_key(KeyType.ECDSA_P256))


def solvers(pebble: Pebble) -> dict[str, HttpSolver]:
    return {"http-01": HttpSolver(pebble.challenges)}


class Client:
    """An order at a Pebble behind a proxy, from newOrder to its certificate, in as many looks as it takes. The account
    is made before the counting begins."""

    def __init__(self, proxy: FaultProxy, *names: str) -> None:
        self.proxy = proxy
        self.options = Options(directory=proxy.directory_url, ca_bundle=str(proxy.pebble.ca_file))
        self.account: AcmeAccount = Provider(self.options).register("admin@example.org", True, None)
        self.provider = Provider(self.options, self.account)
        self.request = request(*(names or ("a.test",)))
        self.notes = Notes()
        proxy.heals()

    def go_on(self) -> Bundle | Pending:
        """newOrder, or on with the order that was made."""
        solving = solvers(self.proxy.pebble)
        if self.notes.urls:
            return finish(self.provider.resume(self.notes.urls[-1], self.request, solving))
        return finish(self.provider.issue(self.request, solving, self.notes))

    def bundle(self) -> Bundle:
        """The certificate, which has to come now."""
        bundle = self.go_on()
        assert isinstance(bundle, Bundle)
        prove(bundle, self.request.names, datetime.now(UTC))
        assert not list(self.proxy.pebble.challenges.iterdir()), "no challenge is left"
        return bundle

    def parked(self) -> Pending:
        pending = self.go_on()
        assert isinstance(pending, Pending)
        assert not list(self.proxy.pebble.challenges.iterdir())
        return pending

    def failure(self) -> Failure:
        with pytest.raises(Failure) as caught:
            self.go_on()
        assert not list(self.proxy.pebble.challenges.iterdir())
        return caught.value
