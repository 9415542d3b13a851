"""Messages in the panel and on the command line: tried by a button, told when they can't be sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

import models
from jobs import outbox
from jobs.notifiers.smtp import Security
from jobs.policy.access import Role
from jobs.policy.failure import Failure
from jobs.wiring import options, plugin_options
from jobs.wiring.instance import Instance, now, open_instance
from jobs.wiring.plugins import found
from tests.jobs.notifiers.mail_server import Server, running
from tests.panel import seed
from tests.panel.browser import Browser, add
from tests.panel.command_line import Line
from tests.panel.queries import recorded

ADMIN = "root@host.example"


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as made:
        yield made


@pytest.fixture
def instance(line: Line, server: Server) -> Iterator[Instance]:
    """Mail goes to a server of this test."""
    opened = open_instance(line.instance)
    plugin = found("smtp")
    given = {"host": "localhost", "port": server.port, "security": Security.NONE, "timeout": 5}
    plugin_options.save(opened, plugin, plugin.options(**given))
    options.save(opened.config, {"admin_addresses": [ADMIN]})
    opened.close()
    yield opened
    opened.close()


@pytest.fixture
def admin(browser: Browser, instance: Instance) -> Browser:
    browser.sign_in()
    return browser


def put(key: str, recipient: str = "a@a.example", state: str = "waiting", **values: object) -> None:
    models.database.connect(reuse_if_open=True)
    outbox.put(key, "mail", recipient, f"{key}@x", f"Subject {key}", {}, now())
    models.Message.update(state=state, **values).where(models.Message.key == key).execute()
    models.database.close()


class Background:
    """Instead of the server's: it only notes that it was woken."""

    def __init__(self) -> None:
        self.woken = 0
        self.clock = self

    def wake(self) -> None:
        self.woken += 1

    def next_nightly(self) -> None:
        return None


# --- the button


def test_a_test_message_is_put_into_the_outbox_and_the_sender_woken(app: Flask, admin: Browser) -> None:
    background = app.extensions["background"] = Background()
    answer = admin.post("/options/notifiers/smtp/test", "/options", **{"test-smtp": "me@a.example"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/options#notifiers-smtp")
    assert background.woken == 1
    models.database.connect(reuse_if_open=True)
    row = models.Message.get()
    assert (row.channel, row.recipient, row.state) == ("smtp", "me@a.example", "waiting")
    page = admin.get("/options").text
    assert "A test message to me@a.example waits to be sent." in page and 'hx-trigger="every 2s"' in page
    (entry,) = [one for one in models.AuditEntry.select() if one.action == "options.test"]
    assert (entry.object, entry.result) == ("smtp me@a.example", "done")


def test_its_outcome_stands_beside_the_button(admin: Browser) -> None:
    htmx = {"HX-Request": "true"}
    admin.post("/options/notifiers/smtp/test", "/options", **{"test-smtp": ""})
    assert admin.get("/options/notifiers/smtp/test", headers=htmx).status_code == 204
    assert admin.get("/options/notifiers/smtp/test").status_code == 303, "there is no such page"
    models.database.connect(reuse_if_open=True)
    row = models.Message.get()
    assert row.recipient == ADMIN
    outbox.close_failed(row, Failure("notifier_refused", f"550 {seed.HOSTILE}"), now())
    models.database.close()
    partial = admin.get("/options/notifiers/smtp/test", headers=htmx)
    assert partial.status_code == 286 and "Refused" in partial.text and "&lt;script&gt;" in partial.text
    assert "\x1b" not in partial.text and "<script>" not in partial.text
    assert "Refused" in admin.get("/options").text


@pytest.mark.parametrize(("to", "said"), [("nobody", "expected a mail address"), ("a@a.example x", "xpected")])
def test_an_address_that_is_none_is_refused_beside_its_field(admin: Browser, to: str, said: str) -> None:
    answer = admin.post("/options/notifiers/smtp/test", "/options", **{"test-smtp": to})
    assert answer.status_code == 422 and said in answer.text and 'id="test-smtp-error"' in answer.text
    models.database.connect(reuse_if_open=True)
    assert models.Message.select().count() == 0


def test_what_is_not_in_use_has_no_button_and_takes_no_test(admin: Browser) -> None:
    page = admin.get("/options").text
    assert page.count("Send a test message") == 1 and "/options/notifiers/sendmail/test" not in page
    assert admin.post("/options/notifiers/sendmail/test", "/options").status_code == 422
    assert admin.post("/options/notifiers/nothing/test", "/options").status_code == 404


def test_the_buttons_are_for_administrators(browser: Browser, app: Flask, instance: Instance) -> None:
    models.database.connect(reuse_if_open=True)
    seed.accounts(1)
    add("ann", Role.USER, "user00000")
    models.database.close()
    browser.sign_in("ann")
    assert browser.post("/options/notifiers/smtp/test", "/security").status_code == 403
    assert browser.get("/options/notifiers/smtp/test").status_code == 403


# --- what can't be sent


def test_a_message_that_is_tried_in_vain_is_a_banner_with_the_servers_words(admin: Browser) -> None:
    assert "Messages can&#39;t be sent" not in admin.get("/").text
    put("once", code="notifier_unreachable", attempts=1, answer="mx.example: timed out")
    assert "Messages can&#39;t be sent" not in admin.get("/").text, "one try may be bad luck"
    put("twice", code="notifier_unreachable", attempts=2, answer=f"mx.example: {seed.HOSTILE}")
    page = admin.get("/").text
    assert "Messages can&#39;t be sent" in page and "mx.example: &lt;script&gt;" in page and "<script>alert" not in page
    assert "is tried again at" in page and 'href="/options"' in page


def test_what_was_given_up_is_told_for_a_week_and_listed(admin: Browser) -> None:
    put("old", state="failed", code="notifier_refused", answer="long ago", finished_at=now() - timedelta(days=8))
    assert "long ago" not in admin.get("/options").text
    put("new", "gone@a.example", state="failed", code="notifier_refused", answer="550 no such user", finished_at=now())
    assert "The message to gone@a.example was given up." in admin.get("/").text
    page = admin.get("/options").text
    assert "Subject new" in page and "550 no such user" in page and "Given up" in page


def test_the_page_asks_no_more_the_more_messages_there_are(admin: Browser) -> None:
    def asked() -> int:
        with recorded() as said:
            assert admin.get("/options").status_code == 200
        models.database.close()
        return len(said)

    put("0", code="notifier_unreachable", attempts=2)
    asked()  # the first page of a session asks more
    before = asked()
    for number in range(1, 30):
        put(str(number), code="notifier_unreachable", attempts=2)
    assert asked() == before


# --- addresses


def test_administrators_addresses_are_one_a_line_and_checked(admin: Browser, instance: Instance) -> None:
    def save(addresses: str, **more: str) -> int:
        form = {"notify_admin": "warnings", "notify_user": "warnings", "caa": "when needed", "key_type": "ecdsa-p256",
                "log_days": "30", "nightly": "", "challenge_zone": "", "mail_from": "", "admin_addresses": addresses}
        return admin.post("/options", "/security", **{**form, **more}).status_code

    assert save("a@a.example\r\nb@b.example") == 303
    models.database.connect(reuse_if_open=True)
    assert options.load(instance.config).admin_addresses == ("a@a.example", "b@b.example")
    models.database.close()
    for bad in ("a@a.example nobody", "-be@a.example", " ".join(f"a{number}@a.example" for number in range(21))):
        assert save(bad) == 422, bad
    assert save("a@a.example", mail_from="-f@a.example") == 422
    assert save("") == 303


def test_on_the_command_line_a_list_is_separated_by_commas(line: Line) -> None:
    assert line.run("option", "set", "admin_addresses", "a@a.example,b@b.example").code == 0
    listed = json.loads(line.run("option", "list", "--json").out)
    assert listed["admin_addresses"] == ["a@a.example", "b@b.example"]
    answer = line.run("option", "set", "admin_addresses", "nobody")
    assert answer.code == 2 and "admin_addresses: 'nobody': expected a mail address" in answer.err


# --- the command line


def test_a_test_from_the_command_line_is_sent_at_once(line: Line, instance: Instance, server: Server) -> None:
    answer = line.run("notify", "test", "--json")
    assert answer.code == 0, answer.err
    (found,) = json.loads(answer.out)["messages"]
    assert (found["recipient"], found["state"], found["answer"]) == (ADMIN, "sent", "250 OK queued as 1")
    (mail,) = server.taken
    assert mail["Subject"].startswith("[AutoSSL] ") and "It works" in mail.get_body(("plain",)).get_content()
    server.says["rcpt"] = "550 no such user"
    answer = line.run("notify", "test", "me@a.example")
    assert answer.code == 1 and "550 no such user" in " ".join(answer.out.split())


def test_without_a_notifier_the_test_says_what_to_do(line: Line) -> None:
    answer = line.run("notify", "test", "me@a.example")
    assert answer.code == 1 and "autossl plugin list" in answer.err


def test_what_waits_and_what_was_given_up_is_listed(line: Line, instance: Instance) -> None:
    assert line.run("notify", "list").out == "None waits, and none was given up lately.\n"
    put("1", "a@a.example")
    put("2", "b@b.example", state="failed", answer="550 no", finished_at=now())
    found = json.loads(line.run("notify", "list", "--json").out)["messages"]
    states = [(one["recipient"], one["state"]) for one in found]
    assert states == [("a@a.example", "waiting"), ("b@b.example", "failed")]


def test_a_resellers_contact_is_kept_checked_and_taken_back(line: Line, browser: Browser) -> None:
    assert line.run("user", "add", "rita", "--role", "reseller", "--link").code == 0
    assert line.run("user", "contact", "rita", "rita@resell.example").code == 0
    assert line.run("user", "contact", "rita", "nobody").code == 2
    assert line.run("user", "contact", "root", "root@host.example").code == 2, "administrators are told by the options"
    browser.sign_in()
    assert 'value="rita@resell.example"' in browser.get("/people/rita").text
    answer = browser.post("/people/rita/contact", "/people/rita", contact="<b>")
    assert answer.status_code == 422 and 'id="contact-error"' in answer.text
    assert browser.post("/people/rita/contact", "/people/rita", contact="").status_code == 303
    models.database.connect(reuse_if_open=True)
    assert models.User.get(models.User.name == "rita").contact is None
