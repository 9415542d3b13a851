"""Challenges alone, by acme-dns.

Somebody's `_acme-challenge` is a CNAME to a name there (its `fulldomain`), and the server's HTTP API takes TXT values
for it, by an account of its own. It keeps the last two values and can't remove any: a value stands until newer ones
push it out, which harms nobody, for no CA asks for it again.
"""

from __future__ import annotations

import json
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from threading import Condition
from typing import Any

from jobs.dns_backends.system import Nameserver, address_of, rdata_of, zone_name
from jobs.dns_backends.system.http_api import HttpApi
from jobs.policy.failure import Failure
from jobs.policy.redirects import printable
from jobs.ports import Place, Record

_ROOM = 2
"""Values that acme-dns keeps at one name."""

_PATIENCE = 60.0
"""Seconds to wait for room: names that are tried at the same time may share one delegation."""

_VALUE = re.compile(r"\A[A-Za-z0-9_-]{43}\Z")
"""base64url of a SHA-256, the only thing that it takes."""

_ROUNDS, _SECOND = 4, 1.0
"""The time of an update is kept in whole seconds, so that of two values of the same one the newer may be pushed out. A
second later it can be put there again, and so can what that pushes out."""


@dataclass(frozen=True)
class Options:
    """Switched off until a URL and an account are given."""

    url: str = field(
        default="", metadata={"label": "URL of the API", "help": "Such as https://auth.example.org. By https only."}
    )
    accounts: str = field(
        default="",
        repr=False,
        metadata={
            "label": "Accounts",
            "help": "What the server answered to POST /register, as JSON; several as a list of such objects.",
            "secret": True,
        },
    )
    ca_bundle: str = field(
        default="",
        metadata={"label": "CA bundle", "help": "A PEM file by which the API is trusted. Empty: as this host does."},
    )
    server: str = field(
        default="", metadata={"label": "Name server", "help": "Asked for the proof. Empty: the host of the URL."}
    )
    port: int = field(default=53, metadata={"label": "Its port"})


@dataclass(frozen=True)
class _Account:
    """`zone`: what the name server serves, the fulldomain without its first part. `domain`: what it is kept for; empty:
    for whatever leads there."""

    fulldomain: str
    zone: str
    subdomain: str
    domain: str
    username: str = field(repr=False)
    password: str = field(repr=False)


class Backend:
    """Serves the fulldomains of its accounts and no other name. `remove` makes room in its book-keeping and does not
    change what is served: there is no way to."""

    name = "acme_dns"
    leaves = True

    def __init__(self, options: Options, place: Place) -> None:
        self._options = options
        self._turn = Condition()
        self._wanted: defaultdict[str, list[str]] = defaultdict(list)

    def active(self) -> bool:
        return bool(self._options.url and self._options.accounts)

    def zone_for(self, name: str) -> str | None:
        account = self._accounts.get(name)
        return account.zone if account else None

    def writes(self, name: str, kind: str) -> bool:
        return kind == "TXT"

    def keeps_for(self, owner: str, name: str) -> bool:
        """An account that was given for a domain is for that one and its wildcard; any other is for every name."""
        account = self._accounts.get(owner)
        return account is not None and account.domain in ("", name.removeprefix("*."))

    def add(self, record: Record) -> None:
        """A third value waits until one of the two at the same name is done with, rather than push it out."""
        account = self._account(record)
        with self._turn:
            wanted = self._wanted[record.name]
            room = self._turn.wait_for(lambda: record.value in wanted or len(wanted) < _ROOM, _PATIENCE)
            if record.value in wanted:
                return
            if not room:
                words = f"{record.name}: acme-dns keeps {_ROOM} values, and as many are waited for already"
                raise Failure("dns_backend_full", words)
            self._put(account, [*wanted, record.value])
            wanted.append(record.value)

    def remove(self, record: Record) -> None:
        self._account(record)
        with self._turn:
            if record.value in self._wanted[record.name]:
                self._wanted[record.name].remove(record.value)
                self._turn.notify_all()

    @cached_property
    def _accounts(self) -> dict[str, _Account]:
        """By fulldomain. Raises Failure("option_invalid"), which never holds what was given."""
        try:
            given = json.loads(self._options.accounts or "[]")
            return {account.fulldomain: account for account in _read(given)}
        except (ValueError, TypeError, LookupError):
            words = "expected what POST /register answers: an object with fulldomain, subdomain, username and password"
            raise Failure("option_invalid", f"acme_dns: accounts: {words}; or a list", permanent=True) from None

    @cached_property
    def _server(self) -> Nameserver:
        options = self._options
        host = options.server or next(iter(self._apis.values())).host
        return Nameserver(address_of(host, options.port), options.port)

    @cached_property
    def _apis(self) -> dict[str, HttpApi]:
        """By fulldomain, each with the credentials of its account."""
        url, bundle = self._options.url, self._options.ca_bundle
        return {
            name: HttpApi(url, "X-Api-Key", account.password, bundle, {"X-Api-User": account.username})
            for name, account in self._accounts.items()
        }

    def _account(self, record: Record) -> _Account:
        rdata_of(record)
        account = self._accounts.get(record.name)
        if account is None:
            words = f"{record.name}: none of the accounts of acme_dns has this fulldomain"
            raise Failure("zone_not_served", words, permanent=True)
        if not self.writes(record.name, record.kind):
            words = f"{record.name} {record.kind}: acme-dns holds TXT values of challenges and nothing else"
            raise Failure("dns_backend_challenges_only", words, permanent=True)
        if not _VALUE.match(record.value):
            words = f"{record.name}: {printable(record.value, 80)!r}: acme-dns takes the 43 signs of a challenge only"
            raise Failure("zone_record_invalid", words, permanent=True)
        return account

    def _put(self, account: _Account, values: list[str]) -> None:
        """Until the name server shows all of `values`, the last of them new. Raises Failure."""
        for again in range(_ROUNDS):
            missing = self._missing(account, values)
            if not missing:
                return
            if again:
                time.sleep(_SECOND)
            for value in missing:
                self._post(account, value)
        if self._missing(account, values):
            words = f"{self._server} does not show what was put at {account.fulldomain}"
            raise Failure("zone_change_not_served", words)

    def _missing(self, account: _Account, values: list[str]) -> list[str]:
        found = self._server.look(account.fulldomain, "TXT").values
        shown = {b"".join(getattr(one, "strings", ())).decode("latin-1") for one in found}
        return [value for value in values if value not in shown]

    def _post(self, account: _Account, value: str) -> None:
        api = self._apis[account.fulldomain]
        try:
            answer = api.ask("POST", "/update", {"subdomain": account.subdomain, "txt": value})
        except Failure as failure:
            if failure.code != "dns_backend_api_key_wrong":
                raise
            raise Failure("dns_backend_denied", f"{account.fulldomain}: {failure.detail}") from failure
        if answer.refused or not isinstance(answer.content, dict) or answer.content.get("txt") != value:
            said = answer.said or str(answer.content)
            raise api.unreadable(f"told to update {account.fulldomain}, it says: {printable(said, 200)}")


def _read(given: Any) -> Iterator[_Account]:
    """One registration, a list of them, or an object of them by domain, as other clients keep them."""
    if isinstance(given, dict) and "fulldomain" not in given:
        pairs = [(zone_name(domain), one) for domain, one in given.items()]
    else:
        pairs = [("", one) for one in ([given] if isinstance(given, dict) else list(given))]
    for domain, one in pairs:
        fulldomain, subdomain = zone_name(str(one["fulldomain"])), str(one["subdomain"]).strip().lower()
        zone = fulldomain.removeprefix(f"{subdomain}.")
        if not subdomain or zone == fulldomain:
            raise ValueError("its subdomain is not the first part of its fulldomain")
        yield _Account(fulldomain, zone, subdomain, domain, str(one["username"]), str(one["password"]))
