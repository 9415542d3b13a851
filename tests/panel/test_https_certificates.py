"""The certificate of a handshake: by name, exchanged while connections are open, never a broken one."""

from __future__ import annotations

import logging
import socket
import ssl
from datetime import UTC, datetime

import pytest

from jobs.policy.panel_files import MAP
from jobs.ports import Place
from panel.https.certificates import Certificates
from tests.panel.https_client import (
    BODY,
    OTHER,
    SITE,
    Answers,
    Start,
    ask,
    begun,
    connect,
    directory,
    is_own,
    leaf,
    mapped,
    secured,
    serial,
    stored,
    switch,
)


@pytest.fixture(autouse=True)
def _errors_only(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)


def test_each_website_gets_its_own_and_others_the_instances(place: Place, start: Start) -> None:
    one, two = secured(place, SITE, f"*.{SITE}"), secured(place, OTHER)
    port = start()
    shown = {name: serial(port, name) for name in (SITE, SITE.upper(), f"mail.{SITE}", OTHER)}
    assert shown == {SITE: one.serial, SITE.upper(): one.serial, f"mail.{SITE}": one.serial, OTHER: two.serial}
    for name in ("unknown.example.com", f"too.deep.{SITE}", f"mail.{OTHER}", None):
        assert is_own(leaf(port, name)), name


def test_a_client_that_names_nobody_gets_the_panels_own_website(place: Place, start: Start) -> None:
    certificate = secured(place, "panel.example.com")
    port = start(hostname="Panel.example.com")
    assert serial(port, None) == serial(port, "panel.example.com") == certificate.serial
    assert is_own(leaf(port, "unknown.example.com"))


def test_a_new_certificate_is_served_at_once_and_no_connection_is_dropped(
    place: Place, start: Start, answers: Answers
) -> None:
    first = secured(place, SITE)
    port = start()
    with connect(port, SITE) as idle, connect(port, SITE) as busy:
        assert ask(idle) == (200, BODY)
        slow = begun(busy, "/slow")
        second = stored(place, SITE, [SITE])
        switch(place, SITE, second)
        assert serial(port, SITE) == second.serial != first.serial
        answers.go_on.set()
        assert slow.read().decode() == BODY
        assert ask(idle) == ask(busy) == (200, BODY)


def test_a_pair_that_does_not_match_leaves_the_former_one_and_is_told_once(
    place: Place, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    former = secured(place, SITE)
    port = start()
    assert serial(port, SITE) == former.serial
    broken = stored(place, SITE, [SITE])
    key = directory(place, SITE, former) / "privkey.pem"
    (directory(place, SITE, broken) / "privkey.pem").write_bytes(key.read_bytes())
    switch(place, SITE, broken)
    assert [serial(port, SITE) for _ in range(3)] == [former.serial] * 3
    told = [record for record in caplog.records if "KEY_VALUES_MISMATCH" in record.message]
    assert len(told) == 1 and SITE in told[0].message
    mended = stored(place, SITE, [SITE])
    switch(place, SITE, mended)
    assert serial(port, SITE) == mended.serial


@pytest.mark.parametrize("damage", ["missing", "junk", "no link"])
def test_a_website_whose_set_is_of_no_use_gets_the_instances(place: Place, start: Start, damage: str) -> None:
    secured(place, OTHER)
    broken = secured(place, SITE)
    chain = directory(place, SITE, broken) / "fullchain.pem"
    if damage == "junk":
        chain.write_bytes(b"-----BEGIN CERTIFICATE-----\njunk\n-----END CERTIFICATE-----\n")
    else:
        (chain if damage == "missing" else place.link(SITE, "panel")).unlink()
    port = start()
    assert is_own(leaf(port, SITE))
    assert not is_own(leaf(port, OTHER))


def test_names_are_added_and_moved_while_it_runs(place: Place, start: Start) -> None:
    port = start()
    assert is_own(leaf(port, SITE))
    one, two = secured(place, SITE, "moved.example.com"), secured(place, OTHER)
    assert serial(port, "moved.example.com") == one.serial
    mapped(place, {"moved.example.com": OTHER})
    assert serial(port, "moved.example.com") == two.serial
    (place.conf / MAP).unlink()
    assert is_own(leaf(port, SITE))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a.example.com": "../../etc"}', '{"a.example.com": null}'])
def test_a_map_that_is_none_leaves_the_former_one(
    place: Place, start: Start, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    certificate = secured(place, SITE)
    port = start()
    assert serial(port, SITE) == certificate.serial
    (place.conf / MAP).write_text(text)
    assert [serial(port, SITE) for _ in range(2)] == [certificate.serial] * 2
    assert len([record for record in caplog.records if "the former map stays in use" in record.message]) == 1


def test_a_hundred_websites_are_served_with_little_room_to_keep_them(
    place: Place, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("panel.https.certificates.MOST_CONTEXTS", 40)
    serials = {f"site{at}.example.com": secured(place, f"site{at}.example.com").serial for at in range(100)}
    port = start()
    for _ in range(2):
        assert {name: serial(port, name) for name in serials} == serials


def test_of_many_loaded_certificates_few_are_kept(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("panel.https.certificates.MOST_CONTEXTS", 3)
    certificates = Certificates(place, "", lambda: datetime.now(UTC))
    names = [f"site{at}.example.com" for at in range(8)]
    for name in names:
        secured(place, name)
        assert certificates.for_name(name) is certificates.for_name(name) is not None
    assert len(certificates._contexts) == 3


def test_old_protocols_are_refused(start: Start) -> None:
    port = start()
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", port), 10) as raw, pytest.raises(OSError):
        old.wrap_socket(raw, server_hostname=SITE)
