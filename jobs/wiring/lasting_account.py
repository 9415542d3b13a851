"""A provider whose account is found, or made, again when the CA does not know it any more (behaviour section 5)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import models
from jobs.policy.certificate import Bundle
from jobs.policy.failure import Failure
from jobs.ports import Journal, OrderRequest, Pending, Solver, Waits
from jobs.wiring import provider_rows, registration
from jobs.wiring.instance import Instance, now

AGAIN_AFTER = timedelta(hours=1)
"""An account is not made anew by itself more often: CAs allow a few in some hours (Let's Encrypt: 10 in 3), and one
that is lost again so soon is lost for a reason."""


class LastingAccount:
    """The plug-in of `row`, with `issue` and `resume` that go on with another account where its own is gone. `told` is
    given a sentence when that happened. Safe from several threads."""

    def __init__(self, instance: Instance, row: models.Provider, provider: Any, told: Callable[[str], None]) -> None:
        self._instance = instance
        self._row = row
        self._provider = provider
        self._told = told
        self._lock = threading.Lock()
        self._trouble: Failure | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    def issue(self, request: OrderRequest, solvers: Mapping[str, Solver], journal: Journal) -> Waits[Bundle | Pending]:
        return self._with_account(lambda provider: provider.issue(request, solvers, journal))

    def resume(self, order_url: str, request: OrderRequest, solvers: Mapping[str, Solver]) -> Waits[Bundle | Pending]:
        return self._with_account(lambda provider: provider.resume(order_url, request, solvers))

    def _with_account(self, work: Callable[[Any], Waits[Bundle | Pending]]) -> Waits[Bundle | Pending]:
        used = self._provider
        try:
            return (yield from work(used))
        except Failure as failure:
            if failure.code != "account_gone":
                raise
            self._renew(used, failure)
        return (yield from work(self._provider))

    def _renew(self, used: Any, failure: Failure) -> None:
        """Once a run; whoever comes later has what came of it."""
        with self._lock:
            if self._provider is not used:
                return
            if self._trouble is None:
                try:
                    self._provider = self._renewed(failure)
                    return
                except Failure as trouble:
                    self._trouble = trouble
            same = self._trouble
            raise Failure(same.code, same.detail, same.retry_at, same.permanent, of_provider=True)

    def _renewed(self, failure: Failure) -> Any:
        """The plug-in with an account that the CA knows. Raises Failure."""
        row, former = self._row, self._row.account_url
        known = self._provider.find()
        if known == former:
            words = f"{failure.detail}; but for the account's key the CA has {known}"
            raise Failure("ca_unavailable", words)
        if known is None:
            self._register(failure)
            self._told(f"the CA did not know the account {former} any more, so a new one was made: {row.account_url}")
        else:
            past = dict.fromkeys([*json.loads(row.former_accounts or "[]"), former])
            row.former_accounts, row.account_url = json.dumps([url for url in past if url != known]), known
            provider_rows.save(row)
            self._told(f"the CA has the account {former} at another address now: {known}")
        return provider_rows.make(self._instance, row)

    def _register(self, failure: Failure) -> None:
        """A new account, if the terms that were accepted are still the CA's."""
        row, moment = self._row, now()
        last = row.account_renewed_at
        if last is not None and last > moment - AGAIN_AFTER:
            words = f"{failure.detail}; to make it anew was tried at {last:%Y-%m-%d %H:%M UTC} already"
            raise Failure("account_gone", words, last + AGAIN_AFTER)
        plugin = provider_rows.bare(row)
        try:
            registration.agreed(row, plugin, False)
            row.account_renewed_at = moment
            provider_rows.save(row)
            registration.register(self._instance, row, plugin, None, None)
        except Failure as trouble:
            code = "terms_changed" if trouble.code == "terms_not_accepted" else trouble.code
            words = f"{failure.detail}; registering again: {trouble.detail}"
            raise Failure(code, words, trouble.retry_at, trouble.permanent) from trouble
