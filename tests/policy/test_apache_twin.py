"""The https twin of an Apache vhost: what it keeps word for word, what it changes, and what it refuses."""

from __future__ import annotations

import pytest

from jobs.policy.apache_config import Directive, parse_block
from jobs.policy.apache_twin import Pair, is_twin_file, twin_files, twin_text
from jobs.policy.failure import Failure

PAIR = Pair("/t/fullchain.pem", "/t/privkey.pem")


def section(*lines: str) -> Directive:
    found = parse_block("\n".join(["<VirtualHost *:80>", *lines, "</VirtualHost>"]), "/etc/a.conf", 1)
    assert found is not None
    return found


def body(*lines: str) -> list[str]:
    """The lines of the twin behind its own."""
    rows = twin_text(section(*lines), ["a.test", "www.a.test"], ["*"], 443, PAIR).splitlines()
    assert rows[:7] == [
        "# The https twin of a vhost in /etc/a.conf", "<VirtualHost *:443>", "    ServerName a.test",
        "    ServerAlias www.a.test", "    SSLEngine on", '    SSLCertificateFile "/t/fullchain.pem"',
        '    SSLCertificateKeyFile "/t/privkey.pem"',
    ]
    assert rows[-1] == "</VirtualHost>"
    return [row.removeprefix("    ") for row in rows[7:-1]]


@pytest.mark.parametrize("line", [
    "DocumentRoot /srv/a", 'DocumentRoot "/srv/a b"', 'Header set X "a \\"q\\" > \\n"', "Header set X 'si\"ngle'",
    'CustomLog "|/usr/bin/rotatelogs /x 86400" combined', "Redirect / http://a.test/", "Redirect / https://b.test/",
    "Redirect /old https://a.test/new", "RedirectMatch ^/old$ https://a.test/new", "ProxyPass / http://127.0.0.1:3000/",
    'RewriteRule ^/x$ "/y z" [L]', "RewriteRule ^/b$ https://b.test/ [R]", "RequestHeader set X-Forwarded-Proto https",
    "RequestHeader unset X-Forwarded-Proto", "SuexecUserGroup alice alice", "php_admin_value open_basedir /srv/a",
    "SSLProxyEngine on", "SetEnv A ${UNDEFINED}", "ErrorDocument 404 https://a.test/missing", "UseCanonicalName",
])
def test_what_a_twin_keeps_word_for_word(line: str) -> None:
    assert body(line) == [line]


@pytest.mark.parametrize("line", [
    "ServerName other.test", "ServerAlias *.a.test x", "SSLEngine off", "SSLCertificateFile /x",
    "sslcertificatekeyfile /x", "SSLCertificateChainFile /x",
    "Redirect permanent / https://a.test/", "RedirectPermanent / https://www.a.test",
    "RedirectMatch ^/(.*)$ https://%{HTTP_HOST}/$1", "WSGIDaemonProcess a user=alice",
])
def test_what_a_twin_drops(line: str) -> None:
    assert body("DocumentRoot /srv", line) == ["DocumentRoot /srv"]


def test_a_rule_that_would_go_round_is_bound_to_plain_http_before_its_own_conditions() -> None:
    lines = ["RewriteCond %{HTTP_HOST} ^a [OR]", "RewriteCond %{HTTP_HOST} ^b",
             "RewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [C]", "RewriteCond %{HTTPS} on", "RewriteRule ^/x$ /y"]
    assert body(*lines) == ["RewriteCond %{HTTPS} off", *lines]


def test_sections_are_kept_with_their_order_and_cleaned_inside() -> None:
    lines = ['<Location ~ "^/q[>]">', "    Require all denied", "</Location>", "<Location /s>", "</Location>",
             "<IfModule mod_x.c>", "    <Else>", "        Header set C f", "    </Else>", "</IfModule>",
             "DocumentRoot /x"]
    assert body(*lines) == lines
    assert body("<Location /old>", "Redirect https://a.test/", "Require all granted", "</Location>") == [
        "<Location /old>", "    Require all granted", "</Location>"]


@pytest.mark.parametrize(("line", "told"), [
    ("RequestHeader set X-Forwarded-Proto http", 'RequestHeader set X-Forwarded-Proto "https"'),
    ('requestheader SET x-forwarded-proto "HTTP"', 'requestheader set x-forwarded-proto "https"'),
    ("RequestHeader set X-Forwarded-Port 80", 'RequestHeader set X-Forwarded-Port "443"'),
])
def test_an_application_is_told_how_the_visitor_came(line: str, told: str) -> None:
    assert body(line) == [told]


def test_a_backslash_at_the_end_does_not_swallow_the_next_line() -> None:
    source = section("SetEnv B c")
    item = Directive("SetEnv", ("A", "b\\"), "A b\\", "/etc/a.conf", 2)
    whole = Directive("VirtualHost", (), "", "/x", 1, (item, *source.children), True)
    twin = twin_text(whole, ["a.test"], ["*"], 443, PAIR)
    assert "    SetEnv A b\\ \n    SetEnv B c\n" in twin


@pytest.mark.parametrize(("name", "raw"), [
    ("SetEnv", "A b\nSSLEngine off"), ("SetEnv", "A b\r"), ("SetEnv", "A \x00"), ("SetEnv", "A \x0b"),
    ("SetEnv", "A �"), ("Set Env", "A"), ("</VirtualHost", ""), ("#x", "y"), ("", "y"), ("Header\nListen", "81"),
])
def test_what_would_not_read_as_one_line_again_is_refused(name: str, raw: str) -> None:
    for kind in (False, True):
        item = Directive(name, (raw,), raw, "/etc/a.conf", 2, (), kind)
        whole = Directive("VirtualHost", ("*:80",), "*:80", "/etc/a.conf", 1, (item,), True)
        with pytest.raises(Failure, match=r"/etc/a.conf:2: ") as caught:
            twin_text(whole, ["a.test"], ["*"], 443, PAIR)
        assert caught.value.code == "https_not_possible"


@pytest.mark.parametrize("name", [
    'a.test"', "a.test>", "a.test\nSSLEngine off", "a test", "A.test", "a..test", "", "*", "a.test #", "${x}.test",
    "-a.test",
])
def test_a_name_that_is_no_host_name_never_stands_in_a_twin(name: str) -> None:
    with pytest.raises(Failure, match="is no host name"):
        twin_text(section(), ["good.test", name], ["*"], 443, PAIR)


@pytest.mark.parametrize(("address", "written"), [
    ("*", "*:443"), ("192.0.2.1", "192.0.2.1:443"), ("2001:db8::1", "[2001:db8::1]:443"), ("::1", "[::1]:443"),
])
def test_an_address_is_written_as_apache_reads_it(address: str, written: str) -> None:
    assert f"<VirtualHost {written}>" in twin_text(section(), ["a.test"], [address], 443, PAIR)


@pytest.mark.parametrize("address", ["host.test", "*:80> x", "", "192.0.2.1\n", "_default_", "1.2.3"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(Failure, match="expected an address"):
        twin_text(section(), ["a.test"], [address], 443, PAIR)


def test_sections_within_sections_without_end_are_refused() -> None:
    item = Directive("Location", ("/",), "/", "/etc/a.conf", 2, (), True)
    for _ in range(2000):
        item = Directive("Location", ("/",), "/", "/etc/a.conf", 2, (item,), True)
    with pytest.raises(Failure, match="nested more than"):
        twin_text(item, ["a.test"], ["*"], 443, PAIR)


def test_the_file_of_a_twin_sorts_behind_others_fits_the_disk_and_is_known_again() -> None:
    for main in ("a.test", "z" * 60 + ".test", ".".join(["a" * 63] * 3 + ["b" * 57, "test"])):
        plain, wild = twin_files(main)
        assert len(plain) <= 255 and len(wild) <= 255 and plain < wild
        assert plain > "yyy.conf" and plain > "default-ssl.conf"
        assert is_twin_file(f"/etc/apache2/sites-enabled/{plain}") and is_twin_file(wild)
    assert len({*twin_files("a" * 160 + ".test"), *twin_files("a" * 160 + ".best")}) == 4
    assert not is_twin_file("/etc/zz-autossl-x/a.conf") and not is_twin_file("macro 'zz-autossl-x'")
