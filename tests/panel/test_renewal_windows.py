"""What the panel and the command line say of renewals that CAs ask for, and of certificates that they revoked."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

import models
from jobs.policy.access import Role
from jobs.wiring import overview
from jobs.wiring.instance import now
from tests.panel import seed
from tests.panel.browser import Browser, add
from tests.panel.command_line import Line
from tests.panel.queries import plan, recorded

SITE = "shop0.example.com"
WEBSITE, NAME = f"/status/user00000/websites/{SITE}", f"/status/user00000/name/{SITE}"
URL = "https://ca.example/incident?id=7&lang=en"


@pytest.fixture
def filled(app: Flask) -> Flask:
    seed.provider()
    models.Provider.update(account_url=None).execute()
    seed.accounts(3)
    add("ann", Role.USER, "user00000")
    return app


@pytest.fixture
def ann(filled: Flask) -> Browser:
    browser = Browser(filled)
    browser.sign_in("ann")
    return browser


@pytest.fixture
def root(filled: Flask) -> Browser:
    browser = Browser(filled)
    browser.sign_in()
    return browser


def asked(start: datetime, url: str | None = None, early: bool = False, website: str = SITE) -> None:
    values = {
        "ari_id": "a.b", "ari_start": start, "ari_end": start + timedelta(days=1), "ari_point": start, "ari_url": url,
        "ari_early": early,
    }
    live = models.Certificate.retired_at.is_null()
    models.Certificate.update(**values).where((models.Certificate.website == website) & live).execute()


@pytest.mark.parametrize("page", [WEBSITE, NAME])
def test_a_window_is_shown_with_the_certificate(ann: Browser, page: str) -> None:
    assert "asks for renewal" not in ann.get(page).text
    ends = models.Certificate.get(models.Certificate.website == SITE).not_after
    start = ends - timedelta(days=20)
    asked(start)
    text = ann.get(page).text
    assert "The CA asks for renewal between" in text and f"{start:%Y-%m-%d %H:%M} UTC" in text
    assert "early" not in text


@pytest.mark.parametrize("page", [WEBSITE, NAME])
def test_an_early_renewal_is_told_with_the_cas_own_explanation_as_a_link(ann: Browser, page: str) -> None:
    asked(now() - timedelta(hours=2), URL, early=True)
    text = ann.get(page).text
    link = f'<a href="{URL.replace("&", "&amp;")}" rel="noopener noreferrer"'
    assert "The CA asks for an early renewal</strong>: " + link in text


def test_an_explanation_can_not_become_markup(ann: Browser) -> None:
    asked(now() - timedelta(hours=2), 'https://ca.example/"><script>alert(1)</script>', early=True)
    text = ann.get(WEBSITE).text
    assert "<script>alert" not in text and "&#34;&gt;&lt;script&gt;" in text


def test_the_window_of_a_website_that_somebody_elses_certificate_secures_is_not_shown(
    ann: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(now() + timedelta(days=5))
    other = {
        "names": [SITE], "serial": "1", "fingerprint": "f" * 64, "issuer": "Other CA", "self_signed": False,
        "not_before": now().isoformat(), "not_after": (now() + timedelta(days=50)).isoformat(), "key_type": "rsa-2048",
        "weak": False,
    }
    state = models.ServiceState
    state.update(state="foreign", presented=json.dumps(other)).where(
        (state.website == SITE) & (state.service == "apache")
    ).execute()
    text = ann.get(WEBSITE).text
    assert "Other CA" in text and "asks for renewal" not in text


def test_a_revoked_certificate_is_told_and_covers_nothing(ann: Browser) -> None:
    live = models.Certificate.get(models.Certificate.website == SITE)
    models.Revocable.create(
        fingerprint=live.fingerprint, serial="1", url="http://crl.ca.example/1", issuer="", not_after=live.not_after,
        next_at=now(), revoked_at=now() - timedelta(hours=3),
    )
    assert "The CA has revoked it" in ann.get(WEBSITE).text
    listed = ann.get("/status/user00000").text
    assert "Not checked yet" in listed or "not checked yet" in listed.lower()


def test_administrators_see_how_many_certificates_are_to_be_renewed_early(filled: Flask, root: Browser) -> None:
    assert "early renewal" not in root.get("/").text
    asked(now() - timedelta(hours=2), URL, early=True)
    asked(now() - timedelta(hours=2), None, early=True, website="shop1.example.com")
    text = root.get("/").text
    assert "The CA asks for an early renewal of 2 certificates" in text
    assert f'<a href="{URL.replace("&", "&amp;")}" rel="noopener noreferrer"' in text
    models.Certificate.update(retired_at=now()).execute()
    assert "early renewal" not in root.get("/").text


def test_who_does_not_see_the_whole_host_is_not_told_of_it(ann: Browser) -> None:
    asked(now() - timedelta(hours=2), URL, early=True)
    assert "early renewal of" not in ann.get("/").text


def test_early_renewals_are_counted_by_an_index(filled: Flask) -> None:
    with recorded() as said:
        assert overview.early_renewals().certificates == 0
    ((sql, values),) = said
    index = "certificate_retired_at_ari_early_ari_url (retired_at=? AND ari_early=?)"
    assert f"COVERING INDEX {index}" in plan(sql, values)[0]


def test_the_status_of_the_command_line_says_the_same(filled: Flask, line: Line) -> None:
    def shown() -> Any:
        (site,) = json.loads(line.run("status", "--user", "user00000", "--json").out)["accounts"][0]["websites"]
        return site["renewal"]

    start = now() - timedelta(hours=2)
    asked(start, URL, early=True)
    said = shown()
    assert (said["early"], said["url"], said["start"]) == (True, URL, f"{start:%Y-%m-%dT%H:%M:%SZ}")
    told = f"{SITE}: the CA asks for an early renewal between {said['start']} and {said['end']}: {URL}"
    assert told in line.run("status", "--user", "user00000").out
    models.database.connect(reuse_if_open=True)
    models.Certificate.update(ari_start=None, ari_end=None, ari_point=None).execute()
    models.database.close()
    said = shown()
    assert said["start"] is None and said["due"] and not said["early"]
    assert "asks for" not in line.run("status", "--user", "user00000").out
