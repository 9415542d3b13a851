"""Mail by an SMTP server, against a server in this process: taken, refused, slow, dying, and with the wrong name."""

from __future__ import annotations

import base64
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from jobs.notifiers.smtp import Notifier, Options, Security
from jobs.policy.failure import Failure
from tests.jobs.notifiers.mail_server import PASSWORD, USER, answering, dripping, letter, running, tls_for

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")  # where TLS comes first, the server can't know


def to(port: int, **changes: Any) -> Notifier:
    return Notifier(Options(**{"host": "localhost", "port": port, "security": Security.NONE, "timeout": 10, **changes}))


def refusal(notifier: Notifier, **changes: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        notifier.send(letter(**changes))
    return caught.value


def test_a_letter_arrives_as_it_was_written() -> None:
    with running() as server:
        assert to(server.port).send(letter()) == "250 OK queued as 1"
    (mail,) = server.taken
    assert server.envelopes == [("autossl@panel.example.com", ["alice@a.example"])]
    assert (mail["To"], mail["From"]) == ("alice@a.example", "AutoSSL <autossl@panel.example.com>")
    assert mail["Subject"] == "[AutoSSL] panel.example.com: a certificate was installed"
    assert mail["Message-ID"] == "<autossl.1@panel.example.com>"
    assert mail["Date"] == "Tue, 24 Nov 2026 12:00:00 +0000"
    assert mail["Auto-Submitted"] == "auto-generated" and mail["Reply-To"] is None and mail["Bcc"] is None
    text, html = mail.iter_parts()
    assert text.get_content() == "Text, with ümlaut.\n.\nBcc: nobody\n"
    assert (html.get_content_type(), html.get_content()) == ("text/html", "<p>HTML &amp; more</p>\n")


def test_an_international_domain_is_sent_to_as_dns_has_it() -> None:
    with running() as server:
        to(server.port).send(letter("info@münchen.example"))
    assert server.envelopes[0][1] == ["info@xn--mnchen-3ya.example"]


@pytest.mark.parametrize("hostile", ["x\r\nBcc: evil@b.example", "x\nRCPT TO:<evil@b.example>"])
def test_no_subject_and_no_recipient_adds_a_header_or_a_command(hostile: str) -> None:
    with running() as server:
        with pytest.raises(ValueError):
            to(server.port).send(letter(subject=hostile))
        with pytest.raises((ValueError, Failure)):
            to(server.port).send(letter(recipient=f"a@a.example{hostile}"))
    assert server.taken == []


def test_with_starttls_the_certificate_is_verified_and_the_password_given(tmp_path: Path) -> None:
    context, ca = tls_for("localhost", tmp_path)
    with running(context, auth=True) as server:
        sender = to(server.port, security=Security.STARTTLS, ca_file=str(ca), user=USER, password=PASSWORD)
        sender.send(letter())
        sender.check()
    assert server.signed_in == [True] and len(server.taken) == 1, "the check sent nothing"


def test_tls_from_the_first_byte(tmp_path: Path) -> None:
    context, ca = tls_for("localhost", tmp_path)
    with running(context, at_once=True, auth=True) as server:
        to(server.port, security=Security.TLS, ca_file=str(ca), user=USER, password=PASSWORD).send(letter())
    assert server.signed_in == [True]


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_a_server_with_the_certificate_of_another_name_gets_nothing(tmp_path: Path, security: Security) -> None:
    context, ca = tls_for("elsewhere.test", tmp_path)
    with running(context, at_once=security is Security.TLS, auth=True) as server:
        failure = refusal(to(server.port, security=security, ca_file=str(ca), user=USER, password=PASSWORD))
        unknown = refusal(to(server.port, security=security, user=USER, password=PASSWORD))
    assert (failure.code, failure.permanent) == ("notifier_unreachable", False)
    assert "its certificate is not valid: Hostname mismatch" in failure.detail
    assert "its certificate is not valid: self-signed certificate" in unknown.detail
    assert server.taken == []


def test_a_server_that_offers_no_starttls_gets_neither_password_nor_letter() -> None:
    with running() as server:
        failure = refusal(to(server.port, security=Security.STARTTLS, user=USER, password=PASSWORD))
    assert failure.code == "notifier_unreachable" and "STARTTLS" in failure.detail
    assert server.taken == []


def test_a_wrong_password_is_told_and_not_shown(tmp_path: Path) -> None:
    context, ca = tls_for("localhost", tmp_path)
    with running(context, auth=True) as server:
        failure = refusal(
            to(server.port, security=Security.STARTTLS, ca_file=str(ca), user=USER, password="wrong secret")
        )
    assert failure.code == "notifier_unreachable" and "535" in failure.detail and "secret" not in failure.detail


@pytest.mark.parametrize("kept", [100, 25])
def test_a_server_that_repeats_what_it_does_not_understand_shows_no_password(kept: int) -> None:
    """Whole, and cut off after so many characters."""
    secret = "hunter2-secret"

    def answer(line: bytes) -> bytes:
        if line.lower().startswith(b"ehlo"):
            return b"250-mx.test\r\n250 AUTH PLAIN"
        return b"500 what is '" + line.strip()[:kept] + b"'?"

    with answering(answer) as port:
        failure = refusal(to(port, user="autossl", password=secret))
    shown = base64.b64encode(f"\0autossl\0{secret}".encode()).decode()
    assert "500 what is 'AUTH PLAIN ***" in failure.detail
    assert shown[:14] not in failure.detail and secret not in failure.detail


def test_a_server_whose_answer_never_ends_fills_no_memory() -> None:
    with answering(lambda line: b"250-and more\r\n" * 10_000) as port:
        failure = refusal(to(port))
    assert failure.code == "notifier_unreachable" and "it says more than" in failure.detail


def test_a_password_does_not_leave_this_host_in_the_clear() -> None:
    failure = refusal(Notifier(Options("mx.example", 25, Security.NONE, USER, PASSWORD)))
    assert failure.code == "notifier_unreachable" and "starttls or tls only" in failure.detail


@pytest.mark.parametrize("step", ["rcpt", "data"])
@pytest.mark.parametrize(("answer", "permanent"), [("550 5.1.1 no such user", True), ("451 4.7.1 greylisted", False)])
def test_what_is_refused_for_this_letter_is_told_in_the_servers_words(
    step: str, answer: str, permanent: bool
) -> None:
    with running() as server:
        server.says[step] = answer
        failure = refusal(to(server.port))
    assert (failure.code, failure.permanent) == ("notifier_refused", permanent)
    assert answer in failure.detail and "alice@a.example" in failure.detail


@pytest.mark.parametrize(("step", "answer"), [("mail", "550 sender unknown"), ("rcpt", "421 going down")])
def test_what_would_be_refused_for_every_letter_is_no_fault_of_this_one(step: str, answer: str) -> None:
    with running() as server:
        server.says[step] = answer
        failure = refusal(to(server.port))
    assert (failure.code, failure.permanent) == ("notifier_unreachable", False)
    assert answer in failure.detail


def test_control_characters_of_a_server_reach_nobody() -> None:
    with running() as server:
        server.says["rcpt"] = "550 \x1b[31m<script>\x07"
        failure = refusal(to(server.port))
    assert failure.detail.isprintable() and "<script>" in failure.detail


def test_a_server_that_dies_in_the_middle_of_the_letter_may_have_it() -> None:
    with running() as server:
        server.dies.add("data")
        failure = refusal(to(server.port))
    assert (failure.code, failure.permanent) == ("notifier_unreachable", False)


def test_a_server_that_sends_a_byte_at_a_time_is_left_after_the_time_limit() -> None:
    with dripping() as port:
        begun = time.monotonic()
        failure = refusal(to(port, timeout=1))
        took = time.monotonic() - begun
    assert failure.code == "notifier_unreachable" and "no end after 1 s" in failure.detail
    assert took < 3


def test_a_handshake_that_never_ends_is_left_after_the_time_limit() -> None:
    with dripping(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc") as port:  # a ServerHello of 16 KiB begins
        begun = time.monotonic()
        failure = refusal(to(port, timeout=1, security=Security.TLS))
        took = time.monotonic() - begun
    assert failure.code == "notifier_unreachable" and "no end after 1 s" in failure.detail
    assert took < 3


def test_nobody_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    failure = refusal(to(port))
    assert failure.code == "notifier_unreachable" and "refused" in failure.detail


@pytest.mark.parametrize("odd", [{"port": 0}, {"port": 70000}, {"timeout": 0}, {"timeout": 10_000}])
def test_odd_options_are_told(odd: dict[str, int]) -> None:
    failure = refusal(Notifier(Options(**{"host": "localhost", **odd})))
    assert failure.code == "notifier_unreachable" and "expected 1 to 65535" in failure.detail


def test_no_thread_is_left_behind() -> None:
    import threading

    with running() as server:
        before = threading.active_count()
        to(server.port).send(letter())
        server.says["rcpt"] = "550 no"
        refusal(to(server.port))
    assert threading.active_count() <= before
