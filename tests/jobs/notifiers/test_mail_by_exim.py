"""Mail through a real Exim, by SMTP and by its program, from the outbox into a mailbox that is read back."""

from __future__ import annotations

import mailbox
import time
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

import models
from jobs import outbox
from jobs.demo import accounts
from jobs.demo.daemons.exim import start_exim
from jobs.demo.daemons.starting import until
from jobs.notifiers import sendmail, smtp
from jobs.policy.failure import Failure
from jobs.policy.notify import Event, Kind
from jobs.wiring import messages, options, plugin_options, telling
from jobs.wiring.instance import Instance, create, now, open_instance
from jobs.wiring.plugins import found
from jobs.wiring.sending import send_due, send_now
from panel.mail import render
from tests.jobs.notifiers.mail_server import letter

pytestmark = pytest.mark.e2e(timeout=90)
HOST = "panel.bench.test"
BOX = Path("/var/mail/alice")


@pytest.fixture(scope="module", autouse=True)
def exim() -> None:
    accounts.make()
    start_exim([HOST, "a.example"])


@pytest.fixture(autouse=True)
def empty_box() -> None:
    BOX.unlink(missing_ok=True)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    create(tmp_path / "instance")
    models.database.close()
    opened = open_instance(tmp_path / "instance")
    options.save(opened.config, {"admin_addresses": [f"alice@{HOST}"], "mail_from": f"autossl@{HOST}"})
    yield opened
    opened.close()


def delivered(count: int = 1) -> list[EmailMessage]:
    """What lies in the mailbox of alice, once it is as many."""

    def read() -> list[EmailMessage]:
        if not BOX.exists():
            return []
        raw = [bytes(one) for one in mailbox.mbox(BOX, create=False)]
        return [message_from_bytes(one, policy=default) for one in raw]  # type: ignore[misc]

    until(f"{count} messages in {BOX}", lambda: len(read()) >= count)
    return read()


def use(instance: Instance, name: str, **values: object) -> None:
    plugin = found(name)
    plugin_options.save(instance, plugin, plugin.options(**values))


def test_by_its_program_with_the_envelope_sender_of_ours() -> None:
    said = sendmail.Notifier(sendmail.Options(enabled=True)).send(letter(f"alice@{HOST}", sender=f"autossl@{HOST}"))
    assert said == "taken into the mail server's queue"
    (mail,) = delivered()
    assert mail["Return-path"] == f"<autossl@{HOST}>"
    assert (mail["To"], mail["Message-ID"]) == (f"alice@{HOST}", "<autossl.1@panel.example.com>")
    assert "Text, with ümlaut." in mail.get_body(("plain",)).get_content()
    assert "<p>HTML &amp; more</p>" in mail.get_body(("html",)).get_content()


def test_a_recipient_that_looks_like_an_option_is_none() -> None:
    """Exim has no such user, and says so to the sender; nothing else happens."""
    sender = sendmail.Notifier(sendmail.Options(enabled=True))
    sender.send(letter(f"-be@{HOST}", sender=f"alice@{HOST}"))
    (bounce,) = delivered()
    assert "-be@panel.bench.test" in bounce.as_string() and bounce["Auto-Submitted"] == "auto-replied"


def test_a_sender_that_looks_like_an_option_goes_nowhere() -> None:
    with pytest.raises(ValueError, match="hyphen"):
        sendmail.Notifier(sendmail.Options(enabled=True)).send(letter(sender=f"-be@{HOST}"))


def test_a_program_that_others_may_change_is_not_run(tmp_path: Path) -> None:
    program = tmp_path / "sendmail"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o777)
    notifier = sendmail.Notifier(sendmail.Options(enabled=True, program=str(program)))
    for act in (lambda: notifier.send(letter()), notifier.check):
        with pytest.raises(Failure, match="others may change it"):
            act()


def test_a_program_that_never_ends_is_stopped(tmp_path: Path) -> None:
    program = tmp_path / "sendmail"
    program.write_text("#!/bin/sh\nsleep 60\n")
    program.chmod(0o755)
    begun = time.monotonic()
    with pytest.raises(Failure, match="no end after 1 s") as caught:
        sendmail.Notifier(sendmail.Options(enabled=True, program=str(program), timeout=1)).send(letter())
    assert caught.value.code == "notifier_unreachable" and time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("code", "expected"), [(67, ("notifier_refused", True)), (75, ("notifier_unreachable", False))]
)
def test_the_programs_exit_code_says_whether_it_is_for_ever(
    tmp_path: Path, code: int, expected: tuple[str, bool]
) -> None:
    program = tmp_path / "sendmail"
    program.write_text(f"#!/bin/sh\necho it is so\nexit {code}\n")
    program.chmod(0o755)
    with pytest.raises(Failure, match="it said: it is so") as caught:
        sendmail.Notifier(sendmail.Options(enabled=True, program=str(program))).send(letter())
    assert (caught.value.code, caught.value.permanent) == expected


def test_by_smtp_with_starttls_proven_by_a_ca_of_ones_own() -> None:
    given = {"host": HOST, "port": 25, "ca_file": "/etc/exim4/exim.crt"}
    assert smtp.Notifier(smtp.Options(**given)).send(letter(f"alice@{HOST}")).startswith("250 OK id=")
    with pytest.raises(Failure, match="Hostname mismatch"):
        smtp.Notifier(smtp.Options(**{**given, "host": "localhost"})).send(letter(f"alice@{HOST}"))
    assert len(delivered()) == 1


def test_by_smtp_with_tls_from_the_first_byte() -> None:
    options = smtp.Options(HOST, 465, smtp.Security.TLS, ca_file="/etc/exim4/exim.crt")
    smtp.Notifier(options).check()
    smtp.Notifier(options).send(letter(f"alice@{HOST}"))
    assert len(delivered()) == 1


def test_exims_own_refusal_is_for_ever_and_in_its_words() -> None:
    with pytest.raises(Failure, match="relay not permitted") as caught:
        smtp.Notifier(smtp.Options(HOST, 25, smtp.Security.NONE)).send(letter("x@elsewhere.example"))
    assert (caught.value.code, caught.value.permanent) == ("notifier_refused", True)


@pytest.mark.parametrize("name", ["smtp", "sendmail"])
def test_what_there_is_to_tell_is_in_the_mailbox_once(instance: Instance, name: str) -> None:
    if name == "smtp":
        use(instance, "smtp", host=HOST, port=25, ca_file="/etc/exim4/exim.crt")
    else:
        use(instance, "sendmail", enabled=True)
    event = Event(Kind.PROVIDER, "provider:ca", "ca_unreachable", "<b>timed out</b>\r\nBcc: x@y.z", service="ca")
    assert telling.tell(instance, [event], (), "run-1", now(), "2026-11-24T03:00:00.000Z") == 1
    assert telling.tell(instance, [event], (), "run-2", now()) == 0
    assert send_due(instance, render, 30).sent == 1 and send_due(instance, render, 30).sent == 0
    (mail,) = delivered()
    row = models.Message.get()
    assert row.state == outbox.SENT and mail["Message-ID"] == f"<{row.message_id}>"
    assert mail["Subject"].startswith("[AutoSSL] ") and mail["Subject"].endswith(": ca: the provider issues nothing")
    assert "<b>timed out</b> Bcc: x@y.z" in mail.get_body(("plain",)).get_content()
    html = mail.get_body(("html",)).get_content()
    assert "&lt;b&gt;timed out" in html and "<b>timed" not in html
    assert mail["Bcc"] is None


def test_a_test_message_is_sent_at_once(instance: Instance) -> None:
    use(instance, "smtp", host=HOST, port=25, ca_file="/etc/exim4/exim.crt")
    (row,) = messages.tests(instance, None, "")
    assert send_now(instance, render, row) is None
    assert delivered()[0]["Subject"].endswith(": a test message")
    (row,) = messages.tests(instance, "smtp", "nobody@elsewhere.example")
    failure = send_now(instance, render, row)
    assert failure is not None and row.state == outbox.FAILED and "relay not permitted" in row.answer
