"""Provider of certificates.

Whether its directory can be had, whether it knows the account whose key lies here, and whether its terms are the
accepted ones.
"""

from __future__ import annotations

from collections.abc import Iterator

from jobs.doctor import Host, Provider
from jobs.policy.doctor import Result, State
from jobs.policy.failure import Failure
from jobs.policy.problems import problem


def examine(host: Host) -> Iterator[Result]:
    provider = host.provider
    if provider is None:
        remedy = "Choose one: `autossl provider use NAME --accept-terms`, or on the tab AutoSSL Providers."
        yield Result(State.WARNING, "provider", "AutoSSL is disabled: none is in use", "one that is in use", remedy)
        return
    try:
        provider.ask()
    except Failure as failure:
        yield Result(State.WRONG, "directory", failure.detail, "an ACME directory", problem(failure.code).remedy)
        return
    yield Result(State.FINE, "directory", f"{provider.directory} answers")
    yield _account(provider)
    if provider.terms_changed:
        remedy = "Read and accept them: `autossl provider use NAME --accept-terms`, or on the tab AutoSSL Providers."
        yield Result(State.WARNING, "terms", "they are others than those that were accepted", "accepted terms", remedy)
    else:
        yield Result(State.FINE, "terms", "those that were accepted are in force")


def _account(provider: Provider) -> Result:
    expected = "the account that was registered here"
    try:
        known = provider.account()
    except Failure as failure:
        return Result(State.WRONG, "account", failure.detail, expected, problem(failure.code).remedy)
    if known is None:
        remedy = "The next check registers anew; `autossl provider register NAME --accept-terms` does so now."
        return Result(State.WRONG, "account", f"{provider.name} does not know its key", expected, remedy)
    if known != provider.registered:
        words = f"{provider.name} knows its key under another address: {known}"
        return Result(State.WARNING, "account", words, provider.registered or expected, "Nothing to do.")
    return Result(State.FINE, "account", f"{provider.name} knows it: {known}")
