"""The first check of a real server, told to its administrator and to one of its customers by the server's own Exim."""

from __future__ import annotations

import mailbox
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from jobs.demo.daemons.starting import until
from jobs.demo.product import Product
from jobs.demo.story import Bench

pytestmark = pytest.mark.e2e(timeout=240)


def delivered(user: str, count: int) -> list[EmailMessage]:
    box = Path("/var/mail") / user

    def read() -> list[EmailMessage]:
        raw = [bytes(one) for one in mailbox.mbox(box, create=False)] if box.exists() else []
        return [message_from_bytes(one, policy=default) for one in raw]  # type: ignore[misc]

    until(f"{count} messages for {user}", lambda: len(read()) >= count)
    return read()


@pytest.fixture(scope="module")
def told(bench: Bench) -> Product:
    """`alice` is the administrator's mailbox, and carol a customer who is told everything. No server runs: it would
    begin with the new websites by itself, before everybody's address is known."""
    product = Product()
    product.make()
    product.run("setup")
    product.use(bench.ca)
    product.run("discover")
    product.run("plugin", "set", "sendmail", "enabled=yes")
    product.run("option", "set", "admin_addresses", "alice@alice.test")
    product.run("option", "set", "notify_admin", "all")
    product.run("option", "set", "notify_user", "all")
    product.run("account", "contact", "carol", "carol@carol.test")
    product.run("check", "--all", expected=(0, 1))
    return product


def text_of(mail: EmailMessage) -> str:
    found: str = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    return found


def test_the_administrator_reads_of_every_account_in_one_message(told: Product) -> None:
    (mail,) = delivered("alice", 1)
    assert mail["Subject"] == "[AutoSSL] panel.bench.test: 1 warning, 2 successes"
    assert mail["From"] == "AutoSSL <autossl@panel.bench.test>" and mail["Auto-Submitted"] == "auto-generated"
    text = text_of(mail)
    assert all(f"* {name}.test" in text for name in ("alice", "bob", "carol"))
    assert "https://panel.bench.test:2087/status/carol" in text and "The log of this check: https://" in text


def test_a_customer_reads_of_his_own_account_only_and_what_to_do(told: Product) -> None:
    (mail,) = delivered("carol", 1)
    assert mail["Subject"] == "[AutoSSL] panel.bench.test: carol.test: installed, but not for every name"
    text = text_of(mail)
    assert "shop.carol.test: The name does not exist in DNS" in text and "or exclude the name" in text
    assert "old.carol.test" in text and "alice" not in text and "bob" not in text and "autossl " not in text
    assert "<script" not in mail.get_body(("html",)).get_content()  # type: ignore[union-attr]


def test_the_second_check_has_no_news(told: Product) -> None:
    told.run("check", "--all", expected=(0, 1))
    assert told.run("notify", "list", "--json").json()["messages"] == []
    assert len(delivered("alice", 1)) == len(delivered("carol", 1)) == 1


def test_a_way_that_is_broken_is_told_and_works_again_once_it_is_mended(told: Product) -> None:
    told.run("plugin", "set", "sendmail", "program=/usr/sbin/nothing")
    refused = told.run("notify", "test", "alice@alice.test", "--json", expected=(1,)).json()["messages"]
    assert [(one["state"], "No such file" in one["answer"]) for one in refused] == [("failed", True)]
    told.run("plugin", "set", "sendmail", "program=/usr/sbin/sendmail")
    told.run("notify", "test", "alice@alice.test")
    assert [mail["Subject"].rpartition(": ")[2] for mail in delivered("alice", 2)][1:] == ["a test message"]
