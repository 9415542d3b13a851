"""The tab AutoSSL Providers, against a real ACME server."""

from __future__ import annotations

import json
import re
import sqlite3
import stat
from collections.abc import Iterator
from datetime import timedelta

import pytest
from werkzeug.test import TestResponse

import models
from jobs.policy.access import Role
from jobs.wiring.instance import now
from tests.panel import queries, seed
from tests.panel.browser import HTTPS, Browser, add
from tests.panel.command_line import Line
from tests.panel.directory_server import HMAC, KID, DirectoryServer, pebble

TERMS = "data:text/plain,Do%20what%20thou%20wilt"
PART = {"HX-Request": "true"}


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DirectoryServer]:
    with pebble(tmp_path_factory.mktemp("pebble")) as server:
        yield server


@pytest.fixture(scope="module")
def binding_ca(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DirectoryServer]:
    with pebble(tmp_path_factory.mktemp("pebble-eab"), eab=True) as server:
        yield server


@pytest.fixture
def admin(browser: Browser) -> Browser:
    browser.sign_in()
    models.database.connect(reuse_if_open=True)
    return browser


def custom(name: str, server: DirectoryServer, **values: object) -> None:
    options = json.dumps({"title": name, "directory": server.directory, "ca_bundle": str(server.ca_bundle)})
    models.Provider.create(name=name, plugin="custom", options=options, added_at=now(), **values)


def registered(name: str, **values: object) -> None:
    models.Provider.create(name=name, plugin=name, account_url=f"https://ca.test/{name}", added_at=now(), **values)


def row(name: str) -> models.Provider:
    models.database.connect(reuse_if_open=True)
    return models.Provider.get(models.Provider.name == name)


def send(browser: Browser, path: str = "/providers", **data: str) -> TestResponse:
    return browser.post(path, "/security", **data)


def entries(action: str) -> list[tuple[str, str, str]]:
    models.database.connect(reuse_if_open=True)
    found = models.AuditEntry.select().where(models.AuditEntry.action == action)
    return [(entry.who, entry.object, entry.result) for entry in found]


def test_every_provider_and_disabled_can_be_chosen_and_nothing_is_asked(admin: Browser) -> None:
    page = admin.get("/providers").text
    for name in ("letsencrypt", "letsencrypt_staging", "zerossl", "google", "sslcom", "actalis", "sectigo", ""):
        assert f'name="provider" value="{name}"' in page
    assert 'value="custom"' not in page
    assert re.search(r'name="provider" value=""\s+checked|value="" checked', page)
    assert "6 of 9" in page and "for tests" in page
    assert page.count("<h1") == 1
    assert "Choose a provider to begin" in page


def test_the_details_say_what_each_star_is_for(admin: Browser) -> None:
    registered("letsencrypt")
    began = now()
    models.QueueEntry.create(kind="order", key="order:a", state="done", provider="letsencrypt", requested_at=began,
                             run_after=began, finished_at=began + timedelta(seconds=7.26))
    page = admin.get("/providers").text
    row_of = next(part for part in page.split("<tr>") if 'scope="row">Let&#39;s Encrypt<' in part)
    cells = {label: " ".join(re.sub("<[^>]+>", " ", cell).split())
             for label, cell in re.findall(r'<td data-label="([^"]+)">(.*?)</td>', row_of, re.DOTALL)}
    assert cells == {
        "Usability": "6 of 9", "DCV methods": "http-01, dns-01 2 stars ★★", "Ancestor DCV": "no",
        "Names per certificate": "100 1 star ★", "Delivery": "api", "Delivery time": "5 s 1 star ★ here: 7.3 s",
        "Validity": "90 days", "Redirects": "10 1 star ★", "Weekly limit": "50", "Wildcard": "yes 1 star ★",
        "EAB": "no", "CAA": "letsencrypt.org",
    }


def test_the_tab_is_for_administrators(browser: Browser, app: object) -> None:
    assert browser.get("/providers").headers["Location"].startswith("/login")
    models.database.connect(reuse_if_open=True)
    seed.accounts(1)
    add("ann", Role.USER, "user00000")
    models.database.close()
    browser.sign_in("ann")
    assert browser.get("/providers").status_code == 403
    assert send(browser, provider="").status_code == 403


def test_a_chosen_provider_is_asked_for_its_terms_by_a_part_of_the_page(admin: Browser, ca: DirectoryServer) -> None:
    custom("local", ca)
    page = admin.get("/providers?provider=local").text
    assert 'hx-trigger="load"' in page and "Do%20what" not in page, "the page itself waits for nobody"
    assert 'href="/providers?provider=local&amp;ask=1"' in page, "and works without JavaScript"
    part = admin.get("/providers?provider=local", headers=PART).text
    assert part.lstrip().startswith("<section") and "<html" not in part
    assert TERMS in part and 'name="accept"' in part and "A private address" in part
    assert f'href="{TERMS}"' not in part, "no link that leads to no website"
    whole = admin.get("/providers?provider=local&ask=1").text
    assert TERMS in whole and "<html" in whole and 'name="accept"' in whole


def test_a_ca_that_does_not_answer_is_said_and_can_be_asked_again(admin: Browser, tmp_path) -> None:
    with pebble(tmp_path / "gone") as gone:
        custom("local", gone)
    answer = admin.get("/providers?provider=local", headers=PART)
    assert answer.status_code == 200
    assert 'role="alert"' in answer.text and "Connection refused" in answer.text and "Ask again" in answer.text
    assert 'hx-trigger="load"' not in answer.text, "it does not ask for ever"
    assert "/providers/local/remove" in answer.text, "a CA that is gone for good can be removed"


def test_a_provider_that_there_is_not_counts_as_not_chosen(admin: Browser) -> None:
    assert admin.get("/providers?provider=../../etc").status_code == 200
    answer = send(admin, provider="nobody")
    assert answer.status_code == 422 and "There is no such provider" in answer.text


def test_a_provider_is_taken_into_use_once_its_terms_are_accepted(admin: Browser, ca: DirectoryServer) -> None:
    custom("local", ca)
    answer = send(admin, provider="local", terms=TERMS)
    assert answer.status_code == 422 and 'id="accept-error"' in answer.text
    assert row("local").account_url is None
    answer = send(admin, provider="local", terms=TERMS, accept="1", contact="hostmaster@example.com")
    assert answer.status_code == 303 and answer.headers["Location"] == "/providers?provider=local"
    kept = row("local")
    assert kept.current and kept.account_url and kept.terms_accepted == TERMS
    assert kept.contact == "hostmaster@example.com"
    page = admin.get("/providers").text
    assert "AutoSSL uses local now." in page and kept.account_url in page
    assert entries("provider.use") == [("root", "local", "invalid"), ("root", "local", "done")]


def test_terms_that_changed_while_the_page_was_read_are_not_accepted_unread(
    admin: Browser, ca: DirectoryServer
) -> None:
    custom("local", ca)
    answer = send(admin, provider="local", terms="https://ca.test/former", accept="1")
    assert answer.status_code == 422 and 'id="accept-error"' in answer.text and TERMS in answer.text
    assert row("local").account_url is None


def test_changed_terms_are_a_banner_on_every_tab_until_they_are_accepted(admin: Browser, ca: DirectoryServer) -> None:
    custom("local", ca)
    send(admin, provider="local", terms=TERMS, accept="1")
    models.Provider.update(terms_accepted="https://ca.test/former", terms_seen=None).execute()
    assert "terms have changed" not in admin.get("/").text
    assert "Its terms have changed" in admin.get("/providers?provider=local", headers=PART).text
    for tab in ("/", "/options", "/providers"):
        assert "terms have changed" in admin.get(tab).text
    assert send(admin, provider="local").status_code == 422
    assert send(admin, provider="local", terms=TERMS, accept="1").status_code == 303
    assert "terms have changed" not in admin.get("/").text


def test_a_provider_that_is_left_in_peace_says_until_when_and_why(admin: Browser, ca: DirectoryServer) -> None:
    custom("local", ca)
    send(admin, provider="local", terms=TERMS, accept="1")
    later, words = now() + timedelta(hours=3), "ordering: the CA answered <b>busy</b>\x1b[31m"
    models.Provider.update(blocked_since=now(), blocked_until=later, blocked_code="ca_unavailable",
                           blocked_text=words).execute()
    page = admin.get("/providers?provider=local").text
    assert "It is not asked before" in page and f"{later:%Y-%m-%dT%H:%M}" in page
    assert "&lt;b&gt;busy&lt;/b&gt;" in page and "\x1b" not in page
    models.Provider.update(blocked_until=now()).execute()
    assert "It is not asked before" not in admin.get("/providers?provider=local").text


def test_a_binding_is_asked_for_kept_in_a_file_and_never_shown(
    admin: Browser, binding_ca: DirectoryServer, line: Line
) -> None:
    custom("local", binding_ca)
    part = admin.get("/providers?provider=local", headers=PART).text
    assert 'type="password" id="eab_hmac"' in part
    answer = send(admin, provider="local", terms=TERMS, accept="1")
    assert answer.status_code == 422 and 'id="eab_kid-error"' in answer.text
    answer = send(admin, provider="local", terms=TERMS, accept="1", eab_kid=KID, eab_hmac="too short")
    assert answer.status_code == 422 and 'id="eab_hmac-error"' in answer.text and "too short" not in answer.text
    answer = send(admin, provider="local", terms=TERMS, accept="1", eab_kid=KID, eab_hmac=HMAC)
    assert answer.status_code == 303, answer.text
    secret = line.instance / "keys" / "local.eab.json"
    assert HMAC in secret.read_text() and stat.S_IMODE(secret.stat().st_mode) == 0o600
    pages = "".join(admin.get(path, headers=PART).text for path in
                    ("/providers?provider=local", "/providers", "/providers/local/recreate", "/audit"))
    models.database.close()
    dump = "\n".join(sqlite3.connect(line.instance / "panel.sqlite3").iterdump())
    assert KID in pages and HMAC not in pages + dump
    assert not any(HMAC in path.read_text() for path in (line.instance / "logs").rglob("*") if path.is_file())


@pytest.mark.parametrize("contact", ["nobody", "a b@example.com", "x" * 5000, "a@exa\x07mple.com"])
def test_a_contact_that_is_none_is_refused_beside_its_field(
    admin: Browser, ca: DirectoryServer, contact: str
) -> None:
    custom("local", ca)
    answer = send(admin, provider="local", terms=TERMS, accept="1", contact=contact)
    assert answer.status_code == 422 and 'id="contact-error"' in answer.text
    assert row("local").account_url is None


def test_saving_answers_htmx_by_a_redirect_or_by_the_part(admin: Browser, ca: DirectoryServer) -> None:
    custom("local", ca)
    token = admin.token("/security")
    data = {"csrf_token": token, "provider": "local", "terms": TERMS}
    refused = admin.client.post("/providers", base_url=HTTPS, headers=PART, data=data)
    assert refused.status_code == 422 and "<html" not in refused.text and 'id="chosen"' in refused.text
    done = admin.client.post("/providers", base_url=HTTPS, headers=PART, data={**data, "accept": "1"})
    assert (done.status_code, done.headers["HX-Redirect"]) == (204, "/providers?provider=local")


def test_autossl_is_disabled(admin: Browser) -> None:
    registered("letsencrypt", current=True)
    assert "Disable AutoSSL" in admin.get("/providers?provider=", headers=PART).text
    assert send(admin, provider="").status_code == 303
    assert not row("letsencrypt").current
    assert entries("provider.use") == [("root", "disabled", "done")]


def test_a_registration_is_recreated_after_it_was_asked_for(
    admin: Browser, ca: DirectoryServer, line: Line
) -> None:
    custom("local", ca)
    assert admin.get("/providers/local/recreate").status_code == 303
    assert admin.get("/providers/nobody/recreate").status_code == 404
    send(admin, provider="local", terms=TERMS, accept="1", contact="a@example.com")
    former = row("local").account_url
    page = admin.get("/providers/local/recreate").text
    assert former in page and 'value="a@example.com"' in page
    answer = send(admin, "/providers/local/recreate", contact="b@example.com")
    assert answer.status_code == 303, answer.text
    kept = row("local")
    assert kept.account_url != former and kept.contact == "b@example.com" and kept.current
    assert (line.instance / "keys" / "local.former.pem").exists()
    assert entries("provider.recreate") == [("root", "local", "done")]


def test_recreating_under_changed_terms_asks_for_them(admin: Browser, ca: DirectoryServer) -> None:
    custom("local", ca)
    send(admin, provider="local", terms=TERMS, accept="1")
    models.Provider.update(terms_accepted="https://ca.test/former", terms_seen=None).execute()
    former = row("local").account_url
    answer = send(admin, "/providers/local/recreate")
    assert answer.status_code == 422 and 'name="accept"' in answer.text and TERMS in answer.text
    assert row("local").account_url == former
    assert send(admin, "/providers/local/recreate", terms=TERMS, accept="1").status_code == 303


def test_fallbacks_are_added_moved_and_taken_out(admin: Browser, ca: DirectoryServer) -> None:
    registered("letsencrypt", current=True)
    registered("google", fallback=1)
    custom("local", ca)
    assert "Use it as a fallback" in admin.get("/providers?provider=local", headers=PART).text
    answer = send(admin, "/providers/behind", provider="local", terms=TERMS, accept="1")
    assert answer.status_code == 303 and not row("local").current

    def order() -> list[str]:
        return re.findall(r'id="up-([^"]+)"', admin.get("/providers").text)

    assert order() == ["google", "local"]
    send(admin, "/providers/order", name="local", move="up")
    assert order() == ["local", "google"]
    send(admin, "/providers/order", name="local", move="up")
    assert order() == ["local", "google"], "the first one stays"
    send(admin, "/providers/order", name="local", move="down")
    assert order() == ["google", "local"]
    send(admin, "/providers/order", name="google", move="out")
    assert order() == ["local"]
    assert entries("provider.order")[0] == ("root", "local up", "done")


def test_moving_answers_htmx_by_the_list(admin: Browser) -> None:
    registered("google", fallback=1)
    data = {"csrf_token": admin.token("/security"), "name": "google", "move": "out"}
    answer = admin.client.post("/providers/order", base_url=HTTPS, headers=PART, data=data)
    assert answer.status_code == 200 and answer.text.lstrip().startswith("<section")
    assert "Only the current provider is tried" in answer.text
    for wrong in ({"name": "nobody", "move": "up"}, {"name": "google", "move": "sideways"}):
        assert send(admin, "/providers/order", **wrong).status_code == 422


def test_the_page_asks_the_database_as_often_for_many_accounts_as_for_few(admin: Browser) -> None:
    registered("letsencrypt", current=True)
    admin.get("/providers")
    seen = []
    for count in (0, 300):
        seed.accounts(count)
        with queries.recorded() as said:
            assert admin.get("/providers").status_code == 200
        seen.append(len(said))
    assert seen[0] == seen[1] <= 20
