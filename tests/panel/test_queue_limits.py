"""A website that waits for a limit of its CA stands in the pending queue, with the reason and when it goes on."""

from __future__ import annotations

import html
from datetime import timedelta

from flask import Flask

import models
from jobs import waiting
from jobs.ledger import Ledger
from jobs.policy.access import Role
from jobs.wiring import options
from jobs.wiring.instance import now
from tests.panel import seed
from tests.panel.browser import Browser, add

WORDS = "waits for the CA's limit of 50 certificates for example.com in 7 days; goes on at 2026-12-01 12:00 UTC"


def parked(app: Flask) -> models.QueueEntry:
    seed.provider()
    seed.accounts(2)
    site = waiting.Waiting(
        "user00000", seed.main_name(0), (seed.main_name(0), "www.a.test"), 0.0, now() + timedelta(days=2), WORDS
    )
    waiting.park(Ledger(seed.PROVIDER, ()), [site], now())
    return models.QueueEntry.get(models.QueueEntry.website == seed.main_name(0))


def test_it_is_shown_with_its_reason_and_its_time(app: Flask, browser: Browser) -> None:
    row = parked(app)
    browser.sign_in()
    text = html.unescape(browser.get("/queue").text)
    for shown in (seed.main_name(0), "2 names", seed.PROVIDER, WORDS, f"{row.run_after:%Y-%m-%d %H:%M} UTC", "waiting"):
        assert shown in text


def test_who_does_not_see_the_host_is_told_that_nothing_has_to_be_done(app: Flask) -> None:
    parked(app)
    add("rita", Role.RESELLER, None)
    models.Account.update(reseller="rita").execute()
    options.save(app.extensions["autossl"].config, {"resellers": True})
    browser = Browser(app)
    browser.sign_in("rita")
    text = html.unescape(browser.get("/queue").text)
    assert "It waits for the provider's limit, and goes on by itself" in text
    assert WORDS not in text
