"""Other ACME clients.

Programs beside this one that order certificates, and panels that call some. What they look after is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jobs.doctor import Host
from jobs.policy.doctor import Result, State
from jobs.policy.other_clients import IMPORTED, Found, Others, how_to_renew, how_to_stop, renewed_twice

MOST_TOLD = 5


def examine(host: Host) -> Iterator[Result]:
    yield from results(host.others(), host.held)


def results(others: Others, held: Mapping[str, str]) -> Iterator[Result]:
    """`held`: our websites by the names on their certificates."""
    if not others.found:
        yield Result(State.FINE, "other clients", "none was found on this host")
    for one in others.found:
        yield _client(one, others)
    twice = renewed_twice(others.kept, held)
    for kept, website in twice[:MOST_TOLD]:
        words = f"{kept.client} renews this as well, though AutoSSL has a certificate for {website}"
        remedy = how_to_stop(kept.client, kept.name)
        yield Result(State.WARNING, kept.name, words, "one program that renews it", remedy)
    if len(twice) > MOST_TOLD:
        words = f"{len(twice) - MOST_TOLD} further certificates are renewed twice"
        remedy = "End these renewals in the same way."
        yield Result(State.WARNING, "other clients", words, "one program a certificate", remedy)


def _client(one: Found, others: Others) -> Result:
    kept = [each for each in others.kept if each.client is one.client and each.renewing]
    has = f"it is here ({one.sign}) and looks after {_count(len(kept))}" if kept else f"it is here ({one.sign})"
    if one.renewed_by == "" and kept:
        first = min(kept, key=lambda each: each.not_after)
        words = f"{has}, but no timer and no cron job runs it; {first.name} ends first, at {first.not_after:%Y-%m-%d}"
        take = f", or let AutoSSL take over: autossl import {one.client}" if one.client in IMPORTED else ""
        remedy = f"{how_to_renew(one.client)}{take}."
        return Result(State.WARNING, one.client, words, "something that renews them", remedy)
    by = {"itself": "renews by itself", None: "what runs it can't be seen without root", "": "nothing runs it"}
    runs = by.get(one.renewed_by, f"run by {one.renewed_by}")
    take = f"; taken over by: autossl import {one.client}" if one.client in IMPORTED and kept else ""
    alone = f", which AutoSSL leaves alone{take}" if kept else ""
    return Result(State.FINE, one.client, f"{has}, {runs}{alone}")


def _count(number: int) -> str:
    return "1 certificate" if number == 1 else f"{number} certificates"
