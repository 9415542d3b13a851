"""A CA that asks for a proof of names that nobody ordered gets none: root presents nothing for it, for no name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from jobs.courses import Waits, finish
from jobs.keys import new_key
from jobs.policy.failure import Failure
from jobs.policy.keys import KeyType
from jobs.ports import AcmeAccount, OrderRequest
from jobs.providers.custom import Options, Provider
from jobs.providers.protocol.problem import Answer
from jobs.providers.protocol.wire import Wire
from tests.fakes import at_once
from tests.jobs.acme.client import Notes
from tests.jobs.acme.odd_server import OddServer, odd_server

ORDER = "https://ca.example/o"
TOKEN = "t" * 20


class Noting:
    """Notes the names for which something is presented; the CA is to hear no answer of any."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def present(self, name: str, token: str, key_authorization: str) -> None:
        self.names.append(name)

    def settle(self, name: str, token: str) -> Waits[None]:
        yield from ()

    def clean(self, name: str, token: str) -> None:
        pass


def authorization(name: str, wildcard: Any = None) -> dict[str, Any]:
    way = "dns-01" if wildcard else "http-01"
    challenge = {"type": way, "url": "https://ca.example/c", "token": TOKEN, "status": "pending"}
    flag = {} if wildcard is None else {"wildcard": wildcard}
    return {"identifier": {"type": "dns", "value": name}, "status": "pending", "challenges": [challenge], **flag}


class Asked:
    """A CA by what it answers to each address; `at` are the addresses that it was asked at."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, server: OddServer) -> None:
        self.bodies: dict[str, dict[str, Any]] = {}
        self.at: list[str] = []
        self.solver = Noting()
        account = AcmeAccount("https://ca.example/acct/1", new_key(KeyType.ECDSA_P256))
        self.provider = Provider(Options(directory=server.directory, ca_pem=server.ca_bundle.read_text()), account)

        @at_once
        def post(wire: Wire, url: str, *_: Any, **__: Any) -> Answer:
            path = urlsplit(url).path
            self.at.append(path)
            if path not in self.bodies:
                raise Failure("validation_failed", f"{path}: the end of the test", names={path: "the end of the test"})
            return Answer(url, 200, {"location": ORDER}, json.dumps(self.bodies[path]).encode())

        monkeypatch.setattr(Wire, "post", post)

    def answers(self, ordered: list[str], *authorizations: dict[str, Any]) -> None:
        urls = [f"https://ca.example/a{number}" for number, _ in enumerate(authorizations)]
        self.bodies = {f"/a{number}": one for number, one in enumerate(authorizations)}
        self.bodies["/newOrder"] = self.bodies["/o"] = {
            "status": "pending", "identifiers": [{"type": "dns", "value": name} for name in ordered],
            "authorizations": urls, "finalize": "https://ca.example/f",
        }

    def failure(self, resume: bool = False, **request: Any) -> Failure:
        asked = OrderRequest(privkey=new_key(KeyType.ECDSA_P256), **request)
        solvers = {"http-01": self.solver, "dns-01": self.solver}
        with pytest.raises(Failure) as caught:
            if resume:
                finish(self.provider.resume(ORDER, asked, solvers))
            else:
                finish(self.provider.issue(asked, solvers, Notes()))
        return caught.value


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OddServer]:
    with odd_server(tmp_path) as running:
        yield running


@pytest.fixture
def ca(monkeypatch: pytest.MonkeyPatch, server: OddServer) -> Asked:
    return Asked(monkeypatch, server)


NAMES = ("shop.example", "www.shop.example")


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize(
    ("other", "shown"),
    [
        (authorization("bank.example"), "bank.example"),
        (authorization("_acme-challenge.shop.example"), "_acme-challenge.shop.example"),
        (authorization("shop.example", True), "*.shop.example"),
        (authorization("example"), "example"),
        (authorization("../../etc\n"), "../../etc?"),
        ({**authorization("bank.example"), "status": "valid"}, "bank.example"),
    ],
)
def test_no_proof_is_given_for_a_name_that_was_not_ordered(
    ca: Asked, other: dict[str, Any], shown: str, resume: bool
) -> None:
    ca.answers([*NAMES], authorization(NAMES[0]), other)
    failure = ca.failure(resume, names=NAMES)
    assert (failure.code, failure.permanent) == ("ca_other_names", True)
    assert failure.detail.endswith(f"the CA sent one of {shown}; nothing was presented")
    assert ca.solver.names == [], "also nothing for the names that were ordered"


@pytest.mark.parametrize("flag", [None, False, "true"])
def test_an_authorization_of_the_base_is_none_of_its_wildcard(ca: Asked, flag: Any) -> None:
    ca.answers(["*.shop.example"], {**authorization("shop.example"), "wildcard": flag})
    assert ca.failure(names=("*.shop.example",)).code == "ca_other_names"
    assert ca.solver.names == []


def test_names_wildcards_and_ancestors_that_were_ordered_are_presented(ca: Asked) -> None:
    names = ("a.shop.example", "*.shop.example")
    ca.answers([*names], authorization("shop.example"), authorization("Shop.Example", True))
    failure = ca.failure(names=names, ancestors={"a.shop.example": "shop.example"})
    assert failure.code == "validation_failed" and ca.at[-1] == "/c"
    assert ca.solver.names == ["shop.example", "*.shop.example"]


@pytest.mark.parametrize(
    "made", [[NAMES[0]], [*NAMES, "bank.example"], ["bank.example"], [], [NAMES[0], f"*.{NAMES[1]}"]]
)
def test_an_order_for_other_names_is_not_gone_on_with(ca: Asked, made: list[str]) -> None:
    ca.answers(made, *(authorization(name) for name in made))
    assert ca.failure(names=NAMES).code == "ca_other_names"
    assert ca.failure(True, names=NAMES).code == "order_gone", "a new one is made"
    assert ca.solver.names == [] and not [path for path in ca.at if path.startswith("/a")]
