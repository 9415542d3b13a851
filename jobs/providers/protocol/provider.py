"""A provider by ACME: what the files of `jobs/providers` have in common."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping
from pathlib import Path

from jobs.policy.ari import Suggestion
from jobs.policy.caa import preferred
from jobs.policy.certificate import Bundle
from jobs.policy.failure import Failure
from jobs.policy.persist import Holder, Offer
from jobs.policy.specs import Look, Specs
from jobs.ports import AcmeAccount, Eab, Journal, OrderRequest, Pending, Solver, Waits, finish
from jobs.providers.protocol import registration, renewal_info
from jobs.providers.protocol.directory import Directories
from jobs.providers.protocol.flow import Flow
from jobs.providers.protocol.jws import Key
from jobs.providers.protocol.wire import Wire


class AcmeProvider:
    """One CA. Safe from several threads: connections, nonces and the directory are shared, orders are not."""

    def __init__(self, specs: Specs, account: AcmeAccount | None, ca_bundle: Path | str | None = None) -> None:
        self._specs = specs
        self._account = account
        self._wire = Wire(ca_bundle)
        self._directories = Directories(self._wire, specs.directory)
        self._key: Key | None = None
        self._lock = threading.Lock()
        self._offered: Offer | None = None

    def specs(self) -> Specs:
        """The table's facts; what the directory says of itself wins once it was fetched."""
        known = self._directories.known()
        if known is None:
            return self._specs
        return dataclasses.replace(
            self._specs,
            terms_url=known.terms_url,
            eab_required=known.eab_required,
            website=known.website or self._specs.website,
            caa_identities=preferred(known.caa_identities, self._specs.caa_identities),
        )

    def look(self, seconds: float) -> Look:
        found = self._directories.look(seconds)
        return Look(
            terms_url=found.terms_url,
            eab_required=found.eab_required,
            caa_identities=found.caa_identities,
            profiles=found.profiles,
            website=found.website,
            address=found.address,
            persist=found.persist,
            date=found.date,
        )

    def terms_url(self) -> str | None:
        return self._directories.now().terms_url

    def register(self, contact: str | None, terms_agreed: bool, eab: Eab | None) -> AcmeAccount:
        return finish(registration.register(self._wire, self._directories.now(), contact, terms_agreed, eab))

    def find(self) -> str | None:
        if self._account is None:
            return None
        return finish(registration.find(self._wire, self._directories.now(), Key(self._account.key)))

    def issue(self, request: OrderRequest, solvers: Mapping[str, Solver], journal: Journal) -> Waits[Bundle | Pending]:
        flow = self._flow(request, solvers)
        try:
            return (yield from flow.issue(journal))
        finally:
            self._offered = flow.persist or self._offered

    def resume(self, order_url: str, request: OrderRequest, solvers: Mapping[str, Solver]) -> Waits[Bundle | Pending]:
        flow = self._flow(request, solvers)
        try:
            return (yield from flow.resume(order_url))
        finally:
            self._offered = flow.persist or self._offered

    def persist(self) -> Offer | None:
        """How the CA takes dns-persist-01: by its directory (draft -02), else by an authorization of this process."""
        known = self._directories.known()
        return (known.persist if known else None) or self._offered

    def holder(self) -> Holder | None:
        """The account as records of dns-persist-01 name it; None without one."""
        if self._account is None:
            return None
        return Holder(self._account.url, Key(self._account.key).thumbprint)

    def renewal_info(self, certificate_id: str, seconds: float) -> Suggestion | None:
        directory = self._directories.now(seconds)
        if directory.renewal_info is None:
            return None
        return renewal_info.ask(self._wire, directory.renewal_info, certificate_id, seconds)

    def _flow(self, request: OrderRequest, solvers: Mapping[str, Solver]) -> Flow:
        if self._account is None:
            words = f"{self._specs.title}: there is no account yet; accept its terms: autossl provider use"
            raise Failure("account_missing", words, permanent=True)
        with self._lock:
            self._key = self._key or Key(self._account.key)
        return Flow(self._wire, self._directories, self._key, self._account.url, request, solvers)
