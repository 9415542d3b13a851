"""What the ACME tests order with: a registered provider and a journal that remembers."""

from __future__ import annotations

import dataclasses

from jobs.challenges import HttpSolver
from jobs.keys import new_key
from jobs.policy.keys import KeyType
from jobs.ports import Eab, OrderRequest
from jobs.providers.custom import Options, Provider
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
