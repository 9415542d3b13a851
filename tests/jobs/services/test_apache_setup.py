"""Apache's challenge rule on the real Apache: it answers through every hostile vhost, and goes away without a trace."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.policy.failure import Failure
from jobs.wiring.instance import create, open_instance
from jobs.wiring.setup import setup
from tests.jobs.services.apache_bench import ANSWER, ETC, Bench, everything

pytestmark = pytest.mark.e2e(timeout=240)

ROOT = "/var/www/hostile"
PASSWORDS = "AuthType Basic\nAuthName x\nAuthUserFile /etc/apache2/nobody\nRequire valid-user"
WORDPRESS = "RewriteEngine On\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule . /index.html [L]"

HTACCESS = {
    "ht-rewrite": "RewriteEngine On\nRewriteRule ^(.*)$ https://%{HTTP_HOST}/$1 [R=301,L]\n",
    "ht-redirect": "Redirect permanent / https://elsewhere.test/\n",
    "ht-auth": f"{PASSWORDS}\n",
    "wordpress": f"{WORDPRESS}\n",
}
VHOST = {
    "plain": "",
    "redirect": "Redirect permanent / https://redirect.test/",
    "proxy": "ProxyPass / http://127.0.0.1:9/",
    "location-auth": f"<Location />\n{PASSWORDS}\n</Location>",
    "location-deny": "<Location />\nRequire all denied\n</Location>",
    "location-redirect": "<Location />\nRedirect permanent https://elsewhere.test/\n</Location>",
    "location-proxy": "<Location />\nProxyPass http://127.0.0.1:9/\n</Location>",
    "rewrite": "RewriteEngine On\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]",
    "rewrite-inherit": "RewriteEngine On\nRewriteOptions Inherit\nRewriteRule ^ https://elsewhere.test/ [R,L]",
    "rewrite-off": "RewriteEngine Off\nRedirect / https://elsewhere.test/",
    "own-alias": "Alias /.well-known /nowhere",
    "dotfiles": 'RedirectMatch 404 "/\\."',
    "locationmatch": '<LocationMatch "/\\.">\nRequire all denied\n</LocationMatch>',
    "files": '<FilesMatch ".*">\nRequire all denied\n</FilesMatch>',
}
NAMES = [*VHOST, *HTACCESS, "nobody-lists-this"]


@pytest.fixture
def bench() -> Iterator[Bench]:
    running = Bench()
    yield running
    running.clear()


def write_hostile(bench: Bench) -> None:
    for name in (*VHOST, *HTACCESS):
        root = bench.docroot(f"hostile-{name}", name)
        if name in HTACCESS:
            (root / ".htaccess").write_text(HTACCESS[name])
        text = f"<Directory {root}>\nAllowOverride All\nRequire all granted\n</Directory>\n{VHOST.get(name, '')}"
        bench.write(name, f"<VirtualHost *:80>\nServerName {name}.test\nDocumentRoot {root}\n{text}\n</VirtualHost>\n")


def test_the_challenge_is_answered_by_every_hostile_vhost_and_nothing_else_changes(bench: Bench) -> None:
    assert len(NAMES) == 19
    write_hostile(bench)
    bench.start()
    before = {name: bench.get(f"{name}.test", "/page") for name in NAMES}
    unanswered = [name for name in NAMES if bench.challenge(f"{name}.test").body != ANSWER]
    assert len(unanswered) >= 18, "the vhosts are not hostile"
    bench.setup()
    answers = {name: bench.challenge(f"{name}.test") for name in NAMES}
    assert {name: (answer.status, answer.body) for name, answer in answers.items()} == {
        name: (200, ANSWER) for name in NAMES
    }
    assert {name: bench.get(f"{name}.test", "/page") for name in NAMES} == before


def test_a_token_that_is_not_ours_goes_its_usual_way(bench: Bench) -> None:
    root = bench.docroot("own", "site")
    (root / ".well-known/acme-challenge").mkdir(parents=True, exist_ok=True)
    (root / ".well-known/acme-challenge/theirs").write_text("another client's")
    bench.write("own", f"<VirtualHost *:80>\nServerName own.test\nDocumentRoot {root}\n</VirtualHost>\n")
    bench.start()
    bench.setup()
    (bench.place.instance / "secret").write_text("secret")
    folder = "/.well-known/acme-challenge"
    assert bench.get("own.test", f"{folder}/theirs").body == "another client's"
    assert bench.get("own.test", f"{folder}/../../secret").status == 404
    assert bench.get("own.test", f"{folder}/..%2f..%2fsecret").status == 404
    assert bench.get("own.test", f"{folder}/").status in (200, 403, 404)


def test_setup_a_second_time_has_nothing_to_do(bench: Bench) -> None:
    bench.start()
    assert {path.name for path in (change.path for change in bench.setup())} >= {"autossl.conf", "lua.load", "ssl.load"}
    assert list(bench.fresh().setup()) == []


def test_undoing_the_setup_leaves_every_byte_as_it_was(bench: Bench) -> None:
    write_hostile(bench)
    before = everything()
    bench.start()
    bench.setup()
    assert everything() != before
    bench.undo()
    assert everything() == before
    assert bench.challenge("redirect.test").status == 301


def test_undoing_costs_no_visitor_a_request(bench: Bench) -> None:
    root = bench.docroot("own", "site")
    bench.write("own", f"<VirtualHost *:80>\nServerName own.test\nDocumentRoot {root}\n</VirtualHost>\n")
    bench.start()
    directory = Path("/var/lib/autossl-undone")
    create(directory)
    (directory / "config.toml").write_text("".join(
        f"[services.{name}]\n{key} = '/nowhere'\n" for name, key in
        (("nginx", "binary"), ("dovecot", "doveconf"), ("exim", "binary"), ("postfix", "postconf"))))
    instance = open_instance(directory)
    answers: list[tuple[int, str]] = []
    done = threading.Event()

    def visit() -> None:
        while not done.is_set():
            answer = bench.get("own.test")
            answers.append((answer.status, answer.body))

    visitors = [threading.Thread(target=visit) for _ in range(4)]
    try:
        before = everything()
        assert setup(instance)["failed"] == []
        for visitor in visitors:
            visitor.start()
        assert setup(instance, undo=True)["failed"] == []
        assert everything() == before
    finally:
        done.set()
        for visitor in visitors:
            visitor.join()
        instance.close()
        shutil.rmtree(directory)
    assert len(answers) > 50 and set(answers) == {(200, "site")}


def test_an_installation_that_goes_away_without_undoing_does_not_take_the_websites_along(bench: Bench) -> None:
    root = bench.docroot("own", "site")
    bench.write("own", f"<VirtualHost *:80>\nServerName own.test\nDocumentRoot {root}\n</VirtualHost>\n")
    bench.start()
    bench.setup()
    bench.place.instance.chmod(0o700)
    assert bench.get("own.test").body == "site"
    assert bench.challenge("own.test").status == 404
    bench.place.instance.rename("/var/lib/elsewhere")
    try:
        assert bench.get("own.test").body == "site"
    finally:
        os.rename("/var/lib/elsewhere", bench.place.instance)


def test_a_directory_that_apache_may_not_enter_is_refused_before_anything_is_changed(bench: Bench) -> None:
    bench.place.instance.chmod(0o700)
    with pytest.raises(Failure, match=f"www-data may not enter it.*chmod o\\+x {bench.place.instance}") as caught:
        bench.service.setup()
    assert caught.value.code == "challenges_unreachable"
    bench.place.instance.chmod(0o711)
    assert bench.service.setup()


def test_a_port_that_another_program_has_is_refused_for_apache_would_end_there(bench: Bench) -> None:
    before = everything()
    refused = pytest.raises(Failure, match="port 443 is taken by another program")
    with socket.create_server(("127.0.0.1", 443)), refused as caught:
        bench.service.setup()
    assert caught.value.code == "port_taken"
    assert everything() == before
    assert bench.service.setup()


def test_a_listen_of_our_own_is_written_only_where_there_is_none(bench: Bench) -> None:
    (ETC / "ports.conf").write_text("Listen 80\n")
    bench.start()
    bench.setup()
    assert "Listen 443" in (ETC / "conf-enabled/autossl.conf").read_text()
    assert list(bench.fresh().setup()) == []
    (ETC / "ports.conf").write_text("Listen 80\nListen 127.0.0.1:443\n")
    changes = {change.path.name: change.content for change in bench.fresh().setup()}
    assert list(changes) == ["autossl.conf"] and b"Listen" not in (changes["autossl.conf"] or b"")


def test_a_module_that_is_not_installed_is_named_with_what_to_install(bench: Bench) -> None:
    text = (ETC / "mods-available/lua.load").read_text()
    (ETC / "mods-available/lua.load").write_text(text.replace("mod_lua.so", "mod_moon.so"))
    try:
        with pytest.raises(Failure, match=r"mod_lua is not loaded, and .*mod_moon\.so is not there.*apt-get install"):
            bench.service.setup()
    finally:
        (ETC / "mods-available/lua.load").write_text(text)


def test_the_scope_of_somebody_elses_lua_stays_his_choice(bench: Bench) -> None:
    subprocess.run(["a2enmod", "-q", "lua"], check=True, stdout=subprocess.DEVNULL)
    try:
        (ETC / "conf-enabled/own-lua.conf").write_text("LuaPackagePath /srv/?.lua\n")
        bench.start()
        bench.setup()
        assert "LuaScope" not in (ETC / "conf-enabled/autossl.conf").read_text()
        assert bench.challenge("any.test").body == ANSWER
    finally:
        bench.stop()
        Path(ETC / "conf-enabled/own-lua.conf").unlink()
        subprocess.run(["a2dismod", "-q", "lua"], check=True, stdout=subprocess.DEVNULL)
