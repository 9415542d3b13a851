"""HTML, scripts, links and characters that hide or steer, wherever a word from outside is kept: a CA's, a name
server's, a configuration's, a browser's. Every page and every call shows it as words, and as nothing else."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask import Flask

import models
from jobs.policy.access import Role, Scope
from jobs.ports import Place
from jobs.runlog import RunLog
from jobs.wiring import audit, options, tokens
from jobs.wiring.instance import now
from tests.panel import seed
from tests.panel.browser import Browser, add, user
from tests.panel.test_roles import ALL, Route

SCRIPT = "<script>alert(1)</script>"
EVIL = f"{SCRIPT}\"'><img src=x onerror=alert(1)>{{{{7*7}}}}\x1b[31m\x9b31m\u202e\u2066\u200b\r\nX: y\x00"
LINKS = ("javascript:alert(document.domain)", "data:text/html,<script>alert(1)</script>", f"https://ca.example/{EVIL}",
         "//evil.example/", " javascript:alert(1)", "vbscript:x")
LINK = re.compile(r"""(?:href|src|action)=["']?\s*(?:javascript|data:text|vbscript|//)""", re.IGNORECASE)
STEERING = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")

WORDS = (
    (models.Problem, ("text",)), (models.ServiceState, ("text", "client")), (models.QueueEntry, ("answer",)),
    (models.Certificate, ("issuer",)), (models.Website, ("docroot", "file")), (models.Account, ("contact",)),
    (models.Provider, ("blocked_text", "contact", "eab_kid")), (models.Token, ("label",)),
    (models.Session, ("agent", "address")), (models.Revocable, ("issuer",)),
    (models.AuditEntry, ("who", "action", "object", "origin", "result")), (models.DnsRecord, ("value", "name", "zone")),
)
URLS = (
    (models.Provider, ("account_url", "terms_accepted", "terms_seen")), (models.QueueEntry, ("order_url",)),
    (models.Certificate, ("ari_url", "account_url")), (models.Revocable, ("url",)),
)


@pytest.fixture
def poisoned(app: Flask, place: Place) -> Flask:
    """Everything that may come from outside is hostile."""
    seed.provider()
    seed.accounts(7)
    models.Account.update(reseller="rita").where(models.Account.name == seed.account_name(1)).execute()
    seed.unassigned()
    seed.pending(3)
    seed.runs(place)
    add("rita", Role.RESELLER)
    add("ann", Role.USER, seed.account_name(1))
    options.save(app.extensions["autossl"].config, {"resellers": True})
    tokens.make(user(), "x", Scope.MANAGE, None, 30)
    audit.record("root", "admin", "x", "x", "x", "x")
    models.QueueEntry.update(state="failed").where(models.QueueEntry.id == 1).execute()
    models.Problem.update(code="ca_refused").where(models.Problem.code == "dns_nxdomain").execute()
    models.Certificate.update(ari_early=True, ari_point=now(), ari_start=now(), ari_end=now()).execute()
    log = RunLog(place.logs, now(), now, None)
    log.say("error", EVIL, account=seed.account_name(1), website=EVIL, name=EVIL, code="ca_refused")
    log.close()
    run = models.Run.create(start=log.start, scope="*", started_at=now(), finished_at=now(), result="done")
    models.RunAccount.create(run=run, account=seed.account_name(1))
    poison(WORDS, EVIL)
    return app


def poison(what: Any, text: str) -> None:
    for table, columns in what:
        for column in columns:
            table.update(**{column: text}).execute()


def pages(role: str) -> list[str]:
    """The addresses of every page that is there, with an account and a website of the seeds in it."""
    start = models.Run.select(models.Run.start).order_by(models.Run.id.desc()).scalar()
    known = {"account": seed.account_name(1), "website": seed.main_name(1), "fqdn": seed.main_name(1), "start": start,
             "person": "ann", "entry": "1", "provider": seed.PROVIDER}
    found = []
    for route in ALL:
        if route.method == "GET" and not route.endpoint.startswith("api."):
            samples = {name: known.get(name, value) for name, value in route.samples.items()}
            found.append(Route(route.rule, "GET", route.endpoint, samples, route.public, route.build).path(
                known["account"]))
    part = "%3Cscript%3Ealert(1)%3C/script%3E"
    query = [f"{path}?q={part}&sort={part}&next={part}" for path in found]
    more = [f"/logs/{start}/log.txt", f"/logs/{start}/log.jsonl", f"/logs/{start}?level=error&q=alert", "/logs?q=alert"]
    return [*found, *query, *more] if role == "root" else [*found, *more]


def harmless(text: str, kind: str) -> None:
    assert not STEERING.search(text)
    if kind == "text/html":
        assert SCRIPT not in text and "<img src=x" not in text and "\"'>" not in text
        assert not LINK.search(text)
        assert "'><img" not in text and ">49" not in text


@pytest.mark.parametrize("role", ["root", "rita", "ann"])
def test_every_page_shows_words_from_outside_as_words(poisoned: Flask, role: str) -> None:
    browser = Browser(poisoned)
    assert browser.sign_in(role).status_code == 303
    poison([one for one in WORDS if one[0] is not models.Session], EVIL)
    seen = 0
    for path in pages(role):
        for headers in ({}, {"HX-Request": "true"}):
            answer = browser.get(path, headers=headers)
            assert answer.status_code < 500, (path, answer.text[-500:])
            harmless(answer.text, answer.mimetype)
            seen += "&lt;script&gt;alert(1)" in answer.text
            assert all("alert(1)" not in value for name, value in answer.headers if name != "Location"), path
    assert seen > (30 if role == "root" else 3), "the attack reached no page"


@pytest.mark.parametrize("link", LINKS)
def test_no_link_is_made_of_an_address_that_is_none(poisoned: Flask, link: str) -> None:
    browser = Browser(poisoned)
    browser.sign_in()
    poison(URLS, link)
    for path in pages("rita"):
        answer = browser.get(path)
        assert answer.status_code < 500, path
        harmless(answer.text, answer.mimetype)


@pytest.mark.parametrize("kind", ["WHM", "UAPI"])
def test_no_call_of_the_api_answers_anything_but_json_that_no_browser_shows(poisoned: Flask, kind: str) -> None:
    browser = Browser(poisoned)
    browser.sign_in("root" if kind == "WHM" else "ann")
    start = models.Run.select(models.Run.start).order_by(models.Run.id.desc()).scalar()
    queries = {"WHM": f"api.version=1&username={seed.account_name(1)}", "UAPI": ""}
    for route in ALL:
        path = route.path("")
        if not route.endpoint.startswith("api.") or route.method != "GET" or route.samples:
            continue
        for more in ("", f"&start_time={start}", f"&x={SCRIPT}"):
            answer = browser.get(f"{path}?{queries[kind]}{more}")
            assert answer.status_code < 500, path
            assert answer.mimetype == "application/json" and answer.headers["X-Content-Type-Options"] == "nosniff"
            assert not STEERING.search(answer.text)
            json.loads(answer.text)


def test_a_downloaded_log_is_a_file_and_never_a_page(poisoned: Flask) -> None:
    browser = Browser(poisoned)
    browser.sign_in()
    start = models.Run.select(models.Run.start).order_by(models.Run.id.desc()).scalar()
    for name, kind in (("log.txt", "text/plain"), ("log.jsonl", "application/x-ndjson")):
        answer = browser.get(f"/logs/{start}/{name}")
        assert answer.mimetype == kind and answer.headers["X-Content-Type-Options"] == "nosniff"
        disposition = answer.headers["Content-Disposition"]
        assert re.fullmatch(r'attachment; filename="autossl-[0-9T.Z-]+\.(?:txt|jsonl)"', disposition)
        for line in answer.text.splitlines():
            json.loads(line) if name == "log.jsonl" else None


def test_the_poison_is_in_every_table_that_takes_words(poisoned: Flask) -> None:
    for table, columns in WORDS:
        if table in (models.Revocable, models.DnsRecord, models.Session):
            continue  # rows of these are made by checks, not by the seeds
        assert table.select().where(getattr(table, columns[0]) == EVIL).exists(), table


