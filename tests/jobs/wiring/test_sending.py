"""Messages from the outbox to a mail server: each once, and at least once whatever happens in between."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

import models
from jobs import outbox
from jobs.letter import Rendered
from jobs.notifiers.smtp import Security
from jobs.policy.failure import Failure
from jobs.wiring import messages, options, plugin_options, sending
from jobs.wiring.instance import Instance, now
from jobs.wiring.plugins import found
from jobs.wiring.sending import send_due
from tests.jobs.notifiers.mail_server import Server, dripping, running

START = datetime.fromisoformat("2026-11-24T12:00:00+00:00")


class Clock:
    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, **more: float) -> None:
        self.at += timedelta(**more)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(sending, "now", made)
    monkeypatch.setattr(messages, "now", made)
    return made


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as made:
        yield made


@pytest.fixture
def mail(instance: Instance, server: Server) -> Instance:
    use(instance, "smtp", host="localhost", port=server.port, security=Security.NONE, timeout=5)
    return instance


def use(instance: Instance, name: str, **values: Any) -> None:
    plugin = found(name)
    plugin_options.save(instance, plugin, plugin.options(**values))


def render(content: Any) -> Rendered:
    return Rendered(content["text"], f"<p>{content['text']}</p>", content["text"])


def put(*recipients: str, channel: str = "mail", at: datetime = START) -> None:
    for number, recipient in enumerate(recipients):
        key = f"run:{channel}:{recipient}:{number}"
        assert outbox.put(key, channel, recipient, f"{number}.{recipient}", "Subject", {"text": "Hello"}, at)


def states() -> dict[str, tuple[str, int]]:
    return {row.recipient: (row.state, row.attempts) for row in models.Message.select()}


def sent_to(server: Server) -> list[str]:
    return [to for _, recipients in server.envelopes for to in recipients]


def test_each_recipient_gets_one_message_of_their_own(mail: Instance, server: Server, clock: Clock) -> None:
    put("a@a.example", "b@b.example")
    assert send_due(mail, render, 10).sent == 2
    assert send_due(mail, render, 10).sent == 0
    assert sent_to(server) == ["a@a.example", "b@b.example"]
    assert server.envelopes[0][0].startswith("autossl@")
    rows = list(models.Message.select())
    assert [(row.state, row.answer, row.finished_at) for row in rows] == [
        ("sent", "250 OK queued as 1", START), ("sent", "250 OK queued as 2", START)
    ]


def test_the_same_occasion_is_put_into_the_outbox_once(instance: Instance) -> None:
    facts = ("mail", "a@a.example", "1@x", "Subject", {"text": "x"}, START)
    assert outbox.put("run-1:a", *facts) and not outbox.put("run-1:a", *facts)
    assert models.Message.select().count() == 1


def test_what_is_refused_for_now_is_tried_after_1_10_and_100_minutes_then_daily_for_a_week(
    mail: Instance, server: Server, clock: Clock
) -> None:
    put("a@a.example")
    server.says["rcpt"] = "451 later"
    waits = []
    while states()["a@a.example"][0] == "waiting":
        assert send_due(mail, render, 10).failed == 1
        row = models.Message.get()
        if row.state == "waiting":
            waits.append((row.run_after - clock.at).total_seconds() / 60)
            assert send_due(mail, render, 10).failed == 0, "not before its time"
            clock.at = row.run_after
    assert waits[:4] == [1, 10, 100, 24 * 60] and set(waits[4:]) == {24 * 60}
    assert timedelta(days=6) < clock.at - START <= timedelta(days=7)
    assert "451 later" in models.Message.get().answer
    assert [row.recipient for row in messages.given_up(clock.at)] == ["a@a.example"]


def test_what_is_refused_for_ever_is_given_up_at_once_and_keeps_nobody_waiting(
    mail: Instance, server: Server, clock: Clock
) -> None:
    put("gone@a.example", "b@b.example")
    server.says["rcpt"] = {"gone@a.example": "550 5.1.1 no such user"}
    found = send_due(mail, render, 10)
    assert (found.sent, found.failed) == (1, 1) and sent_to(server) == ["b@b.example"]
    assert states() == {"gone@a.example": ("failed", 1), "b@b.example": ("sent", 1)}
    trouble = messages.trouble(clock.at)
    assert trouble is not None and "550 5.1.1 no such user" in trouble.answer


def test_one_message_finds_out_that_a_server_is_down_and_the_others_go_when_it_is_back(
    mail: Instance, server: Server, clock: Clock
) -> None:
    put(*(f"{name}@a.example" for name in "abcd"))
    server.says["mail"] = "421 closed for now"
    assert [send_due(mail, render, 10).failed for _ in range(3)] == [1, 0, 0], "the others would meet the same"
    assert sum(attempts for _, attempts in states().values()) == 1
    assert all(row.answer.endswith("421 closed for now") for row in models.Message.select())
    server.says.clear()
    clock.pass_by(minutes=1)
    assert send_due(mail, render, 10).sent == 4, "those that were to wait as well"
    assert sorted(sent_to(server)) == [f"{name}@a.example" for name in "abcd"]
    assert messages.trouble(clock.at) is None


def test_a_thousand_messages_for_a_server_that_refuses_us_are_no_thousand_tries(
    mail: Instance, server: Server, clock: Clock
) -> None:
    put(*(f"{number}@a.example" for number in range(1000)))
    server.says["mail"] = "550 sign in first"
    tries = []
    while clock.at < START + timedelta(days=1):
        found = send_due(mail, render, 10)
        tries += [clock.at] * found.failed
        clock.at = min(found.next_at or clock.at + timedelta(minutes=10), clock.at + timedelta(minutes=10))
    assert len(tries) < 40
    pauses = [later - sooner for sooner, later in pairwise(tries)]
    assert max(pauses) <= timedelta(minutes=110), "and it is found back soon"


def test_a_test_that_gets_through_sends_what_waited_for_the_same_way(
    mail: Instance, server: Server, clock: Clock
) -> None:
    put("a@a.example", "b@b.example")
    server.says["mail"] = "550 sign in first"
    send_due(mail, render, 10)
    server.says.clear()
    (row,) = messages.tests(mail, "smtp", "me@a.example")
    assert sending.send_now(mail, lambda content: Rendered("x", "x", "x"), row) is None
    assert send_due(mail, render, 10).sent == 2, "before their time"


def test_the_next_try_is_known_also_while_the_server_is_down(mail: Instance, server: Server, clock: Clock) -> None:
    put("a@a.example", "b@b.example")
    server.says["mail"] = "421 closed for now"
    assert send_due(mail, render, 10).next_at == START + timedelta(minutes=1)
    server.says.clear()
    clock.pass_by(minutes=1)
    assert send_due(mail, render, 10).next_at is None


def test_where_one_way_is_down_the_other_one_is_taken(
    mail: Instance, server: Server, clock: Clock, tmp_path: Any
) -> None:
    program = tmp_path / "sendmail"
    program.write_text("#!/bin/sh\nexit 75\n")
    program.chmod(0o755)
    use(mail, "sendmail", enabled=True, program=str(program))
    put("a@a.example", "b@b.example")
    assert send_due(mail, render, 10).sent == 2
    assert sent_to(server) == ["a@a.example", "b@b.example"]


def test_without_a_notifier_a_message_waits(instance: Instance, clock: Clock) -> None:
    put("a@a.example", "b@b.example")
    assert send_due(instance, render, 10).failed == 1
    assert states() == {"a@a.example": ("waiting", 1), "b@b.example": ("waiting", 0)}
    assert "no notifier is in use" in models.Message.get().answer


def test_a_message_that_nobody_can_render_keeps_no_other_waiting(
    mail: Instance, server: Server, clock: Clock
) -> None:
    outbox.put("broken", "mail", "a@a.example", "1@x", "Subject", {}, START)
    put("b@b.example")
    assert send_due(mail, render, 10).sent == 1 and sent_to(server) == ["b@b.example"]
    assert models.Message.get(models.Message.key == "broken").code == "internal_error"


def test_what_is_a_week_old_is_given_up_without_a_try(mail: Instance, server: Server, clock: Clock) -> None:
    put("a@a.example", at=START - timedelta(days=7, minutes=1))
    put("b@b.example", at=START - timedelta(days=6), channel="mail")
    assert send_due(mail, render, 10).sent == 1
    assert states()["a@a.example"] == ("failed", 0)


def test_a_slow_server_takes_no_more_than_its_time(instance: Instance, clock: Clock) -> None:
    with dripping() as port:
        use(instance, "smtp", host="localhost", port=port, security=Security.NONE, timeout=1)
        put("a@a.example", "b@b.example")
        begun = time.monotonic()
        assert send_due(instance, render, 10).failed == 1
        assert time.monotonic() - begun < 3


def test_nothing_is_begun_after_the_time_of_a_call_or_when_the_server_stops(
    mail: Instance, server: Server, clock: Clock
) -> None:
    put("a@a.example")
    assert send_due(mail, render, 0).sent == 0
    assert send_due(mail, render, 10, give_up=lambda: True).sent == 0
    assert states() == {"a@a.example": ("waiting", 0)}


def test_while_a_message_is_handed_over_others_can_write(mail: Instance, server: Server, clock: Clock) -> None:
    """No transaction is open meanwhile: it would keep every check waiting for the mail server."""
    put("a@a.example")

    def render_and_write(content: Any) -> Rendered:
        def write() -> None:
            with models.database.connection_context():
                models.Setting.create(key="x", value="1")

        thread = threading.Thread(target=write)
        thread.start()
        thread.join(5)
        assert not thread.is_alive()
        return render(content)

    assert send_due(mail, render_and_write, 10).sent == 1
    assert models.Setting.get_or_none(models.Setting.key == "x") is not None


def test_two_processes_send_each_message_once(mail: Instance, server: Server) -> None:
    put(*(f"user{number}@a.example" for number in range(20)), at=now())
    sent: list[int] = []

    def send() -> None:
        with models.database.connection_context():
            sent.append(send_due(mail, render, 30).sent)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sent) == 20 and len(sent_to(server)) == len(set(sent_to(server))) == 20


def test_after_a_crash_between_the_servers_word_and_ours_it_comes_again_under_the_same_id(
    mail: Instance, server: Server, clock: Clock
) -> None:
    put("a@a.example")
    models.database.close()
    child = os.fork()
    if child == 0:  # dies with the server's "250 OK" in its hand, as by a power cut
        outbox.close_sent = lambda *_: os._exit(9)  # type: ignore[assignment]
        with models.database.connection_context():
            send_due(mail, render, 10)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    models.database.connect()
    assert states() == {"a@a.example": ("waiting", 1)} and len(server.taken) == 1
    assert send_due(mail, render, 10).sent == 0, "it may be that the other process lives"
    clock.at = START + outbox.LEASE
    assert send_due(mail, render, 10).sent == 1
    assert send_due(mail, render, 10).sent == 0
    first, second = server.taken
    assert first["Message-ID"] == second["Message-ID"] == "<0.a@a.example>"
    assert first["Date"] == second["Date"]


def test_a_server_that_dies_in_the_middle_gets_it_again_under_the_same_id(
    mail: Instance, server: Server, clock: Clock
) -> None:
    put("a@a.example")
    server.dies.add("data")
    assert send_due(mail, render, 10).failed == 1
    server.dies.clear()
    clock.pass_by(minutes=1)
    assert send_due(mail, render, 10).sent == 1
    assert {mail["Message-ID"] for mail in server.taken} == {"<0.a@a.example>"}


def test_a_test_message_is_tried_once(mail: Instance, server: Server, clock: Clock) -> None:
    options.save(mail.config, {"admin_addresses": ["a@a.example"]})
    server.says["rcpt"] = "451 later"
    (row,) = messages.tests(mail, None, "")
    failure = sending.send_now(mail, lambda content: Rendered("x", "x", "x"), row)
    assert failure is not None and not failure.permanent and row.state == "failed"
    assert messages.given_up(clock.at) == [] and messages.trouble(clock.at) is None, "it is told where it was asked for"
    latest = messages.latest_test("smtp")
    assert latest is not None and "451 later" in latest.answer


@pytest.mark.parametrize(
    ("notifier", "address", "said"),
    [("sendmail", "", "no such notifier is in use"), (None, "nobody", "expected a mail address"),
     (None, "", "no administrator has a mail address")],
)
def test_a_test_that_can_not_be_is_told(
    mail: Instance, notifier: str | None, address: str, said: str
) -> None:
    with pytest.raises(Failure, match=said):
        messages.tests(mail, notifier, address)
    assert models.Message.select().count() == 0


def test_what_is_over_is_forgotten_and_what_waits_is_not(mail: Instance, clock: Clock) -> None:
    put("a@a.example")
    send_due(mail, render, 10)
    put("b@b.example")
    outbox.forget(START)
    assert set(states()) == {"a@a.example", "b@b.example"}
    outbox.forget(START + timedelta(seconds=1))
    assert set(states()) == {"b@b.example"}
