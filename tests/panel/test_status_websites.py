"""The websites of an account, what is served now, and the preview of what a check would do."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

import models
from jobs.policy.access import Role
from jobs.policy.failure import Failure
from jobs.policy.site import Website
from jobs.wiring import questions
from jobs.wiring.instance import Instance, now
from jobs.wiring.questions import LOOK, PREVIEW, Question
from tests.panel import seed
from tests.panel.browser import Browser, add

HTMX = {"HX-Request": "true"}
OWN = "/status/user00002"
SITE = "shop2.example.com"
SERIAL, FINGERPRINT = "4a5b6c7d8e9f0011223344", "ab" * 32
RUN = "2026-11-24T10:00:00.000Z"


@pytest.fixture
def filled(app: Flask) -> Flask:
    """The owner of user00002, whose certificate ends soon and is not on the mail server."""
    seed.provider()
    models.Provider.update(account_url=None).execute()
    seed.accounts(4)
    add("ann", Role.USER, "user00002")
    return app


@pytest.fixture
def ann(filled: Flask) -> Browser:
    browser = Browser(filled)
    browser.sign_in("ann")
    return browser


def answered(kind: str, key: str, answer: dict[str, Any] | None, state: str = "done") -> None:
    moment = now()
    models.QueueEntry.create(
        kind=kind, key=f"{kind}:{key}", state=state, account="user00002", requested_at=moment, run_after=moment,
        finished_at=moment if answer else None, answer=json.dumps(answer) if answer else "",
    )


def facts(serial: str = SERIAL) -> dict[str, str]:
    return {"serial": serial, "fingerprint": FINGERPRINT, "issuer": "CA", "not_after": "2027-01-25T01:02:03Z"}


def port(number: int, served: dict[str, str] | None, same: bool, starttls: str | None = None) -> dict[str, Any]:
    return {"port": number, "starttls": starttls, "hosts": ["192.0.2.1"], "names": [SITE], "served": served,
            "same": same, "text": "" if served else f"192.0.2.1 port {number}: refused {seed.HOSTILE}"}


def website(main: str = SITE) -> Any:
    return models.Website.main == main


def test_each_website_has_its_certificate_its_coverage_and_its_services(ann: Browser) -> None:
    text = ann.get(f"{OWN}/websites").text
    for shown in (SITE, "3 of 7", "3 days left", "Web (Apache): Installed", "Mailboxes (Dovecot): Failed", "Look now"):
        assert shown in " ".join(text.split())
    part = ann.get(f"{OWN}/websites?q=shop", headers=HTMX).text
    assert part.lstrip().startswith('<div id="websites"') and SITE in part
    assert "No website is like that" in ann.get(f"{OWN}/websites?q=nothing").text


def test_a_website_shows_its_certificate_and_what_was_presented_at_the_last_check(ann: Browser) -> None:
    models.Certificate.update(key_type="ecdsa-p256").execute()
    text = ann.get(f"{OWN}/websites/{SITE}").text
    row = models.Certificate.get(models.Certificate.website == SITE)
    ends = f"{row.not_after:%Y-%m-%d %H:%M} UTC"
    for shown in (row.serial, row.fingerprint, "ecdsa-p256", ends, "as of the last look"):
        assert shown in text
    assert "what was there before was put back" in text
    assert "another certificate is served" not in text, "the words of a service may be about the host's files"


def test_a_service_that_serves_something_else_since_is_shown_so(ann: Browser) -> None:
    own = (models.ServiceState.website == SITE) & (models.ServiceState.service == "apache")
    models.ServiceState.update(served_state="differs", served_at=now()).where(own).execute()
    assert "Web (Apache): Serves another one" in " ".join(ann.get(f"{OWN}/websites").text.split())
    assert "Something else than the certificate above" in ann.get(f"{OWN}/websites/{SITE}").text


def test_what_can_not_be_a_host_name_is_told_with_its_reason(filled: Flask) -> None:
    admin = Browser(filled)
    admin.sign_in()
    text = admin.get("/status/user00003/websites/shop3.example.com").text
    assert "bad_&lt;script&gt;alert(1)&lt;/script&gt;\\x1b[31m" in text and "Not a host name" in text


def test_there_is_no_page_of_somebody_elses_website(ann: Browser) -> None:
    for main in ("shop1.example.com", "nowhere.example", "%2e%2e"):
        assert ann.get(f"{OWN}/websites/{main}").status_code == 404
        assert ann.post(f"{OWN}/websites/{main}/look", "/security").status_code == 404


def test_what_is_served_now_stands_beside_what_is_installed(ann: Browser) -> None:
    assert "Look now" in ann.get(f"{OWN}/websites/{SITE}").text
    answered(LOOK, SITE, {"services": [
        {"service": "apache", "installed": facts(), "code": "", "text": "", "answers": [port(443, facts(), True)]},
        {"service": "dovecot", "installed": facts(), "code": "", "text": "",
         "answers": [port(143, facts("77"), False, "imap"), port(993, None, False)]},
        {"service": "exim", "installed": None, "code": "config_test_failed", "text": "/etc/exim4: line 7",
         "answers": []},
    ]})
    text = ann.get(f"{OWN}/websites/{SITE}").text.partition('id="look"')[2]
    rows = [" ".join(re.sub(r"<[^>]+>", " ", part).split()) for part in text.split("<tr>")[2:]]
    short = "4a5b6c7d8e9f… until 2027-01-25"
    assert f"Web (Apache) 443 TLS {short} {short} the same" in rows[0]
    assert "143 STARTTLS, IMAP" in rows[1] and "77… until 2027-01-25 another one" in rows[1]
    assert "993 TLS" in rows[2] and "no answer" in rows[2] and "refused" not in rows[2]
    assert "The service&#39;s configuration is broken" in rows[3] and "/etc/exim4" not in rows[3]


def test_look_now_asks_the_services_of_that_website_in_the_background(
    ann: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def look(instance: Instance, site: Website) -> tuple[Question, bool]:
        asked.append(site.main)
        answered(LOOK, site.main, None, "running")
        return Question("running", now()), False

    monkeypatch.setattr(questions, "look", look)
    answer = ann.post(f"{OWN}/websites/{SITE}/look", f"{OWN}/websites/{SITE}")
    assert (answer.status_code, asked) == (303, [SITE])
    page = ann.get(f"{OWN}/websites/{SITE}").text
    assert 'seen=running" hx-trigger="every 2s"' in page and "<noscript><p><a" in page
    assert ann.get(f"{OWN}/websites/{SITE}?seen=running", headers=HTMX).status_code == 204
    models.QueueEntry.update(state="done", answer='{"services": []}', finished_at=now()).execute()
    over = ann.get(f"{OWN}/websites/{SITE}?seen=running", headers=HTMX)
    assert over.status_code == 286 and "No service on this server" in over.text
    entry = models.AuditEntry.get(models.AuditEntry.action == "website.look")
    assert (entry.object, entry.result) == (f"user00002 {SITE}", "done")


def test_when_too_many_ask_at_once_the_next_one_is_told(ann: Browser) -> None:
    for number in range(questions.MOST[LOOK]):
        answered(LOOK, f"other{number}.example", None, "running")
    ann.post(f"{OWN}/websites/{SITE}/look", "/security")
    assert "others are being answered right now" in ann.get(f"{OWN}/websites/{SITE}").text
    assert models.AuditEntry.get(models.AuditEntry.action == "website.look").result == "refused"


# --- Preview


def planned(app: Flask, **facts: Any) -> None:
    site = {"account": "user00002", "website": SITE, "decision": "order", "code": "due",
            "reason": "due since yesterday", "names": [SITE, "www.shop2.example.com"], "left_off": [], **facts}
    directory = app.extensions["autossl"].place.logs / RUN
    directory.mkdir()
    (directory / "report.json").write_text(json.dumps({"run": RUN, "provider": "letsencrypt", "websites": [site]}))
    answered(PREVIEW, "user00002", {"run": RUN})


def test_before_the_first_preview_the_page_says_what_one_is(ann: Browser) -> None:
    text = ann.get(f"{OWN}/preview").text
    assert "Nothing is ordered or changed." in text and "Make a preview" in text


def test_a_preview_shows_what_would_be_done_and_why_and_which_names_are_left_off(filled: Flask, ann: Browser) -> None:
    planned(filled, left_off=[{"name": "mail.shop2.example.com", "code": "dns_nxdomain", "text": f"no {seed.HOSTILE}"}])
    text = ann.get(f"{OWN}/preview").text
    for shown in ("Order", "The certificate is due for renewal.", "Due since yesterday.", "On the certificate: 2 names",
                  "www.shop2.example.com", "Left off: 1 name", "mail.shop2.example.com",
                  "The name does not exist in DNS.", "no &lt;script&gt;alert(1)&lt;/script&gt;\\x1b[31m"):
        assert shown in text
    assert "Make a new preview" in text


def test_a_preview_tells_every_choice_and_what_is_odd_about_a_name(filled: Flask, ann: Browser) -> None:
    planned(
        filled, part_of="wide.example.com", remarks=["*.shop2.example.com stands for 3 names: a, b and c"],
        warnings=[{"name": SITE, "code": "stray_aaaa", "text": f"2001:db8::1 is silent {seed.HOSTILE}"}],
    )
    text = ann.get(f"{OWN}/preview").text
    for shown in ("A further certificate for names of", "wide.example.com", "stands for 3 names: a, b and c.",
                  "2001:db8::1 is silent &lt;script&gt;"):
        assert shown in text


def test_what_stands_in_the_way_on_the_host_is_not_shown_to_an_owner(filled: Flask, ann: Browser) -> None:
    planned(filled, decision="keep", code="backoff", reason="/etc/apache2/x.conf: line 7; tries again at noon")
    text = ann.get(f"{OWN}/preview").text
    assert "Waiting after a failure" in text and "/etc/apache2" not in text
    admin = Browser(filled)
    admin.sign_in()
    assert "/etc/apache2/x.conf: line 7" in admin.get(f"{OWN}/preview").text


def test_a_preview_is_asked_for_and_waited_for(ann: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def preview(instance: Instance, account: str) -> tuple[Question, bool]:
        answered(PREVIEW, account, None, "running")
        return Question("running", now()), False

    monkeypatch.setattr(questions, "preview", preview)
    answer = ann.post(f"{OWN}/preview", f"{OWN}/preview")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{OWN}/preview")
    page = ann.get(f"{OWN}/preview").text
    assert "The preview is being made." in page and 'seen=running" hx-trigger="every 2s"' in page
    assert "Refresh</a></p></noscript>" in page
    assert ann.get(f"{OWN}/preview?seen=running", headers=HTMX).status_code == 204
    why = '{"code": "ca_unreachable", "text": "down"}'
    models.QueueEntry.update(state="failed", answer=why, finished_at=now()).execute()
    over = ann.get(f"{OWN}/preview?seen=running", headers=HTMX)
    assert over.status_code == 286
    assert over.text.lstrip().startswith('<div id="preview"') and "The provider can&#39;t be reached" in over.text
    assert models.AuditEntry.get(models.AuditEntry.action == "account.preview").object == "user00002"


@pytest.mark.parametrize("full", [True, False])
def test_a_preview_that_can_not_be_made_says_why(ann: Browser, full: bool) -> None:
    if full:
        for number in range(questions.MOST[PREVIEW]):
            answered(PREVIEW, f"user0000{number}", None, "running")
        models.QueueEntry.update(key="preview:else").where(models.QueueEntry.key == "preview:user00002").execute()
    else:
        models.Account.update(override="disabled").execute()
    ann.post(f"{OWN}/preview", "/security")
    words = "others are being answered right now" if full else "AutoSSL is disabled for this account."
    assert words in ann.get(f"{OWN}/preview").text
    assert models.AuditEntry.get(models.AuditEntry.action == "account.preview").result == "refused"


def test_a_preview_whose_answer_never_came_says_so(ann: Browser) -> None:
    answered(PREVIEW, "user00002", None, "running")
    models.QueueEntry.update(requested_at=now() - questions.LONGEST - timedelta(seconds=1)).execute()
    assert "There was no answer." in ann.get(f"{OWN}/preview").text


def test_a_failure_of_the_question_itself_is_no_crash(ann: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(instance: Instance, account: str) -> tuple[Question, bool]:
        raise Failure("config_invalid", "config.toml: check.x: unknown")

    monkeypatch.setattr(questions, "preview", broken)
    assert ann.post(f"{OWN}/preview", "/security").status_code == 303
