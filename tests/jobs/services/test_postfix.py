"""Postfix, the real one, in a private host: unpacked, because its package and Exim's exclude each other."""

from __future__ import annotations

import atexit
import dataclasses
import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp

import pytest

from jobs import privileged
from jobs.install import apply
from jobs.policy.certificate import Certificate
from jobs.policy.failure import Failure
from jobs.policy.marked_lines import BEGIN
from jobs.policy.site import Website
from jobs.services.postfix import Options, Service
from tests.jobs.services import mail_host
from tests.jobs.services.mail_host import HOSTILE, MailHost, is_closed, served, served_without_name, start, until

ETC = Path("/etc/postfix")
MAIN = ETC / "main.cf"
PID = Path("/var/spool/postfix/pid/master.pid")
UNPACKED = "AUTOSSL_TEST_POSTFIX"

MAIN_CF = """\
compatibility_level = 3.6
myhostname = host.test
mydestination = localhost
alias_maps =
local_recipient_maps =
maillog_file =
"""
MASTER_CF = """\
smtp inet n - n - - smtpd
465 inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
587 inet n - n - - smtpd
tlsmgr unix - - n 1000? 1 tlsmgr
anvil unix - - n - 1 anvil
rewrite unix - - n - - trivial-rewrite
"""


@cache
def unpacked() -> dict[str, str]:
    """Debian's package in a directory of its own; a package that can't be had fails the tests."""
    directory = Path(mkdtemp(prefix="autossl-postfix-"))
    atexit.register(shutil.rmtree, directory)
    shell = "apt-get download -q postfix || { apt-get update -q && apt-get download -q postfix; }"
    words = ["bash", "-c", f"({shell}) && dpkg -x postfix_*.deb root && mkdir -p root/usr"]
    ended = subprocess.run(words, cwd=directory, capture_output=True, text=True, timeout=120, check=False)
    if ended.returncode != 0:
        raise RuntimeError(f"Debian's package postfix can't be had: {ended.stdout}{ended.stderr}")
    return {UNPACKED: str(directory / "root")}


inside = partial(mail_host.inside, prepare=unpacked)


@pytest.fixture(scope="session")
def package() -> None:
    root = Path(os.environ[UNPACKED])
    layer = Path("/run/postfix-usr")  # what lies on an overlay can't be a layer of another
    shutil.copytree(root / "usr", layer, symlinks=True)
    mount = ["mount", "-t", "overlay", "-o", f"lowerdir={layer}:/usr", "postfix", "/usr"]
    subprocess.run(mount, check=True)
    shutil.copytree(root / "etc/postfix", ETC)
    subprocess.run(["groupadd", "-r", "postfix"], check=True)
    subprocess.run(["groupadd", "-r", "postdrop"], check=True)
    subprocess.run(["useradd", "-r", "-g", "postfix", "-d", "/var/spool/postfix", "postfix"], check=True)
    Path("/var/spool/postfix").mkdir()
    Path("/var/lib/postfix").mkdir()
    shutil.chown("/var/lib/postfix", "postfix")


class Postfix(MailHost):
    service: Service
    own: Certificate | None = None

    def __init__(self) -> None:
        super().__init__(lambda place: Service(Options(), place))
        (ETC / "master.cf").write_text(MASTER_CF)
        MAIN.write_text(MAIN_CF)

    def start(self) -> None:
        settle()
        start(["/usr/sbin/postfix", "start"], 25)

    def close(self) -> None:
        pid = privileged.running_pid(PID, "master")
        if pid is not None:
            os.killpg(os.getpgid(pid), signal.SIGKILL)
        until(lambda: is_closed(25) and is_closed(465), "the ports to be closed")
        super().close()

    def with_own_certificate(self) -> None:
        pem, key, self.own = self.self_signed(ETC / "own", "host.test")
        lines = f"smtpd_tls_cert_file = {pem}\nsmtpd_tls_key_file={key}\nsmtpd_tls_security_level\n  =\n  may\n"
        MAIN.write_text(MAIN_CF + lines)


def settle() -> None:
    """Postfix waits up to two seconds for a main.cf that somebody may still be writing; the tests don't."""
    if MAIN.exists():
        os.utime(MAIN, (0, 0))


@pytest.fixture
def host(package: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Postfix]:
    def settled(verb: Callable[..., object]) -> Callable[..., object]:
        def told(*given: object) -> object:
            answer = verb(*given)
            settle()
            return answer

        return told

    monkeypatch.setattr(privileged, "publish", settled(privileged.publish))
    monkeypatch.setattr(privileged, "restore", settled(privileged.restore))
    made = Postfix()
    yield made
    made.close()


def shown(name: str) -> set[str | None]:
    return {served(465, name), served(25, name, "smtp"), served(587, name, "smtp")}


@inside
def test_every_name_is_shown_on_each_port_and_the_rest_stays(host: Postfix) -> None:
    host.with_own_certificate()
    host.start()
    one, two = host.item("a.test", "www.a.test"), host.item("b.test", "*.b.test")
    outcomes = host.install(one, two)
    assert {outcome.state for outcome in outcomes.values()} == {"installed"}, outcomes
    assert outcomes["a.test"].text == "2 names on port 25, 465, 587"
    assert shown("www.a.test") == {one.certificate.fingerprint}
    assert shown("anything.b.test") == shown("b.test") == {two.certificate.fingerprint}
    assert host.own and shown("host.test") == shown("nobody.test") == {host.own.fingerprint}
    assert served_without_name(25, "smtp")
    assert MAIN.read_text().startswith(MAIN_CF) and "chain_files" not in MAIN.read_text()
    found = host.make(host.place).installed(Website("alice", ("host.test",)))
    assert found is not None and not found.ours and found.certificate == host.own


@inside
def test_the_table_and_its_source_are_for_root_alone(host: Postfix) -> None:
    host.start()
    host.install(host.item("a.test"))
    for path in (host.service.source, host.service.table):
        facts = path.stat()
        assert stat.S_IMODE(facts.st_mode) == 0o600 and facts.st_uid == 0
    assert "PRIVATE KEY" not in host.service.source.read_text()


@inside
def test_a_renewal_is_copied_into_the_table_and_changes_no_configuration(host: Postfix) -> None:
    host.start()
    host.install(host.item("a.test"))
    before = (MAIN.stat().st_ino, host.service.source.stat().st_ino)
    new = host.item("a.test")
    assert host.install(new)["a.test"].state == "installed"
    assert shown("a.test") == {new.certificate.fingerprint}
    assert (MAIN.stat().st_ino, host.service.source.stat().st_ino) == before


@inside
def test_a_name_that_moved_belongs_to_the_other_website(host: Postfix) -> None:
    host.start()
    one, two = host.item("a.test", "shop.test"), host.item("b.test", "shop.test")
    host.install(one)
    assert host.install(two)["b.test"].state == "installed"
    assert shown("shop.test") == {two.certificate.fingerprint}
    assert shown("a.test") == {one.certificate.fingerprint}


@inside
def test_a_website_that_is_let_go_of_is_presented_for_no_name_any_more(host: Postfix) -> None:
    host.with_own_certificate()
    host.start()
    one, two = host.item("a.test"), host.item("b.test", "*.b.test")
    host.install(one, two)
    changes = host.service.release(two.website)
    apply(host.service, changes, host.place, host.kept.before)
    assert host.own and shown("b.test") == shown("x.b.test") == {host.own.fingerprint}
    assert shown("a.test") == {one.certificate.fingerprint}
    assert host.service.installed(two.website) is None and host.service.release(two.website) == []


@inside
def test_a_host_without_tls_offers_it_with_the_first_website(host: Postfix) -> None:
    host.start()
    assert served(25, "a.test", "smtp") is None
    one, two = host.item("a.test"), host.item("b.test")
    outcomes = host.install(one, two)
    assert {outcome.state for outcome in outcomes.values()} == {"installed"}, outcomes
    assert shown("nobody.test") == {one.certificate.fingerprint}
    assert served_without_name(587, "smtp")


@inside
def test_a_table_of_the_hosts_own_is_asked_after_ours(host: Postfix) -> None:
    pem, key, old = host.self_signed(ETC / "old", "old.test")
    (ETC / "mine").write_text(f"old.test {key} {pem}\n")
    subprocess.run(["/usr/sbin/postmap", "-F", "hash:/etc/postfix/mine"], check=True)
    MAIN.write_text(MAIN_CF + "tls_server_sni_maps =\n# a table\n   hash:/etc/postfix/mine\nmail_name = X\n")
    host.start()
    item = host.item("a.test")
    assert host.install(item)["a.test"].state == "installed"
    assert shown("old.test") == {old.fingerprint} and shown("a.test") == {item.certificate.fingerprint}


@inside
def test_undoing_puts_main_cf_back_byte_for_byte(host: Postfix) -> None:
    host.with_own_certificate()
    MAIN.write_bytes(MAIN.read_bytes() + b"# \xff no newline")
    former = MAIN.read_bytes()
    host.start()
    host.install(host.item("a.test"))
    assert BEGIN.encode() in MAIN.read_bytes()
    assert host.undo() == [] and MAIN.read_bytes() == former
    fresh = host.make(host.place)
    fresh.test()
    fresh.reload()
    assert host.own is not None
    until(lambda: shown("a.test") == {host.own.fingerprint}, "the former configuration")


@inside
def test_setup_makes_the_table_before_anything_names_it(host: Postfix) -> None:
    host.start()
    changes = host.service.setup()
    assert [change.path for change in changes] == [host.service.source]
    apply(host.service, changes, host.place, host.kept.before)
    assert host.service.table.exists() and BEGIN not in MAIN.read_text()
    assert not host.make(host.place).setup()
    assert host.install(host.item("a.test"))["a.test"].state == "installed"


@inside
def test_a_configuration_that_was_broken_before_is_not_touched_and_goes_on_serving(host: Postfix) -> None:
    host.start()
    item = host.item("a.test")
    host.install(item)
    former = MAIN.read_text()
    MAIN.write_text(former + "no equals sign\n")
    outcome = host.install(host.item("b.test"))["b.test"]
    assert outcome.code == "config_broken_before" and "missing '='" in outcome.text
    assert MAIN.read_text() == former + "no equals sign\n"
    MAIN.write_text(former)
    (ETC / "master.cf").write_text("smtp inet nonsense\n")
    outcome = host.install(host.item("b.test"))["b.test"]
    assert outcome.code == "config_broken_before" and "master.cf" in outcome.text, outcome
    (ETC / "master.cf").write_text(MASTER_CF)
    assert shown("a.test") == {item.certificate.fingerprint}


@inside
def test_without_its_configuration_postfix_is_not_on_this_machine(host: Postfix) -> None:
    MAIN.unlink()
    assert not host.service.present()
    with pytest.raises(Failure) as raised:
        host.service.test()
    assert raised.value.code == "config_test_failed"


@inside
def test_a_set_that_is_gone_is_seen_before_the_table_is_made(host: Postfix) -> None:
    host.start()
    item = host.item("a.test")
    host.install(item)
    table = host.service.table.read_bytes()
    host.place.link("a.test", "postfix").unlink()
    outcome = host.install(host.item("b.test"))["b.test"]
    assert outcome.code == "config_broken_before" and "a.test/postfix/privkey.pem" in outcome.text
    with pytest.raises(Failure):
        host.service.reload()
    assert host.service.table.read_bytes() == table
    assert shown("a.test") == {item.certificate.fingerprint}


@inside
def test_a_parameter_that_somebody_set_after_ours_is_said(host: Postfix) -> None:
    host.start()
    host.install(host.item("a.test"))
    MAIN.write_text(MAIN.read_text() + "tls_server_sni_maps = hash:/etc/postfix/mine\n")
    outcome = host.install(host.item("b.test"))["b.test"]
    assert outcome.code == "config_broken_before" and "overriding earlier entry" in outcome.text


@inside
def test_a_stopped_postfix_gets_its_files_and_waits(host: Postfix) -> None:
    item = host.item("a.test")
    outcome = host.install(item)["a.test"]
    assert (outcome.state, outcome.code) == ("waiting", "service_not_running")
    host.start()
    assert shown("a.test") == {item.certificate.fingerprint}


@inside
def test_a_hostile_name_reaches_no_configuration(host: Postfix) -> None:
    host.start()
    good, bad = host.item("good.test"), host.item("bad.test")
    for hostile in HOSTILE:
        names = dataclasses.replace(bad.certificate, names=("bad.test", hostile))
        outcomes = host.install(dataclasses.replace(bad, certificate=names), good)
        assert outcomes["bad.test"].code == "name_invalid", hostile
        assert outcomes["good.test"].state == "installed", hostile
    assert [line.split()[0] for line in host.service.source.read_text().splitlines()[1:]] == ["good.test"]


@inside
def test_a_place_whose_path_postfix_would_split_is_refused(host: Postfix) -> None:
    item = host.item("a.test")
    odd = host.make(dataclasses.replace(host.place, instance=Path("/var/lib/a b")))
    with pytest.raises(Failure) as raised:
        odd.install(item.website, item.certificate)
    assert raised.value.code == "path_invalid"
