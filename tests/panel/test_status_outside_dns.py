"""The page of a name: the records that its owner may put into a DNS that is not this server's."""

from __future__ import annotations

import json
import socket

import pytest

import models
from jobs.keys import new_key
from jobs.policy.keys import KeyType
from jobs.policy.preflight_report import ByDns, Report, kept
from jobs.ports import Place
from jobs.wiring import options, provider_keys
from jobs.wiring.instance import open_instance
from tests.panel import seed
from tests.panel.browser import Browser
from tests.panel.command_line import Line

PAGE = "/status/user00000/name/shop0.example.com"
CNAME = "_acme-challenge.shop0.example.com. CNAME shop0.example.com.challenges.host.example."


@pytest.fixture
def admin(browser: Browser) -> Browser:
    browser.sign_in()
    models.database.connect(reuse_if_open=True)
    seed.accounts(5)
    return browser


@pytest.fixture
def zone(admin: Browser, line: Line) -> None:
    """There is a zone for the challenges of names with outside DNS."""
    options.save(open_instance(line.instance).config, {"challenge_zone": "challenges.host.example"})


@pytest.fixture
def lasting(admin: Browser, line: Line) -> None:
    """The CA in use takes lasting records."""
    seed.provider()
    offer = {"issuers": ["ca.example"], "hash_prefix": None}
    models.Provider.update(persist=json.dumps(offer)).execute()
    provider_keys.write_key(Place(line.instance), seed.PROVIDER, new_key(KeyType.ECDSA_P256))


def test_nothing_is_said_where_nothing_is_offered(admin: Browser) -> None:
    assert "outside-head" not in admin.get(PAGE).text


def test_the_alias_is_shown_as_it_has_to_stand_in_the_zone(admin: Browser, zone: None) -> None:
    page = admin.get(PAGE).text
    assert f'<code class="copy">{CNAME}</code>' in page
    assert "dns-persist-01" not in page


def test_the_lasting_record_is_shown_for_the_name_and_for_its_wildcard(admin: Browser, lasting: None) -> None:
    page = admin.get(PAGE).text
    record = "_validation-persist.shop0.example.com. TXT &#34;ca.example; accounturi=https://acme-v02.api."
    assert page.count(record) == 2
    assert page.count("; policy=wildcard&#34;") == 1
    assert "CNAME" not in page


def test_a_lost_account_key_breaks_no_page(admin: Browser, lasting: None, line: Line) -> None:
    (line.instance / "keys" / f"{seed.PROVIDER}.pem").unlink()
    answer = admin.get(PAGE)
    assert answer.status_code == 200 and "outside-head" not in answer.text


def test_a_name_that_a_backend_was_tried_for_needs_none(admin: Browser, zone: None) -> None:
    page = "/status/user00003/name/shop3.example.com"
    assert "outside-head" in admin.get(page).text
    report = kept(Report("shop3.example.com", by_dns=ByDns()))
    models.Problem.update(report=report).where(models.Problem.name == "shop3.example.com").execute()
    assert "outside-head" not in admin.get(page).text


def test_a_name_that_is_left_out_needs_none(admin: Browser, zone: None) -> None:
    models.Exclusion.create(account="user00000", name="shop0.example.com")
    assert "outside-head" not in admin.get(PAGE).text


def test_nobody_is_asked_while_the_page_is_made(
    admin: Browser, zone: None, lasting: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a page asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "sendto", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert "outside-head" in admin.get(PAGE).text
