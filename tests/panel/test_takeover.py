"""Websites whose certificate somebody else looks after: by whom, until when, and the switch that gives them over."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

import models
from jobs import records
from jobs.policy.access import Role
from jobs.wiring import options
from jobs.wiring.instance import now
from tests.panel import seed
from tests.panel.browser import Browser, add
from tests.panel.command_line import Line
from tests.panel.test_cli_features import told

OWN = "/status/user00004"
SITE = "shop4.example.com"
"""It has no certificate of ours in the seed."""

PAGE = f"{OWN}/websites/{SITE}"
ENDS = now() + timedelta(days=40)


def foreign(website: str = SITE, client: str | None = "certbot", **facts: Any) -> None:
    certificate = {
        "names": [website], "serial": "1", "fingerprint": "f", "issuer": "Other CA: X1", "key_type": "ecdsa-p256",
        "self_signed": False, "weak": False, "not_before": now().isoformat(), "not_after": ENDS.isoformat(), **facts,
    }
    models.ServiceState.create(website=website, service="apache", state="foreign", presented=json.dumps(certificate),
                               client=client, checked_at=now())


@pytest.fixture
def filled(app: Flask) -> Flask:
    seed.provider()
    seed.accounts(5)
    foreign()
    add("ann", Role.USER, "user00004")
    add("rita", Role.RESELLER)
    return app


@pytest.fixture
def admin(filled: Flask) -> Browser:
    browser = Browser(filled)
    browser.sign_in()
    return browser


@pytest.fixture
def ann(filled: Flask) -> Browser:
    browser = Browser(filled)
    browser.sign_in("ann")
    return browser


def switch(browser: Browser, choice: str = "on", website: str = SITE, **more: str) -> Any:
    return browser.post(f"{OWN}/websites/{website}/takeover", "/security", choice=choice, **more)


def test_the_pages_say_who_looks_after_the_certificate_and_until_when(admin: Browser) -> None:
    text = " ".join(admin.get(PAGE).text.split())
    for words in ("managed by <strong>certbot</strong>", f"{ENDS:%Y-%m-%d}", "AutoSSL leaves it alone", "Take it over…",
                  f"autossl import certbot --website {SITE}"):
        assert words in text, words
    assert "managed by certbot" in admin.get(f"{OWN}/websites").text
    assert "managed by certbot; AutoSSL leaves it alone" in " ".join(admin.get(f"{OWN}/name/{SITE}").text.split())


def test_one_that_nobody_known_looks_after_is_only_not_ours(admin: Browser) -> None:
    models.ServiceState.update(client=None).where(models.ServiceState.website == SITE).execute()
    text = admin.get(PAGE).text
    assert "It was not ordered by AutoSSL" in text and "autossl import" not in text and "Take it over…" in text


def test_it_is_switched_on_only_after_what_it_means_was_read(admin: Browser) -> None:
    asked = switch(admin)
    assert asked.status_code == 200 and records.taken_over() == frozenset()
    for words in ("Let AutoSSL replace the certificate", "This may lose something", "certbot goes on"):
        assert words in asked.text
    done = switch(admin, confirmed="1")
    assert (done.status_code, done.headers["Location"]) == (303, PAGE)
    assert records.taken_over() == {SITE}
    text = admin.get(PAGE).text
    assert "the next check orders a certificate of its own" in text and "Leave certificates of others alone" in text
    actions = [(row.object, row.result) for row in models.AuditEntry.select().where(
        models.AuditEntry.action == "website.takeover")]
    assert actions == [(f"user00004 {SITE} on", "asked first"), (f"user00004 {SITE} on", "done")]
    assert switch(admin, "off").status_code == 303 and records.taken_over() == frozenset()


def test_of_mod_md_it_is_said_what_has_to_be_changed_before(admin: Browser) -> None:
    models.ServiceState.update(client="mod_md").where(models.ServiceState.website == SITE).execute()
    assert "SSLCertificateFile md/domains/NAME/pubcert.pem" in switch(admin).text


def test_a_user_has_the_switch_only_where_the_administrator_allows_it(filled: Flask, ann: Browser) -> None:
    text = ann.get(PAGE).text
    assert "managed by" in text and "Take it over" not in text and "Whoever runs this server" in text
    assert "autossl import" not in text
    assert switch(ann, confirmed="1").status_code == 403 and records.taken_over() == frozenset()
    options.save(filled.extensions["autossl"].config, {"users_take_over": True})
    assert "Take it over…" in ann.get(PAGE).text
    assert switch(ann, confirmed="1").status_code == 303 and records.taken_over() == {SITE}


def test_nobody_reaches_a_website_of_another_account_by_it(ann: Browser, admin: Browser) -> None:
    other = ann.post(f"/status/user00001/websites/{seed.main_name(1)}/takeover", "/security", choice="on")
    assert other.status_code == 404
    for website in (seed.main_name(1), "nowhere.example"):
        assert switch(admin, website=website, confirmed="1").status_code == 404
    assert switch(admin, "perhaps").status_code == 400
    assert records.taken_over() == frozenset()


def test_what_others_wrote_into_their_certificates_is_only_text(admin: Browser) -> None:
    models.ServiceState.delete().where(models.ServiceState.website == SITE).execute()
    foreign(issuer=seed.HOSTILE)
    for text in (admin.get(PAGE).text, switch(admin).text):
        assert "<script>alert" not in text and "&lt;script&gt;alert(1)" in text


def test_a_certificate_that_was_taken_over_says_from_whom_and_when_its_other_names_are_tried(admin: Browser) -> None:
    models.ServiceState.delete().where(models.ServiceState.website == SITE).execute()
    row = {"website": SITE, "serial": "2", "fingerprint": "g", "names": json.dumps([SITE]), "issuer": "CA",
           "provider": "letsencrypt", "not_before": now(), "not_after": ENDS, "due_at": ENDS, "stored_at": now(),
           "taken_from": "certbot"}
    models.Certificate.create(**row)
    assert "taken over from certbot" in admin.get(PAGE).text
    guessed = admin.get(f"{OWN}/name/webmail.{SITE}").text
    assert "Tried when the certificate is renewed, which was taken over from certbot." in " ".join(guessed.split())
    assert "The next check tries it." in admin.get(f"{OWN}/name/www.{SITE}").text, "that is one of its own names"


# --- the command line


@pytest.fixture
def alice(line: Line) -> Line:
    nowhere = "binary = '/nowhere'\n"
    (line.instance / "config.toml").write_text(f"[accounts.apache]\n{nowhere}[accounts.nginx]\n{nowhere}")
    assert line.run("account", "add", "alice", "--name", "alice.test").code == 0
    return line


def test_the_command_line_lists_and_switches(alice: Line) -> None:
    foreign("alice.test", client=None)
    models.database.close()
    (site,) = told(alice, "website", "list", "--foreign")["websites"]
    assert (site["website"], site["foreign"], site["managed_by"], site["takeover"]) == ("alice.test", True, None, False)
    assert "others" in alice.run("website", "list").out
    assert told(alice, "website", "takeover", "on", "alice.test") == {"choice": "on", "changed": ["alice.test"]}
    assert told(alice, "website", "takeover", "on", "alice.test")["changed"] == []
    assert told(alice, "website", "list")["websites"][0]["takeover"] is True
    refused = alice.run("website", "takeover", "off", "nowhere.test")
    assert refused.code == 2 and "nowhere.test: there is no such website" in refused.err
    said = alice.run("website", "takeover", "off", "alice.test").out
    assert "1 website changed." in said and "next check" not in said
