"""Dovecot, the real one: what a client is shown for each name, and what is never touched."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs import privileged
from jobs.policy.certificate import Certificate
from jobs.policy.failure import Failure
from jobs.policy.site import Website
from jobs.services.dovecot import Options, Service
from tests.jobs.services.mail_host import (
    HOSTILE,
    MARK,
    MailHost,
    inside,
    is_closed,
    served,
    served_without_name,
    start,
    until,
)

ETC = Path("/etc/dovecot")
SNIPPET = ETC / "conf.d/99-autossl.conf"
SSL = ETC / "conf.d/10-ssl.conf"


class Dovecot(MailHost):
    own: Certificate

    def __init__(self) -> None:
        shutil.copytree(ETC, "/run/dovecot.former", symlinks=True)
        super().__init__(lambda place: Service(Options(), place))
        *_, self.own = self.self_signed(ETC / "private/dovecot", "host.test")

    def start(self) -> None:
        start(["/usr/sbin/dovecot"], 143)

    def close(self) -> None:
        pid = privileged.running_pid(Path("/run/dovecot/master.pid"), "dovecot")
        if pid is not None:
            os.killpg(os.getpgid(pid), signal.SIGKILL)  # a second for a graceful end, at each test, is too long
        until(lambda: is_closed(143), "port 143 to be closed")
        shutil.rmtree(ETC)
        shutil.copytree("/run/dovecot.former", ETC, symlinks=True)
        shutil.rmtree("/run/dovecot.former")
        super().close()


@pytest.fixture
def host() -> Iterator[Dovecot]:
    made = Dovecot()
    yield made
    made.close()


def shown(name: str) -> set[str | None]:
    return {served(993, name), served(143, name, "imap")}


@inside
def test_every_name_of_a_certificate_is_shown_on_both_ports_and_the_rest_stays(host: Dovecot) -> None:
    host.start()
    one, two = host.item("a.test", "www.a.test", "mail.a.test"), host.item("b.test", "*.b.test")
    outcomes = host.install(one, two)
    assert {outcome.state for outcome in outcomes.values()} == {"installed"}, outcomes
    assert outcomes["a.test"].text == "3 names on port 143, 993"
    for name in one.certificate.names:
        assert shown(name) == {one.certificate.fingerprint}
    assert shown("anything.b.test") == shown("b.test") == {two.certificate.fingerprint}
    assert shown("host.test") == shown("nobody.test") == {host.own.fingerprint}
    assert SNIPPET.read_text().startswith(MARK)


@inside
def test_what_is_installed_is_what_the_block_presents(host: Dovecot) -> None:
    host.start()
    item = host.item("a.test")
    assert host.service.installed(item.website) is None
    host.install(item)
    found = host.service.installed(item.website)
    assert found is not None and found.ours and found.certificate == item.certificate
    assert host.make(host.place).installed(Website("alice", ("b.test",))) is None


@inside
def test_a_renewal_changes_no_file_and_is_served_after_the_reload(host: Dovecot) -> None:
    host.start()
    host.install(host.item("a.test", "www.a.test"))
    before = (SNIPPET.read_bytes(), SNIPPET.stat().st_mtime_ns)
    new = host.item("a.test", "www.a.test")
    assert host.install(new)["a.test"].state == "installed"
    assert shown("www.a.test") == {new.certificate.fingerprint}
    assert (SNIPPET.read_bytes(), SNIPPET.stat().st_mtime_ns) == before


@inside
def test_a_name_that_moved_is_taken_out_of_the_other_block(host: Dovecot) -> None:
    host.start()
    one, two = host.item("a.test", "shop.test"), host.item("b.test", "shop.test")
    host.install(one)
    assert host.install(two)["b.test"].state == "installed"
    assert shown("shop.test") == {two.certificate.fingerprint}
    assert shown("a.test") == {one.certificate.fingerprint}
    assert host.install(one)["a.test"].state == "installed", "and it moves back"
    assert shown("shop.test") == {one.certificate.fingerprint}


@inside
def test_a_name_of_its_own_wins_over_the_wildcard_of_another_website(host: Dovecot) -> None:
    host.start()
    wild, exact = host.item("a.test", "*.a.test"), host.item("b.test", "*.b.test", "x.a.test")
    outcomes = host.install(wild, exact)
    assert {outcome.state for outcome in outcomes.values()} == {"installed"}, outcomes
    assert shown("x.a.test") == {exact.certificate.fingerprint}
    assert shown("y.a.test") == {wild.certificate.fingerprint}


@inside
def test_a_configuration_that_was_broken_before_is_not_touched_and_goes_on_serving(host: Dovecot) -> None:
    host.start()
    assert shown("a.test") == {host.own.fingerprint}, "Dovecot reads its configuration when somebody first asks"
    item = host.item("a.test")
    SSL.write_text(SSL.read_text() + "ssl_cert = </nowhere.pem\n")
    outcome = host.install(item)["a.test"]
    assert (outcome.state, outcome.code) == ("failed", "config_broken_before")
    assert "Can't open file /nowhere.pem" in outcome.text
    assert not SNIPPET.exists() and not host.place.link("a.test", "dovecot").is_symlink()
    assert shown("a.test") == {host.own.fingerprint}


@inside
def test_without_its_configuration_dovecot_is_not_on_this_machine(host: Dovecot) -> None:
    (ETC / "dovecot.conf").unlink()
    assert not host.service.present()
    with pytest.raises(Failure) as raised:
        host.service.test()
    assert raised.value.code == "config_test_failed"


@inside
def test_a_set_that_is_gone_is_seen_before_the_reload(host: Dovecot) -> None:
    host.start()
    item = host.item("a.test")
    host.install(item)
    host.place.link("a.test", "dovecot").unlink()
    assert subprocess.run(["/usr/bin/doveconf", "-n"], capture_output=True, check=False).returncode == 0
    outcome = host.install(host.item("b.test"))["b.test"]
    assert outcome.code == "config_broken_before" and "a.test/dovecot/fullchain.pem" in outcome.text
    assert shown("a.test") == {item.certificate.fingerprint}


@inside
def test_a_host_without_tls_shows_the_first_website_to_who_names_nobody(host: Dovecot) -> None:
    SSL.write_text("ssl = no\n")
    host.start()
    one, two = host.item("a.test"), host.item("b.test")
    outcomes = host.install(one, two)
    assert {outcome.state for outcome in outcomes.values()} == {"installed"}, outcomes
    until(lambda: shown("nobody.test") == {one.certificate.fingerprint}, "port 993 to be opened")
    assert served_without_name(143, "imap")
    assert shown("b.test") == {two.certificate.fingerprint}
    before = SNIPPET.read_bytes()
    host.install(one)
    assert SNIPPET.read_bytes() == before


@inside
def test_a_file_of_ours_that_somebody_edited_is_said_and_kept(host: Dovecot) -> None:
    host.start()
    host.install(host.item("a.test"))
    edited = SNIPPET.read_text() + "verbose_ssl = yes\n"
    SNIPPET.write_text(edited)
    outcome = host.install(host.item("b.test"))["b.test"]
    assert outcome.code == "config_broken_before" and "changed by hand" in outcome.text
    assert SNIPPET.read_text() == edited
    SNIPPET.unlink()
    assert host.install(host.item("b.test"))["b.test"].state == "installed", "the way out that the words name"


@inside
def test_a_stopped_dovecot_gets_its_files_and_waits(host: Dovecot) -> None:
    item = host.item("a.test")
    outcome = host.install(item)["a.test"]
    assert (outcome.state, outcome.code) == ("waiting", "service_not_running")
    host.start()
    assert shown("a.test") == {item.certificate.fingerprint}


@inside
def test_a_block_of_the_hosts_own_is_foreign_and_named(host: Dovecot) -> None:
    pem, key, certificate = host.self_signed(Path("/etc/ssl/mine"), "a.test")
    block = f'local_name "a.test mail.a.test" {{\n  ssl_cert = <{pem}\n  ssl_key = <{key}\n}}\n'
    (ETC / "conf.d/50-mine.conf").write_text(block)
    host.start()
    item = host.item("a.test")
    found = host.service.installed(item.website)
    assert found is not None and not found.ours and found.certificate == certificate
    outcome = host.install(item)["a.test"]
    assert outcome.code == "configured_elsewhere" and str(pem) in outcome.text
    assert not SNIPPET.exists()


@inside
def test_the_default_certificate_counts_for_the_website_that_it_was_made_for(host: Dovecot) -> None:
    found = host.service.installed(Website("alice", ("host.test",)))
    assert found is not None and not found.ours and found.certificate == host.own


@inside
def test_a_snippet_that_nobody_reads_is_taken_back(host: Dovecot) -> None:
    main = ETC / "dovecot.conf"
    main.write_text(main.read_text().replace("!include conf.d/*.conf", "!include conf.d/1*.conf"))
    host.start()
    outcome = host.install(host.item("a.test"))["a.test"]
    assert outcome.code == "config_test_failed" and "it is not read by" in outcome.text
    assert not SNIPPET.exists()
    assert shown("a.test") == {host.own.fingerprint}


@inside
def test_a_hostile_name_reaches_no_configuration(host: Dovecot) -> None:
    host.start()
    good, bad = host.item("good.test"), host.item("bad.test")
    for hostile in HOSTILE:
        names = dataclasses.replace(bad.certificate, names=("bad.test", hostile))
        outcomes = host.install(dataclasses.replace(bad, certificate=names), good)
        assert outcomes["bad.test"].code == "name_invalid", hostile
        assert outcomes["good.test"].state == "installed", hostile
    assert re.findall(r'"(.*)"', SNIPPET.read_text()) == ["good.test"]


@inside
def test_many_names_get_the_memory_that_they_need(host: Dovecot) -> None:
    host.start()
    item = host.item("a.test")
    many = dataclasses.replace(item.certificate, names=tuple(f"n{number}.a.test" for number in range(500)))
    changes = [shared.change() for shared in host.service.install(item.website, many)]
    assert privileged.publish(changes)
    link = host.place.link("a.test", "dovecot")
    link.symlink_to(item.directory.name)
    host.service.test()
    asked = ["/usr/bin/doveconf", "-h", "service/config/vsz_limit"]
    assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip() == "2 G"


@inside
def test_what_was_installed_can_be_taken_away_again(host: Dovecot) -> None:
    host.start()
    host.install(host.item("a.test"))
    assert host.undo() == []
    assert not SNIPPET.exists()
    host.service.reload()
    until(lambda: shown("a.test") == {host.own.fingerprint}, "the host's own certificate")
