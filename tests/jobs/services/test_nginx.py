"""nginx's challenge rule, https twins and re-pointed blocks, on a real nginx with real handshakes."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

import jobs.install
from jobs.policy.file_change import FileChange
from jobs.policy.site import Website
from tests.fakes import TestCA
from tests.jobs.services.nginx_bench import ANSWER, BACKEND, ETC, TOKEN, Bench

pytestmark = pytest.mark.e2e(timeout=240)

ROOT = "/var/www/hostile"

HOSTILE = {
    "plain": f"root {ROOT};",
    "return": "return 301 https://$host$request_uri;",
    "return_404": "return 404;",
    "rewrite_permanent": "rewrite ^ https://$host$request_uri? permanent;",
    "rewrite_away": f"root {ROOT}; rewrite ^/(.*)$ /index.html?q=$1 last;",
    "if_scheme": f'root {ROOT}; if ($scheme != "https") {{ return 301 https://$host$request_uri; }}',
    "if_return_403": f"root {ROOT}; if ($request_uri ~ .) {{ return 403; }}",
    "auth_basic": f'root {ROOT}; auth_basic "closed"; auth_basic_user_file /etc/nginx/nobody;',
    "deny": f"root {ROOT}; deny all;",
    "satisfy_all": f'root {ROOT}; satisfy all; deny all; auth_basic "closed"; auth_basic_user_file /etc/nginx/nobody;',
    "auth_request": f"root {ROOT}; auth_request /no; location = /no {{ internal; return 401; }}",
    "location_root": "location / { return 301 https://$host$request_uri; }",
    "regex_dotfiles": f"root {ROOT}; location ~ /\\. {{ deny all; }}",
    "regex_everything": f"root {ROOT}; location ~ .* {{ return 410; }}",
    "own_well_known": f"root {ROOT}; location /.well-known/ {{ return 403; }}",
    "own_challenge": f"root {ROOT}; location ^~ /.well-known/acme-challenge/ {{ return 403; }}",
    "own_challenge_exact": f"location = /.well-known/acme-challenge/{TOKEN} {{ return 403; }}",
    "proxy": "location / { proxy_pass http://127.0.0.1:8081; }",
    "try_files": f"root {ROOT}; try_files $uri /index.html;",
    "wordpress": f"root {ROOT}; location / {{ try_files $uri $uri/ /index.html?$args; }}",
    "error_page": f"root {ROOT}; error_page 404 403 = /index.html; deny all;",
}


@pytest.fixture
def bench() -> Iterator[Bench]:
    running = Bench()
    running.docroot("hostile", "site")
    yield running
    running.clear()


def host(name: str) -> str:
    return f"{name.replace('_', '-')}.test"


def everything() -> dict[str, bytes | str]:
    """Every file and link of nginx's configuration, byte for byte."""
    return {
        str(path): str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in sorted(ETC.rglob("*")) if path.is_symlink() or path.is_file()
    }


# --- challenges


def test_a_challenge_is_answered_by_every_hostile_server_block(bench: Bench) -> None:
    text = BACKEND + "".join(
        f"server {{\n    listen 80;\n    server_name {host(name)};\n    {body}\n}}\n" for name, body in HOSTILE.items()
    )
    bench.write("hostile", text)
    bench.start()
    before = {name: bench.challenge(host(name)).status for name in HOSTILE}
    assert set(before.values()) <= {200, 301, 401, 403, 404, 410}
    bench.setup()
    wrong = {}
    for name in HOSTILE:
        answer = bench.challenge(host(name))
        if (answer.status, answer.body) != (200, ANSWER):
            wrong[name] = answer
    assert wrong == {}


def test_a_token_of_another_acme_client_still_reaches_the_site(bench: Bench) -> None:
    site = bench.docroot("own-client", "site")
    (site / ".well-known/acme-challenge").mkdir(parents=True, exist_ok=True)
    (site / ".well-known/acme-challenge/theirs").write_text("their answer")
    bench.write("a", BACKEND + f"server {{ listen 80; server_name files.test; root {site}; }}\n"
                "server { listen 80; server_name proxy.test; location / { proxy_pass http://127.0.0.1:8081; } }\n"
                "server { listen 80; server_name away.test; return 301 https://$host$request_uri; }\n")
    bench.start()
    bench.setup()
    assert bench.get("files.test", "/.well-known/acme-challenge/theirs").body == "their answer"
    assert bench.get("files.test", "/.well-known/acme-challenge/unknown").status == 404
    asked = "/.well-known/acme-challenge/theirs?x=1"
    assert bench.get("proxy.test", asked).body == "backend /.well-known/acme-challenge/theirs"
    assert bench.get("away.test", asked).location == f"https://away.test{asked}"
    assert bench.challenge("proxy.test").status == 200


@pytest.mark.parametrize("path", [
    "/.well-known/acme-challenge/",
    "/.well-known/acme-challenge/..%2f..%2fsecret",
    "/.well-known/acme-challenge/../secret",
    "/.autossl-challenge/" + TOKEN,
    "/.autossl-challenge/..%2fsecret",
    "/.well-known/acme-challenge/" + TOKEN + "/x",
    "/x/.well-known/acme-challenge/" + TOKEN,
])
def test_nothing_but_a_token_can_be_read_through_the_rule(bench: Bench, path: str) -> None:
    (bench.place.instance / "secret").write_text("secret")
    bench.write("a", f"server {{ listen 80; server_name a.test; root {ROOT}; }}\n")
    bench.start()
    bench.setup()
    assert bench.challenge("a.test").status == 200
    assert bench.get("a.test", path).status in (400, 403, 404)


def test_a_name_without_a_server_block_is_answered_too(bench: Bench) -> None:
    listens = "listen 80 default_server; listen [::]:80 default_server;"
    bench.write("default", f"server {{ {listens} server_name _; root {ROOT}; }}")
    bench.start()
    bench.setup()
    assert bench.challenge("mail.nobody.test").body == ANSWER
    assert bench.challenge("mail.nobody.test", "::1").body == ANSWER


ODD = """# a comment with { and ; and a quote '
server{listen 80;server_name one-line.test;return 301 https://$host$request_uri;}
server { server_name "quoted.test" 'also.test'; root ROOT; }   # it listens on 80 by itself
server {# {
\tlisten\t127.0.0.1:80; # }
\tserver_name tabs.test;\r
\treturn 301 "https://x.test/;{}$request_uri";
}
server
{

    # the first words are a comment
    server_name ~^(?<sub>.+)\\.regex\\.test$ brace.test "~^a{2}x$";
    if ($host ~* "^(www\\.)?\\{x}") { return 410; }
    include /etc/nginx/snippets/body.part;
}
server {
    include /etc/nginx/snippets/body.part;
    server_name shared.test;
    location / { return 200 caf\udce9; }
}"""


def test_server_blocks_in_every_manner_of_writing_are_edited_at_their_place_only(bench: Bench) -> None:
    (ETC / "snippets/body.part").write_text("listen 80;\n")
    text = ODD.replace("ROOT", ROOT)
    path = bench.write("odd", text)
    bench.start()
    before = everything()
    bench.setup()
    line = 'include "/etc/nginx/snippets/autossl-challenge*.conf";'
    edited = path.read_bytes().decode("utf-8", "surrogateescape")
    assert edited.count(line) == 5
    assert "".join(edited.replace(line, "").split()) == "".join(text.split())
    assert f"server{{ {line}listen 80;" in edited
    assert f"server {{# {{\n\t{line}\n\tlisten\t127.0.0.1:80; # }}" in edited
    assert f"server\n{{\n    {line}\n\n    # the first words" in edited
    assert (ETC / "sites-enabled/odd").is_symlink()
    for name in ("one-line.test", "quoted.test", "also.test", "tabs.test", "brace.test", "shared.test", "x.regex.test"):
        assert bench.challenge(name).status == 200, name
    assert bench.service.setup() == [], "a second setup has nothing to do"
    bench.undo()
    assert everything() == before
    assert bench.challenge("one-line.test").status == 301


def test_a_file_that_a_user_owns_is_left_alone_and_the_rest_is_done(bench: Bench) -> None:
    bench.write("a", f"server {{ listen 80; server_name a.test; root {ROOT}; }}\n")
    theirs = bench.write("b", f"server {{ listen 80; server_name b.test; root {ROOT}; }}\n")
    os.chown(theirs, 1001, 1001)
    before = theirs.read_bytes()
    bench.start()
    bench.setup()
    assert theirs.read_bytes() == before
    assert bench.challenge("a.test").status == 200
    (failure,) = bench.service.left_undone()
    assert failure.code == "config_not_editable"
    assert "belongs to uid 1001" in failure.detail and "autossl-challenge*.conf" in failure.detail


def test_a_configuration_that_was_broken_before_is_not_touched(bench: Bench) -> None:
    bench.write("a", f"server {{ listen 80; server_name a.test; root {ROOT}; }}\n")
    bench.start()
    bench.write("broken", "server { listen 80; nonsense on; }\n")
    before = everything()
    outcome = bench.install(bench.item("a.test"))["a.test"]
    assert outcome.code == "config_broken_before"
    assert 'unknown directive "nonsense"' in outcome.text
    assert everything() == before
    assert not bench.place.link("a.test", "nginx").is_symlink()


# --- twins

SITE = """server {
    listen 80;
    listen [::]:80;
    server_name a.test www.a.test;
    root /var/www/a;
    if ($http_x_forwarded_proto != "https") {
        return 301 https://$host$request_uri;
    }
    location /closed/ { auth_basic "closed"; auth_basic_user_file /etc/nginx/nobody; }
    location /denied { deny all; }
    location /app {
        rewrite ^ https://$server_name$request_uri permanent;
        proxy_pass http://127.0.0.1:8081;
    }
    location = /elsewhere { return 302 https://elsewhere.test/; }
    location ~ "^/x{2}$" { return 410; }
    add_header X-Site "it's; a } site";
}
"""


def test_a_website_without_https_gets_a_twin_that_behaves_as_it_did(bench: Bench) -> None:
    bench.docroot("a", "site a")
    (bench.docroot("a/closed", "closed"))
    bench.write("a", BACKEND + SITE)
    bench.start()
    before = everything()
    bench.setup()
    item = bench.item("a.test", "www.a.test")
    assert bench.service.installed(item.website) is None and bench.service.concerns(item.website)
    outcome = bench.install(item)["a.test"]
    assert (outcome.state, outcome.text) == ("installed", "2 names on port 443")
    for address in ("127.0.0.1", "::1"):
        assert bench.https("www.a.test", "/", address).body == "site a"
    assert bench.https("a.test", "/closed/").status == 401
    assert bench.https("a.test", "/denied").status == 403
    assert bench.https("a.test", "/app").body == "backend /app"
    assert bench.https("a.test", "/elsewhere").location == "https://elsewhere.test/"
    assert bench.https("a.test", "/xx").status == 410
    assert bench.get("a.test").location == "https://a.test/", "by http it still redirects"
    installed = bench.service.installed(item.website)
    assert installed is not None and installed.ours
    assert installed.certificate == item.certificate
    assert bench.service.install(item.website, item.certificate) == [], "a second time nothing changes"
    bench.undo()
    assert everything() == before


def test_a_renewal_switches_the_link_and_changes_no_file(bench: Bench) -> None:
    bench.write("a", f"server {{ listen 80; server_name a.test; root {ROOT}; }}\n")
    bench.start()
    bench.install(bench.item("a.test"))
    before = everything()
    item = bench.item("a.test")
    assert bench.install(item)["a.test"].state == "installed"
    assert bench.leaf("a.test") == item.certificate.serial
    assert everything() == before


def test_a_new_name_of_the_website_comes_into_its_twin(bench: Bench) -> None:
    bench.write("a", f"server {{ listen 80; server_name a.test; root {ROOT}; }}\n")
    bench.start()
    bench.install(bench.item("a.test"))
    bench.write("a", f"server {{ listen 80; server_name a.test b.test; root {ROOT}; }}\n")
    website = Website("alice", ("a.test", "b.test"))
    assert bench.service.installed(website) is None, "b.test has no https yet"
    item = bench.item("a.test", "b.test")
    assert bench.install(item)["a.test"].text == "2 names on port 443"
    assert bench.https("b.test").body == "site"


def test_every_server_block_of_a_website_is_secured(bench: Bench) -> None:
    chain, key = bench.pair("b", ["blog.a.test"])
    bench.write("a", f"server {{ listen 80; server_name a.test; root {ROOT}; }}\n"
                "server { listen 80; server_name www.a.test; return 301 http://a.test$request_uri; }\n"
                f"server {{ listen 443 ssl; server_name blog.a.test; root {ROOT};\n"
                f"    ssl_certificate {chain}; ssl_certificate_key {key}; }}\n"
                "server { listen 80; server_name blog.a.test; return 301 https://$host$request_uri; }\n")
    bench.start()
    item = bench.item("a.test", "www.a.test", "blog.a.test")
    assert bench.install(item)["a.test"].text == "3 names on port 443"
    assert bench.https("www.a.test", "/x").location == "http://a.test/x", "a redirect to elsewhere is kept"
    assert bench.https("blog.a.test").body == "site"
    twins = (bench.place.conf / "nginx/a.test.conf").read_text()
    assert "server_name a.test;" in twins and "server_name www.a.test;" in twins and "blog" not in twins


def test_a_hostile_name_or_docroot_does_not_become_a_directive_of_the_twin(bench: Bench) -> None:
    bench.docroot("a b; return 500", "hostile docroot")
    bench.write("a", """server { listen 80;
        server_name good.test "evil.test; return 500" "x\\ny.test" '${host}.test' "*.wild.test" ~^re\\.test$ "_";
        root "/var/www/a b; return 500"; location "/q;}{" { return 200 "$uri\\";}"; } }\n""")
    bench.start()
    item = bench.item("good.test", "*.wild.test")
    assert bench.install(item)["good.test"].text == "2 names on port 443"
    assert bench.https("good.test").body == "hostile docroot"
    assert bench.https("good.test", "/q;%7D%7B").body == '/q;}{";}'
    lines = (bench.place.conf / "nginx/good.test.conf").read_text().splitlines()
    (names,) = [line for line in lines if "server_name" in line]
    assert names.split() == ["server_name", "good.test", "*.wild.test;"]


def test_a_twin_takes_no_connection_from_the_blocks_that_were_there(bench: Bench) -> None:
    chain, key = bench.pair("old", ["old.test", "near.test"])
    pair = f"ssl_certificate {chain}; ssl_certificate_key {key};"
    bench.write("z-old", f"server {{ listen 443 ssl; server_name old.test; root {ROOT}; {pair} }}\n"
                f"server {{ listen 127.0.0.3:443 ssl; server_name near.test; root {ROOT}; {pair} }}\n")
    bench.write("a", f"server {{ listen 127.0.0.2:80; server_name a.test; root {ROOT}; }}\n"
                f"server {{ listen 80; server_name b.test; root {ROOT}; }}\n")
    bench.start()
    foreign = bench.leaf("nobody.test")
    items = [bench.item("a.test"), bench.item("b.test")]
    assert {outcome.state for outcome in bench.install(*items).values()} == {"installed"}
    assert bench.leaf("nobody.test") == foreign, "the default of the address is who it was"
    assert bench.leaf("old.test", "127.0.0.2") == foreign, "the address of a.test still has the others"
    assert bench.leaf("a.test", "127.0.0.2") == items[0].certificate.serial
    assert bench.leaf("b.test", "127.0.0.3") == items[1].certificate.serial
    assert bench.leaf("near.test", "127.0.0.3") == foreign


def test_a_socket_for_both_families_is_not_opened_twice(bench: Bench) -> None:
    chain, key = bench.pair("old", ["old.test"])
    bench.write("old", f"server {{ listen [::]:443 ssl ipv6only=off; server_name old.test; root {ROOT};"
                f" ssl_certificate {chain}; ssl_certificate_key {key}; }}\n")
    bench.write("a", f"server {{ listen 80; server_name a.test; root {ROOT}; }}\n"
                f"server {{ listen [::]:80; server_name b.test; root {ROOT}; }}\n")
    bench.start()
    outcomes = bench.install(bench.item("a.test"), bench.item("b.test"))
    assert {outcome.state for outcome in outcomes.values()} == {"installed"}
    assert bench.https("a.test", "/", "127.0.0.1").body == bench.https("b.test", "/", "::1").body == "site"


@pytest.mark.parametrize(("text", "words"), [
    ("server { server_name a.test; return 301 https://$host$request_uri; }", "only redirects to https"),
    ("server { server_name a.test; root ROOT; }\nserver { listen 443; server_name x.test; }", "plain http on port"),
    ("server { listen 80 proxy_protocol; server_name a.test; root ROOT; }", "arrives through a proxy"),
])
def test_a_twin_that_would_do_harm_is_not_made(bench: Bench, text: str, words: str) -> None:
    bench.write("a", text.replace("ROOT", ROOT))
    bench.start()
    before = everything()
    outcome = bench.install(bench.item("a.test"))["a.test"]
    assert outcome.code == "https_not_possible" and words in outcome.text
    assert everything() == before


def test_a_twin_without_a_website_is_taken_away_by_the_next_setup(bench: Bench) -> None:
    bench.write("a", f"server {{ listen 80; server_name a.test; root {ROOT}; }}\n")
    bench.write("b", f"server {{ listen 80; server_name b.test; root {ROOT}; }}\n")
    bench.start()
    bench.install(bench.item("a.test"), bench.item("b.test"))
    (ETC / "sites-enabled/a").unlink()
    bench.service.forget()
    assert not bench.service.concerns(Website("alice", ("a.test",)))
    bench.setup()
    assert [path.name for path in (bench.place.conf / "nginx").iterdir()] == ["b.test.conf"]


# --- blocks that have https


def test_a_certificate_is_pointed_at_ours_in_its_very_lines(bench: Bench) -> None:
    chain, key = bench.pair("old", ["a.test"])
    text = f"""server {{ # mine
    listen 443 ssl; server_name a.test;
    ssl_certificate      "{chain}";  # expired
    ssl_certificate_key\t{key};
    ssl_certificate {chain};
    ssl_certificate_key {key}; # the second pair
    root {ROOT};
}}
"""
    path = bench.write("a", text)
    bench.start()
    before = everything()
    item = bench.item("a.test")
    installed = bench.service.installed(item.website)
    assert installed is not None and not installed.ours and installed.path == chain
    assert bench.install(item)["a.test"].state == "installed"
    link = bench.place.link("a.test", "nginx")
    assert path.read_text() == f"""server {{ # mine
    listen 443 ssl; server_name a.test;
    ssl_certificate      "{link}/fullchain.pem";  # expired
    ssl_certificate_key\t"{link}/privkey.pem";
     # the second pair
    root {ROOT};
}}
"""
    assert (bench.leaf("a.test"), bench.https("a.test").body) == (item.certificate.serial, "site")
    bench.undo()
    assert everything() == before


def test_a_pair_that_other_blocks_read_too_is_not_changed_for_them(bench: Bench) -> None:
    chain, key = bench.pair("shared", ["a.test", "b.test"])
    shared = ETC / "snippets/shared.conf"
    pair = f"ssl_certificate {chain};\nssl_certificate_key {key};\n"
    shared.write_text(f"# the pair of all\n{pair}add_header X-Shared yes;\n")
    inside = "include snippets/shared.conf;"
    path = bench.write("sites", f"server {{ listen 443 ssl; server_name a.test; {inside} root {ROOT}; }}\n"
                       f"server {{\n    listen 443 ssl;\n    server_name b.test;\n    {inside}\n    root {ROOT};\n}}\n")
    bench.start()
    foreign, untouched = bench.leaf("a.test"), shared.read_bytes()
    item = bench.item("b.test")
    assert bench.install(item)["b.test"].state == "installed"
    assert (bench.leaf("a.test"), bench.leaf("b.test")) == (foreign, item.certificate.serial)
    assert shared.read_bytes() == untouched
    assert path.read_text().startswith(f"server {{ listen 443 ssl; server_name a.test; {inside} root {ROOT}; }}\n")
    assert "    add_header X-Shared yes;\n    root" in path.read_text(), "the rest of the snippet stays in force"
    other = bench.item("a.test")
    assert bench.install(other)["a.test"].state == "installed"
    assert (bench.leaf("a.test"), bench.leaf("b.test")) == (other.certificate.serial, item.certificate.serial)


def test_a_pair_of_the_whole_http_block_is_overruled_in_the_website_only(bench: Bench) -> None:
    chain, key = bench.pair("all", ["a.test", "b.test"])
    (ETC / "conf.d/pair.conf").write_text(f"ssl_certificate {chain};\nssl_certificate_key {key};\n")
    path = bench.write("sites", "".join(
        f"server {{\n\tlisten 443 ssl;\n\tserver_name {name}.test;\n\troot {ROOT};\n}}\n" for name in "ab"))
    bench.start()
    foreign = bench.leaf("a.test")
    items = [bench.item("a.test"), bench.item("b.test")]
    bench.install(items[1])
    assert (bench.leaf("a.test"), bench.leaf("b.test")) == (foreign, items[1].certificate.serial)
    assert '\n\tssl_certificate "' in path.read_text()
    bench.install(items[0])
    assert bench.leaf("a.test") == items[0].certificate.serial


def test_a_block_behind_a_proxy_is_pointed_at_ours_though_no_handshake_reaches_it(bench: Bench) -> None:
    chain, key = bench.pair("old", ["a.test"])
    pair = f"ssl_certificate {chain}; ssl_certificate_key {key};"
    path = bench.write("a", f"server {{ listen 443 ssl proxy_protocol; server_name a.test; {pair} }}\n")
    bench.start()
    outcome = bench.install(bench.item("a.test"))["a.test"]
    assert (outcome.state, outcome.text) == ("installed", "nothing to probe")
    assert str(chain) not in path.read_text()


def test_two_websites_of_one_file_are_changed_in_one_run(bench: Bench) -> None:
    chain, key = bench.pair("old", ["a.test", "b.test"])
    bench.write("both", "".join(
        f"server {{ listen 443 ssl; server_name {name}.test; ssl_certificate {chain}; ssl_certificate_key {key}; }}\n"
        for name in "ab"))
    bench.start()
    items = [bench.item("a.test"), bench.item("b.test")]
    assert {outcome.state for outcome in bench.install(*items).values()} == {"installed"}
    assert [bench.leaf(f"{name}.test") for name in "ab"] == [item.certificate.serial for item in items]


def test_a_pair_that_does_not_match_is_refused_by_nginx_and_taken_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs.install, "unloadable", lambda directories: {})  # it would not come so far
    chain, key = bench.pair("old", ["a.test"])
    pair = f"ssl_certificate {chain}; ssl_certificate_key {key};"
    bench.write("a", f"server {{ listen 443 ssl; server_name a.test; {pair} }}\n")
    bench.write("b", f"server {{ listen 80; server_name b.test; root {ROOT}; }}\n")
    bench.start()
    foreign, before = bench.leaf("a.test"), everything()
    bad, good = bench.item("a.test"), bench.item("b.test")
    (bad.directory / "privkey.pem").write_bytes(TestCA().bundle(["a.test"]).privkey)
    outcomes = bench.install(bad, good)
    assert outcomes["a.test"].code == "config_test_failed" and "key values mismatch" in outcomes["a.test"].text
    assert outcomes["b.test"].state == "installed"
    assert bench.leaf("a.test") == foreign
    assert everything()[f"{ETC}/sites-available/a"] == before[f"{ETC}/sites-available/a"]
    assert not bench.place.link("a.test", "nginx").is_symlink()


def test_a_block_of_a_user_is_refused_and_a_failed_install_leaves_no_edit_behind(bench: Bench) -> None:
    chain, key = bench.pair("old", ["a.test", "b.test"])
    pair = f"ssl_certificate {chain}; ssl_certificate_key {key};"
    root = bench.write("a", f"server {{ listen 443 ssl; server_name a.test; {pair} }}\n"
                       f"server {{ listen 443 ssl; server_name c.test; {pair} }}\n")
    theirs = bench.write("b", f"server {{ listen 443 ssl; server_name b.test; {pair} }}\n")
    os.chown(theirs, 1001, 1001)
    bench.start()
    text = root.read_text()
    outcomes = bench.install(bench.item("a.test", "b.test"), bench.item("c.test"))
    assert outcomes["a.test"].code == "config_not_editable"
    assert outcomes["c.test"].state == "installed"
    assert root.read_text().splitlines()[0] == text.splitlines()[0]


def test_a_stopped_nginx_is_not_started_and_serves_later(bench: Bench) -> None:
    bench.write("a", f"server {{ listen 80; server_name a.test; root {ROOT}; }}\n")
    item = bench.item("a.test")
    assert bench.install(item)["a.test"].code == "service_not_running"
    bench.start()
    assert bench.leaf("a.test") == item.certificate.serial


def test_a_file_that_changed_while_it_was_worked_on_is_not_edited(bench: Bench) -> None:
    path = bench.write("a", f"server {{ listen 80; server_name a.test; root {ROOT}; }}\n")
    bench.service.concerns(Website("alice", ("a.test",)))  # the configuration was read
    path.write_text(f"map $host $x {{ default 1; }}\n{path.read_text()}")
    changes: list[FileChange] = [change for change in bench.service.setup() if change.path == path]
    assert changes == []
    assert [failure.code for failure in bench.service.left_undone()] == ["config_not_editable"]
