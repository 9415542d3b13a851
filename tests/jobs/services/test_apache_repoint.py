"""A vhost that speaks TLS already is re-pointed at its very lines, or left with a reason; and Apache lives on."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import jobs.install
from jobs.policy.file_change import FileChange
from jobs.policy.marked_lines import FORMER
from tests.fakes import TestCA
from tests.jobs.services.apache_bench import ETC, Bench, everything, until

pytestmark = pytest.mark.e2e(timeout=240)


@pytest.fixture
def bench() -> Iterator[Bench]:
    running = Bench(modules=("ssl",))
    yield running
    running.clear()


def tls(name: str, *lines: str, at: str = "*:443", engine: str = "SSLEngine on") -> str:
    return "\n".join([f"<VirtualHost {at}>", f"ServerName {name}", engine, *lines, "</VirtualHost>", ""])


def ready(bench: Bench, text: str) -> Path:
    path = bench.write("a", text)
    bench.start()
    bench.setup()
    return path


def test_only_the_lines_of_the_pair_change_and_the_link_to_the_file_stays(bench: Bench) -> None:
    own, key = bench.pair("own", ["a.test"])
    text = (
        f"# caf\udce9 stays as it is\r\n<IfModule mod_ssl.c>\r\n<VirtualHost *:443>\r\n\tServerName a.test\r\n"
        f"\tSSLEngine on\r\n\tSSLCertificateFile \\\r\n   {own}\r\n\tSSLCertificateKeyFile  \"{key}\"\r\n"
        f"\tSSLCertificateChainFile {own}\r\n\t# SSLCertificateFile /old\r\n</VirtualHost>\r\n</IfModule>"
    )
    path = ready(bench, text)
    path.chmod(0o640)
    os.chown(path, 0, 33)
    item = bench.item("a.test")
    assert bench.install(item)["a.test"].state == "installed"
    link = bench.place.link("a.test", "apache")
    wanted = text.replace(f"SSLCertificateFile \\\r\n   {own}", f'SSLCertificateFile "{link}/fullchain.pem"')
    wanted = wanted.replace(f'SSLCertificateKeyFile  "{key}"', f'SSLCertificateKeyFile "{link}/privkey.pem"')
    wanted = wanted.replace("\tSSLCertificateChainFile", f"\t{FORMER}SSLCertificateChainFile")
    assert path.read_bytes() == wanted.encode("utf-8", "surrogateescape")
    facts = path.stat()
    assert (facts.st_mode & 0o777, facts.st_gid) == (0o640, 33)
    assert (ETC / "sites-enabled/a.conf").is_symlink()
    assert bench.leaf("a.test") == item.certificate.serial
    assert list(bench.fresh().install(item.website, item.certificate)) == []
    bench.undo()
    assert path.read_bytes() == text.encode("utf-8", "surrogateescape")
    assert bench.leaf("a.test") != item.certificate.serial


def test_a_renewal_changes_the_link_only(bench: Bench) -> None:
    own, key = bench.pair("own", ["a.test"])
    ready(bench, tls("a.test", f"SSLCertificateFile {own}", f"SSLCertificateKeyFile {key}"))
    bench.install(bench.item("a.test"))
    before = everything()
    item = bench.item("a.test")
    assert bench.install(item)["a.test"].state == "installed"
    assert bench.leaf("a.test") == item.certificate.serial and everything() == before


def test_one_file_for_both_and_several_certificates_become_one_pair(bench: Bench) -> None:
    own, key = bench.pair("own", ["a.test"])
    both = own.with_name("both.pem")
    both.write_bytes(key.read_bytes() + own.read_bytes())
    rsa = Path("/etc/ssl/own/rsa.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{rsa}.key", "-out", rsa,
                    "-days", "30", "-subj", "/CN=rsa"], check=True, capture_output=True)
    path = ready(bench, tls("combined.test", f"SSLCertificateFile {both}") + tls(
        "a.test", f"SSLCertificateFile {own}", f"SSLCertificateKeyFile {key}", f"SSLCertificateFile {rsa}",
        f"SSLCertificateKeyFile {rsa}.key"))
    outcomes = bench.install(bench.item("combined.test"), bench.item("a.test"))
    assert {outcome.state for outcome in outcomes.values()} == {"installed"}
    text = path.read_text()
    assert text.count(FORMER) == 2 and f"{FORMER}SSLCertificateKeyFile {rsa}.key" in text
    assert text.count("SSLCertificateFile \"") == text.count("SSLCertificateKeyFile \"") == 2
    for name in ("a.test", "combined.test"):
        assert "own" not in str(bench.fresh().installed(bench.item(name).website).path)  # type: ignore[union-attr]


def test_a_certificate_of_the_main_server_is_overridden_in_the_vhost(bench: Bench) -> None:
    own, key = bench.pair("own", ["a.test"])
    (ETC / "conf-enabled/tls.conf").write_text(f"SSLCertificateFile {own}\nSSLCertificateKeyFile {key}\n")
    try:
        path = ready(bench, tls("a.test") + tls("b.test"))
        item = bench.item("a.test")
        before = bench.leaf("b.test")
        assert bench.install(item)["a.test"].state == "installed"
        assert path.read_text().startswith('<VirtualHost *:443>\n    SSLCertificateFile "/var/lib/autossl')
        assert (bench.leaf("a.test"), bench.leaf("b.test")) == (item.certificate.serial, before)
    finally:
        bench.stop()
        (ETC / "conf-enabled/tls.conf").unlink()


NOT_EDITABLE = {
    "macro": ("<Macro secure $n>\n" + tls("$n", "Include /etc/apache2/pair") + "</Macro>\nUse secure a.test\n",
              "is read for other vhosts too|comes out of a macro"),
    "shared": (tls("a.test", "Include /etc/apache2/pair") + tls("b.test", "Include /etc/apache2/pair"),
               r"line 1 of /etc/apache2/pair \(SSLCertificateFile\) is read for other vhosts too"),
    "chain of all": ("SSLCertificateChainFile /etc/ssl/own/chain.pem\n" + tls("a.test", "Include /etc/apache2/pair"),
                     "outside of all vhosts would go along with our certificate"),
    "without engine": (tls("a.test", engine=""), "without `SSLEngine on`"),
    "of another website": (tls("b.test", "ServerAlias a.test", "Include /etc/apache2/pair"), "which is that of b.test"),
    "wildcard of another": (tls("a.test", at="*:80", engine="")
                            + tls("b.test", "ServerAlias *.test", "Include /etc/apache2/pair"), "that of b.test"),
}


@pytest.mark.parametrize("kind", NOT_EDITABLE)
def test_a_line_that_cannot_be_changed_safely_is_left_with_the_reason(bench: Bench, kind: str) -> None:
    text, reason = NOT_EDITABLE[kind]
    own, key = bench.pair("own", ["a.test", "b.test"])
    (ETC / "pair").write_text(f"SSLCertificateFile {own}\nSSLCertificateKeyFile {key}\n")
    if kind == "macro":
        text = text.replace("Include /etc/apache2/pair", f"SSLCertificateFile {own}\nSSLCertificateKeyFile {key}")
    ready(bench, text)
    before = everything()
    outcome = bench.install(bench.item("a.test"))["a.test"]
    assert (outcome.state, outcome.code in ("config_not_editable", "https_not_possible")) == ("failed", True)
    assert re.search(reason, outcome.text), outcome.text
    assert everything() == before


def test_a_line_in_a_file_that_only_the_website_reads_is_changed_there(bench: Bench) -> None:
    own, key = bench.pair("own", ["a.test"])
    (ETC / "pair").write_text(f"SSLCertificateFile {own}\nSSLCertificateKeyFile {key}\n")
    path = ready(bench, tls("a.test", "Include /etc/apache2/pair") + tls("www.a.test", "Include /etc/apache2/pair"))
    before = path.read_bytes()
    item = bench.item("a.test", "www.a.test")
    assert bench.install(item)["a.test"].state == "installed"
    assert path.read_bytes() == before and "autossl" in (ETC / "pair").read_text()
    assert bench.leaf("www.a.test") == item.certificate.serial


def test_what_cannot_be_changed_does_not_keep_a_renewal_from_the_rest(bench: Bench) -> None:
    own, key = bench.pair("own", ["a.test", "b.test"])
    (ETC / "pair").write_text(f"SSLCertificateFile {own}\nSSLCertificateKeyFile {key}\n")
    ready(bench, tls("a.test", f"SSLCertificateFile {own}", f"SSLCertificateKeyFile {key}")
          + tls("www.a.test", "Include /etc/apache2/pair") + tls("b.test", "Include /etc/apache2/pair"))
    for _ in ("first", "renewal"):
        item = bench.item("a.test", "www.a.test")
        assert bench.install(item)["a.test"].state == "installed"
        assert bench.leaf("a.test") == item.certificate.serial
    installed = bench.fresh().installed(item.website)
    assert installed is not None and not installed.ours and installed.path == own


def test_a_good_certificate_of_somebody_else_is_what_is_told(bench: Bench) -> None:
    own, key = bench.pair("own", ["a.test"])
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/etc/ssl/own/self.key",
                    "-out", "/etc/ssl/own/self.pem", "-subj", "/CN=self"], check=True, capture_output=True)
    ready(bench, tls("www.a.test", "SSLCertificateFile /etc/ssl/own/self.pem", "SSLCertificateKeyFile ssl/self.key")
          .replace("ssl/self.key", "/etc/ssl/own/self.key")
          + tls("a.test", f"SSLCertificateFile {own}", f"SSLCertificateKeyFile {key}"))
    installed = bench.service.installed(bench.item("a.test", "www.a.test").website)
    assert installed is not None and installed.path == own and not installed.ours


def test_several_websites_in_one_file_are_changed_together(bench: Bench) -> None:
    own, key = bench.pair("own", ["a.test"])
    both = own.with_name("both.pem")
    both.write_bytes(key.read_bytes() + own.read_bytes())
    names = [f"s{number}.test" for number in range(6)]
    ready(bench, "".join(tls(name, f"SSLCertificateFile {both}") for name in names))
    items = [bench.item(name) for name in names]
    assert {outcome.state for outcome in bench.install(*items).values()} == {"installed"}
    assert [bench.leaf(name) for name in names] == [item.certificate.serial for item in items]


# --- Apache lives on


def test_a_pair_of_somebody_else_that_does_not_match_stops_us_before_a_reload_would_end_apache(bench: Bench) -> None:
    own, _ = bench.pair("own", ["a.test"])
    other, key = bench.pair("other", ["b.test"])
    path = ready(bench, tls("a.test", f"SSLCertificateFile {other}", f"SSLCertificateKeyFile {key}"))
    path.write_text(tls("a.test", f"SSLCertificateFile {own}", f"SSLCertificateKeyFile {key}"))
    assert subprocess.run(["apache2ctl", "-t"], capture_output=True).returncode == 0, "Apache itself sees nothing"
    before, pid = everything(), bench.master()
    outcome = bench.install(bench.item("a.test"))["a.test"]
    assert (outcome.state, outcome.code) == ("failed", "config_broken_before")
    assert f"{own}: the key is not that of the certificate" in outcome.text
    assert everything() == before and bench.master() == pid is not None


def test_a_set_of_ours_that_was_exchanged_behind_our_back_never_reaches_apache(bench: Bench) -> None:
    own, key = bench.pair("own", ["a.test"])
    ready(bench, tls("a.test", f"SSLCertificateFile {own}", f"SSLCertificateKeyFile {key}"))
    first = bench.item("a.test")
    bench.install(first)
    second = bench.item("a.test")
    (second.directory / "privkey.pem").write_bytes(TestCA().bundle(["a.test"]).privkey)
    outcome = bench.install(second)["a.test"]
    assert (outcome.state, outcome.code) == ("failed", "certificate_not_loadable")
    assert bench.leaf("a.test") == first.certificate.serial
    assert bench.place.link("a.test", "apache").readlink().name == first.directory.name


def test_a_port_that_somebody_else_has_stops_us_before_a_reload_would_end_apache(bench: Bench) -> None:
    own, key = bench.pair("own", ["a.test"])
    ready(bench, tls("a.test", f"SSLCertificateFile {own}", f"SSLCertificateKeyFile {key}"))
    (ETC / "conf-enabled/latent.conf").write_text("Listen 127.0.0.1:8181\n")
    try:
        assert subprocess.run(["apache2ctl", "-t"], capture_output=True).returncode == 0, "Apache itself sees nothing"
        before, pid = everything(), bench.master()
        with socket.create_server(("127.0.0.1", 8181)):
            outcome = bench.install(bench.item("a.test"))["a.test"]
        assert (outcome.code, bench.master(), everything()) == ("config_broken_before", pid, before)
        assert "Listen 8181: the port is taken by another program" in outcome.text
    finally:
        (ETC / "conf-enabled/latent.conf").unlink()


def test_an_apache_that_ends_at_our_reload_is_put_back_and_started_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Apache's test does not see: a pair that matches, with a key that OpenSSL refuses as too small."""
    monkeypatch.setattr(jobs.install, "unloadable", lambda directories: {})  # which sees it
    own, key = bench.pair("own", ["a.test"])
    ready(bench, tls("a.test", f"SSLCertificateFile {own}", f"SSLCertificateKeyFile {key}"))
    serial = bench.leaf("a.test")
    item = bench.item("a.test")
    small = {"privkey": item.directory / "privkey.pem", "fullchain": item.directory / "fullchain.pem"}
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-keyout", small["privkey"],
                    "-out", small["fullchain"], "-subj", "/CN=a.test"], check=True, capture_output=True)
    pid = bench.master()
    outcome = bench.install(item)["a.test"]
    assert (outcome.state, outcome.code) == ("failed", "reload_failed")
    assert "Apache has ended at its reload" in outcome.text
    assert bench.master() not in (None, pid), "started again"
    until(lambda: bench.leaf("a.test") == serial)


def test_an_apache_that_is_stopped_is_not_started(bench: Bench) -> None:
    own, key = bench.pair("own", ["a.test"])
    ready(bench, tls("a.test", f"SSLCertificateFile {own}", f"SSLCertificateKeyFile {key}"))
    bench.stop()
    bench.fresh()
    item = bench.item("a.test")
    outcome = bench.install(item)["a.test"]
    assert (outcome.state, outcome.code) == ("waiting", "service_not_running")
    assert bench.master() is None
    bench.start()
    assert bench.leaf("a.test") == item.certificate.serial


def test_a_configuration_that_was_broken_before_is_told_in_apaches_words(bench: Bench) -> None:
    ready(bench, tls("a.test", *[f"{word} {path}" for word, path in zip(
        ("SSLCertificateFile", "SSLCertificateKeyFile"), bench.pair("own", ["a.test"]), strict=True)]))
    (ETC / "conf-enabled/broken.conf").write_text("NoSuchDirective on\n")
    try:
        outcome = bench.install(bench.item("a.test"))["a.test"]
        assert outcome.code == "config_broken_before" and "NoSuchDirective" in outcome.text
    finally:
        (ETC / "conf-enabled/broken.conf").unlink()


def test_apache_without_mod_info_is_not_edited_by_guessing(bench: Bench) -> None:
    own, key = bench.pair("own", ["a.test"])
    ready(bench, tls("a.test", f"SSLCertificateFile {own}", f"SSLCertificateKeyFile {key}"))
    service = bench.fresh(info_module="/nowhere/mod_info.so")
    outcome = bench.install(bench.item("a.test"), on=service)["a.test"]
    assert outcome.state == "failed" and "mod_info" in outcome.text


# --- Web Disk


def disk(name: str, own: Path, key: Path, *lines: str) -> str:
    pair = (f"SSLCertificateFile {own}", f"SSLCertificateKeyFile {key}")
    return tls(name, *pair, "<Location />", "Dav On", "</Location>", *lines, at="*:2078")


def test_the_web_disk_is_re_pointed_and_the_website_is_not_touched(bench: Bench) -> None:
    own, key = bench.pair("own", ["a.test"])
    bench.write("dav", "Listen 2078 https\nDavLockDB /var/lib/apache2/lock\n" + disk("webdisk.a.test", own, key))
    path = ready(bench, tls("a.test", f"SSLCertificateFile {own}", f"SSLCertificateKeyFile {key}"))
    web, item = path.read_bytes(), bench.item("a.test", "webdisk.a.test")
    assert bench.disk.concerns(item.website) and not bench.disk.concerns(bench.item("b.test").website)
    before = bench.disk.installed(item.website)
    assert before is not None and before.path == own
    outcome = bench.install(item, on=bench.disk)["a.test"]
    assert (outcome.state, outcome.text) == ("installed", "1 name on port 2078")
    assert path.read_bytes() == web
    dav = (ETC / "sites-available/dav.conf").read_text()
    assert str(bench.place.link("a.test", "webdisk")) in dav
    assert bench.leaf("webdisk.a.test", port=2078) == item.certificate.serial != bench.leaf("a.test")
    assert bench.https("webdisk.a.test", "/", port=2078).status == 200
    assert bench.install(item)["a.test"].text == "1 name on port 443"
    assert (ETC / "sites-available/dav.conf").read_text() == dav, "apache leaves the Web Disk alone"
    assert not (ETC / "sites-enabled/zz-autossl-a.test.conf").exists()


def test_what_is_no_web_disk_does_not_concern_it(bench: Bench) -> None:
    own, key = bench.pair("own", ["a.test"])
    pair = (f"SSLCertificateFile {own}", f"SSLCertificateKeyFile {key}")
    plain = tls("plain.test", "<Location />", "Dav On", "</Location>", at="*:2077", engine="")
    other = tls("other.test", *pair, at="*:2078")
    ready(bench, f"Listen 2077\nListen 2078\nDavLockDB /var/lib/apache2/lock\n{plain}{other}")
    for name in ("plain.test", "other.test"):
        website = bench.item(name).website
        assert not bench.disk.concerns(website) and bench.disk.installed(website) is None
        assert list(bench.disk.install(website, bench.item(name).certificate)) == []


def test_a_change_of_ours_lists_only_files_that_differ(bench: Bench) -> None:
    own, key = bench.pair("own", ["a.test"])
    path = ready(bench, tls("a.test", f"SSLCertificateFile {own}", f"SSLCertificateKeyFile {key}"))
    item = bench.item("a.test")
    (change,) = bench.service.install(item.website, item.certificate)
    assert isinstance(change, FileChange) and change.path == path.resolve()
