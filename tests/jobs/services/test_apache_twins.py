"""A website without TLS gets its https twin: on a real Apache, with real handshakes and requests."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs import privileged
from jobs.accounts import apache as source
from jobs.policy.apache_config import Directive
from jobs.policy.site import Website
from tests.jobs.services.apache_bench import ETC, Bench, everything

pytestmark = pytest.mark.e2e(timeout=240)

TWIN = ETC / "sites-enabled/zz-autossl-a.test.conf"


@pytest.fixture
def bench() -> Iterator[Bench]:
    running = Bench(modules=("ssl",))
    yield running
    running.clear()


def vhost(name: str, *lines: str, at: str = "*:80") -> str:
    return "\n".join([f"<VirtualHost {at}>", f"ServerName {name}", *lines, "</VirtualHost>", ""])


def site(bench: Bench, name: str, *lines: str, at: str = "*:80") -> str:
    root = bench.docroot(name, f"site {name}")
    access = (f"<Directory {root}>", "AllowOverride All", "Require all granted", "</Directory>")
    return vhost(name, f"DocumentRoot {root}", *access, *lines, at=at)


def test_a_website_without_tls_gets_its_twin_and_is_found_installed(bench: Bench) -> None:
    bench.write("a", site(bench, "a.test", "ServerAlias www.a.test other.test"))
    bench.start()
    bench.setup()
    item = bench.item("a.test", "www.a.test")
    assert bench.service.concerns(item.website) and bench.service.installed(item.website) is None
    outcome = bench.install(item)["a.test"]
    assert (outcome.state, outcome.text) == ("installed", "2 names on port 443")
    assert bench.https("a.test").body == bench.https("www.a.test").body == "site a.test"
    installed = bench.fresh().installed(item.website)
    assert installed is not None and installed.ours and installed.certificate == item.certificate
    assert "other.test" not in TWIN.read_text(), "a name that the website doesn't own"
    assert list(bench.service.install(item.website, item.certificate)) == []


def test_a_twin_keeps_docroot_htaccess_passwords_and_handlers(bench: Bench) -> None:
    subprocess.run(["htpasswd", "-bc", "/etc/apache2/people", "alice", "open sesame"], check=True, capture_output=True)
    secret = ("<Location /private>", "AuthType Basic", 'AuthName "the \\"private\\" part"',
              "AuthUserFile /etc/apache2/people", "Require valid-user", "</Location>")
    closed = ('<Files ".secret">', "Require all denied", "</Files>")
    bench.write("a", site(bench, "a.test", *secret, *closed, 'Header set X-Quoted "it\'s a \\"q\\""',
                          '<LocationMatch "^/moved[>]">', "Redirect 302 http://elsewhere.test/", "</LocationMatch>"))
    root = bench.docroot("a.test", "site a.test")
    (root / ".htaccess").write_text("RewriteEngine On\nRewriteRule ^pretty$ /index.html [L]\nRedirect 410 /gone\n")
    (root / ".secret").write_text("secret")
    (root / "private").mkdir(exist_ok=True)
    (root / "private/index.html").write_text("private part")
    bench.start()
    bench.setup()
    assert bench.install(bench.item("a.test"))["a.test"].state == "installed"
    for path in ("/", "/pretty", "/gone", "/.secret", "/private/", "/missing", "/moved%3E"):
        secure, plain = bench.https("a.test", path), bench.get("a.test", path)
        assert (secure.status, secure.location) == (plain.status, plain.location), path
        assert secure.body == plain.body.replace("Port 80", "Port 443"), path
    assert bench.https("a.test", "/private/").status == 401
    assert bench.https("a.test", "/private/", user="alice:open sesame").body == "private part"
    assert bench.https("a.test", "/moved%3E").location == "http://elsewhere.test/"


REDIRECTS = {
    "redirect": "Redirect permanent / https://NAME/",
    "redirect-www": "Redirect / https://www.NAME/",
    "permanent": "RedirectPermanent / https://NAME/",
    "match": "RedirectMatch 301 ^/(.*)$ https://NAME/$1",
    "location": "<Location />\nRedirect 301 https://NAME/\n</Location>",
    "rewrite": "RewriteEngine On\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]",
    "conditions": "RewriteEngine On\nRewriteCond %{HTTP:X-Forwarded-Proto} !https [OR]\nRewriteCond %{HTTPS} off\n"
                  "RewriteRule ^/?(.*) https://%{SERVER_NAME}/$1 [R=301,L]\nRewriteRule ^/old$ /index.html [L]",
    "skip": "RewriteEngine On\nRewriteRule ^/old$ - [S=1]\nRewriteRule ^ https://NAME/ [R,L]\n"
            "RewriteRule ^/old$ /index.html [L]",
    "directory": "<Directory /var/www/NAME>\nRewriteEngine On\nRewriteRule ^(.*)$ https://NAME/$1 [R=301]\n"
                 "</Directory>",
}


def test_a_redirect_to_https_does_not_go_round_in_the_twin(bench: Bench) -> None:
    for kind, lines in REDIRECTS.items():
        name = f"{kind}.test"
        bench.write(kind, site(bench, name, f"ServerAlias www.{name}", lines.replace("NAME", name)))
    bench.start()
    bench.setup()
    outcomes = bench.install(*[bench.item(f"{kind}.test", f"www.{kind}.test") for kind in REDIRECTS])
    assert {outcome.state for outcome in outcomes.values()} == {"installed"}
    for kind, lines in REDIRECTS.items():
        name = f"{kind}.test"
        plain = bench.get(name)
        assert plain.status in (301, 302) and (plain.location or "").startswith("https://"), kind
        assert bench.https(name).body == bench.https(f"www.{name}").body == f"site {name}", kind
        if "old" in lines:
            assert bench.https(name, "/old").body == f"site {name}", "rules behind the redirect still count"


def test_redirects_that_are_part_of_the_website_stay(bench: Bench) -> None:
    rules = ("Redirect /old https://a.test/new", "Redirect /away https://elsewhere.test/",
             "RewriteEngine On", "RewriteRule ^/b$ https://b.test/ [R,L]")
    bench.write("a", site(bench, "a.test", *rules))
    bench.start()
    bench.setup()
    bench.install(bench.item("a.test"))
    assert bench.https("a.test", "/old").location == "https://a.test/new"
    assert bench.https("a.test", "/away").location == "https://elsewhere.test/"
    assert bench.https("a.test", "/b").location == "https://b.test/"


def test_a_proxying_website_tells_its_application_that_the_visitor_came_by_https(bench: Bench) -> None:
    bench.write("backend", "Listen 127.0.0.1:8081\n" + vhost(
        "backend.test", "RewriteEngine On", "RewriteCond %{HTTP:X-Forwarded-Proto} =http",
        "RewriteRule ^ https://a.test%{REQUEST_URI} [R,L]", "DocumentRoot /var/www/backend", at="127.0.0.1:8081"))
    bench.docroot("backend", "application")
    bench.write("a", vhost("a.test", "RequestHeader set X-Forwarded-Proto http", "ProxyPass / http://127.0.0.1:8081/",
                           "ProxyPassReverse / http://127.0.0.1:8081/"))
    bench.start()
    bench.setup()
    bench.install(bench.item("a.test"))
    assert bench.get("a.test").location == "https://a.test/"
    assert bench.https("a.test").body == "application"


def test_a_twin_follows_its_vhost_and_leaves_with_it(bench: Bench) -> None:
    path = bench.write("a", site(bench, "a.test"))
    bench.start()
    bench.setup()
    item = bench.item("a.test")
    bench.install(item)
    path.write_text(site(bench, "a.test", 'Header set X-New "yes"'))
    assert bench.fresh().installed(item.website) is None, "so that the next check installs again"
    assert bench.install(item)["a.test"].state == "installed"
    assert 'Header set X-New "yes"' in TWIN.read_text()
    own, key = bench.pair("own", ["a.test"])
    tls = f"SSLEngine on\nSSLCertificateFile {own}\nSSLCertificateKeyFile {key}"
    path.write_text(site(bench, "a.test") + site(bench, "a.test", tls, at="*:443"))
    assert bench.install(item)["a.test"].state == "installed"
    assert not TWIN.exists()
    path.write_text(site(bench, "b.test"))
    bench.fresh()
    bench.install(bench.item("b.test"))
    path.write_text(site(bench, "c.test"))
    gone = [change.path.name for change in bench.fresh().setup() if change.content is None and change.link is None]
    assert gone == ["zz-autossl-b.test.conf"]


def test_a_twin_is_no_website_by_itself(bench: Bench) -> None:
    path = bench.write("a", site(bench, "a.test", "ServerAlias www.a.test"))
    bench.start()
    bench.setup()

    def found() -> list[tuple[tuple[str, ...], str | None]]:
        websites = source.Source(source.Options(), bench.place).websites()
        return [(website.names, website.file) for website in websites]

    before = found()
    assert bench.install(bench.item("a.test", "www.a.test"))["a.test"].state == "installed"
    assert TWIN.exists() and found() == before == [(("a.test", "www.a.test"), str(ETC / "sites-enabled/a.conf"))]
    path.write_text("")
    assert found() == []


def test_a_twin_is_never_the_default_of_an_address_that_had_one(bench: Bench) -> None:
    own, key = bench.pair("own", ["z.test"])
    tls = f"SSLEngine on\nSSLCertificateFile {own}\nSSLCertificateKeyFile {key}"
    bench.write("z", site(bench, "z.test", tls, at="*:443"))
    bench.write("a", site(bench, "a.test"))
    bench.start()
    bench.setup()
    before = bench.leaf("unknown.test")
    assert bench.install(bench.item("a.test"))["a.test"].state == "installed"
    assert bench.leaf("unknown.test") == before == bench.leaf("z.test")


def test_twins_of_vhosts_with_addresses_of_their_own_take_nobodys_place(bench: Bench) -> None:
    own, key = bench.pair("own", ["b.test"])
    tls = f"SSLEngine on\nSSLCertificateFile {own}\nSSLCertificateKeyFile {key}"
    bench.write("a", site(bench, "a.test", at="127.0.0.3:80"))
    bench.write("b", site(bench, "b.test", tls, at="*:443"))
    bench.start()
    bench.setup()
    b = bench.leaf("b.test", "127.0.0.3")
    item = bench.item("a.test")
    assert bench.install(item)["a.test"].state == "installed"
    assert "<VirtualHost *:443>" in TWIN.read_text()
    assert bench.leaf("b.test", "127.0.0.3") == b, "127.0.0.3:443 would have taken this one away"
    assert bench.leaf("a.test", "127.0.0.3") == item.certificate.serial
    bench.write("c", site(bench, "c.test", tls, at="127.0.0.3:443"))
    assert bench.install(item)["a.test"].state == "installed"
    assert "<VirtualHost 127.0.0.3:443>" in TWIN.read_text(), "* is not reached at an address that others have"
    assert bench.leaf("a.test", "127.0.0.3") == item.certificate.serial


def test_a_website_that_is_only_on_ipv6_is_twinned_and_proved_there(bench: Bench) -> None:
    (ETC / "ports.conf").write_text("Listen 80\nListen [::1]:443\n")
    bench.write("a", site(bench, "a.test", at="[::1]:80"))
    bench.start()
    bench.setup()
    item = bench.item("a.test")
    assert bench.install(item)["a.test"].state == "installed"
    assert bench.https("a.test", address="::1").body == "site a.test"


def test_each_vhost_of_a_website_gets_its_own_twin_and_others_keep_theirs(bench: Bench) -> None:
    own, key = bench.pair("own", ["shop.a.test"])
    tls = f"SSLEngine on\nSSLCertificateFile {own}\nSSLCertificateKeyFile {key}"
    bench.write("a", site(bench, "a.test", "ServerAlias *.wild.test") + site(bench, "blog.a.test")
                + site(bench, "shop.a.test", tls, at="*:443"))
    bench.start()
    bench.setup()
    item = bench.item("a.test", "blog.a.test", "shop.a.test")
    assert bench.install(item)["a.test"].text == "3 names on port 443"
    for name in item.website.names:
        assert bench.https(name).body == f"site {name}"


def test_many_websites_cost_one_reload_and_are_undone_byte_for_byte(bench: Bench) -> None:
    for number in range(20):
        bench.write(f"s{number}", site(bench, f"s{number}.test"))
    before = everything()
    bench.start()
    bench.setup()
    items = [bench.item(f"s{number}.test") for number in range(20)]
    assert {outcome.state for outcome in bench.install(*items).values()} == {"installed"}
    bench.undo()
    assert everything() == before


HOSTILE = {
    "a directive in a header": 'Header set X "a>\\" </VirtualHost> SSLEngine off"',
    "a backslash at the end": "SetEnv A b\\ \nSetEnv C d",
    "a docroot with quotes": 'DocumentRoot "/var/www/q\\"uo\'te>"',
    "a docroot that does not exist": "DocumentRoot /nowhere/at/all",
    "a section in a pattern": '<LocationMatch "^/x</LocationMatch>">\nRequire all denied\n</LocationMatch>',
    "text behind a section": "<Directory /srv> x y\nRequire all denied\n</Directory>",
    "an unknown variable": "SetEnv A ${NOBODY_DEFINED_THIS}",
    "an empty section": "<Location /empty>\n</Location>",
    "percent signs": 'LogFormat "%h %{X}i \\"%r\\"" mine',
}


def inside(directive: Directive) -> list[Any]:
    """All that a section holds, without what a twin has of its own."""
    added = {"ServerName", "SSLEngine", "SSLCertificateFile", "SSLCertificateKeyFile"}
    return [(item.name, item.args, inside(item)) for item in directive.children if item.name not in added]


def test_what_stands_in_a_vhost_reads_the_same_in_its_twin(bench: Bench) -> None:
    for number, lines in enumerate(HOSTILE.values()):
        bench.write(f"h{number}", vhost(f"h{number}.test", lines))
    bench.start()
    bench.setup()
    outcomes = bench.install(*[bench.item(f"h{number}.test") for number in range(len(HOSTILE))])
    assert {outcome.state for outcome in outcomes.values()} == {"installed"}
    read = privileged.apache_configuration(privileged.WhereApacheIs()).vhosts
    for number, kind in enumerate(HOSTILE):
        plain, twin = (one.directive for one in read if one.server_name == f"h{number}.test")
        assert inside(twin) == inside(plain) != [], kind


def test_a_value_that_does_not_read_as_one_line_is_refused_and_nothing_is_touched(bench: Bench) -> None:
    envvars = ETC / "envvars"
    text = envvars.read_text()
    bench.write("a", vhost("a.test", "SetEnv BYTES \udcff"))
    bench.start()
    bench.setup()
    before = everything()
    outcome = bench.install(bench.item("a.test"))["a.test"]
    assert (outcome.state, outcome.code) == ("failed", "https_not_possible")
    assert "not UTF-8" in outcome.text and everything() == before and envvars.read_text() == text


def test_names_with_signs_of_a_directive_never_reach_a_file(bench: Bench) -> None:
    bench.write("a", vhost('"a.test>"', 'ServerAlias "x\\"y.test" good.test "</VirtualHost>"'))
    bench.start()
    bench.setup()
    item = bench.item("good.test")
    assert bench.install(item)["good.test"].state == "installed"
    text = Path(ETC / "sites-enabled/zz-autossl-good.test.conf").read_text()
    assert "ServerName good.test\n" in text and "x\"y" not in text and "a.test>" not in text
    assert not bench.service.concerns(Website("alice", ("nobody.test",)))
