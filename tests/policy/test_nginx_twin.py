"""The https twin of an http block: what it keeps, what it drops, where it listens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import crossplane
import pytest

from jobs.policy.nginx_config import Listen, Server, servers, tree
from jobs.policy.nginx_twin import Pair, Sockets, Sources, Twin, answers, quoted, reached, render, twin_addresses

PAIR = Pair("/t/fullchain.pem", "/t/privkey.pem")


def read(tmp_path: Path, text: str, **files: str) -> tuple[list[Server], Sources]:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    main = tmp_path / "nginx.conf"
    main.write_text(f"http {{ {text} }}")
    payload = crossplane.parse(str(main))
    assert payload["status"] == "ok", payload["errors"]
    texts = {config["file"]: Path(config["file"]).read_text() for config in payload["config"]}
    return list(servers(tree(payload))), Sources(texts)


def body(tmp_path: Path, text: str, names: Sequence[str] = ("a.test",), **files: str) -> list[str]:
    """The lines of the twin besides its own five."""
    (server,), sources = read(tmp_path, f"server {{ {text} }}", **files)
    twin = render(Twin(server, tuple(names), ("*",), 443, PAIR, None), sources, dropped=(str(tmp_path / "ours.part"),))
    lines = [line.strip() for line in twin.splitlines()]
    assert lines[0] == "server {" and lines[-1] == "}"
    return lines[5:-1]


@pytest.mark.parametrize("line", [
    "root /x;", 'root "/x y; z";', "return 301 https://elsewhere.test$request_uri;", "return 301 http://a.test/;",
    "return 301 https://www.$host/;", "return 404;", "return 200 https;", "return 301 https://a.test:8443/;",
    "rewrite ^ /index.php last;", "rewrite ^ https://b.test/ permanent;", "if ($host = x) { return 403; }",
    "if ($host = x) { set $a 1; }", "location / { proxy_pass http://127.0.0.1; }", "auth_basic 'x';", "deny all;",
    "return 301 https://a.test.evil.test/;", "error_page 404 /x;", "location ~ \"^/x{2}\" { deny all; }",
])
def test_what_a_twin_keeps_word_for_word(tmp_path: Path, line: str) -> None:
    assert body(tmp_path, line) == [line]


@pytest.mark.parametrize("line", [
    "return 301 https://$host$request_uri;", 'return 301 "https://$host$request_uri";', "return https://a.test;",
    "return 302 https://a.test/x;", "return 301 https://$server_name:443$request_uri;", "return 308 https://${host}/;",
    "return 301 https://A.test$request_uri;", "rewrite ^ https://$http_host$request_uri? permanent;",
    "rewrite ^/(.*)$ https://a.test/$1;", 'if ($scheme != "https") { return 301 https://$host$request_uri; }',
    "if ($x) { rewrite ^ https://$host/; }", "listen 80;", "server_name a.test;", "ssl off;",
    "ssl_certificate /x; ssl_certificate_key /y;", "include ours.part;",
])
def test_what_a_twin_drops(tmp_path: Path, line: str) -> None:
    assert body(tmp_path, line, **{"ours.part": "set $autossl_token '';"}) == []


@pytest.mark.parametrize(("line", "left"), [
    ("location / { return 301 https://$host$request_uri; }", ["location / {", "}"]),
    ("location / { return 301 https://$host/; proxy_pass http://x; }", ["location / {", "proxy_pass http://x;", "}"]),
    ("if ($x) { set $y 1; return 301 https://$host/; }", ["if ($x) {", "set $y 1;", "}"]),
    ("location /a { location /a/b { rewrite ^ https://$host/; root /r; } }",
     ["location /a {", "location /a/b {", "root /r;", "}", "}"]),
])
def test_a_redirect_inside_goes_alone(tmp_path: Path, line: str, left: list[str]) -> None:
    assert body(tmp_path, line) == left


def test_an_include_stays_an_include_unless_something_in_it_goes(tmp_path: Path) -> None:
    files = {"keep.part": "root /x;", "force.part": "add_header A b; include deep.part;",
             "deep.part": "return 301 https://$host$request_uri; expires 1d;"}
    assert body(tmp_path, "include keep.part; include force.part;", **files) == [
        "include keep.part;", "add_header A b;", "expires 1d;"
    ]


def test_the_own_lines_of_a_twin(tmp_path: Path) -> None:
    (server,), sources = read(tmp_path, "server { }")
    twin = Twin(server, ("a.test", "*.a.test"), ("*", "192.0.2.1", "::", "2001:db8::1"), 8443, PAIR, "TLSv1.3")
    assert render(twin, sources) == """server {
    listen 8443 ssl;
    listen 192.0.2.1:8443 ssl;
    listen [::]:8443 ssl;
    listen [2001:db8::1]:8443 ssl;
    server_name a.test *.a.test;
    ssl_certificate "/t/fullchain.pem";
    ssl_certificate_key "/t/privkey.pem";
    ssl_protocols TLSv1.3;
}
"""


@pytest.mark.parametrize(("text", "expected"), [
    ("root /x;", True), ("location / { fastcgi_pass x; }", True), ("return 404;", True),
    ("location / { return 301 https://b.test/; }", True),
    ("return 301 https://$host/;", False), ("location / { return 301 https://$host/; }", False),
    ("if ($x) { return 301 https://a.test/; } add_header a b;", False), ("", False),
])
def test_whether_anything_is_left_to_answer(tmp_path: Path, text: str, expected: bool) -> None:
    (server,), _ = read(tmp_path, f"server {{ {text} }}")
    assert answers(server, ("a.test",)) is expected


@pytest.mark.parametrize(("mine", "others", "expected"), [
    ("listen 80;", "", ["*"]),
    ("listen 80; listen [::]:80;", "", ["*", "::"]),
    ("listen 192.0.2.1:80;", "", ["192.0.2.1"]),
    ("listen 192.0.2.1:80;", "listen 443 ssl;", ["*"]),
    ("listen 192.0.2.1:80;", "listen 443 ssl; listen 192.0.2.1:443 ssl;", ["192.0.2.1"]),
    ("listen 192.0.2.1:80;", "listen [::]:443 ssl;", ["192.0.2.1"]),
    ("listen 80;", "listen 192.0.2.1:443 ssl;", ["*", "192.0.2.1"]),
    ("listen 80;", "listen 192.0.2.1:443 ssl; listen 192.0.2.1:80;", ["*"]),
    ("listen 80;", "listen [2001:db8::1]:443 ssl;", ["*"]),
    ("listen [::]:80 ipv6only=off;", "", ["*", "::"]),
    ("listen 80; listen [::]:80;", "listen [::]:443 ssl ipv6only=off;", ["::"]),
    ("listen 80; listen 8080; listen 443 ssl;", "", ["*"]),
])
def test_where_a_twin_listens(tmp_path: Path, mine: str, others: str, expected: list[str]) -> None:
    found, _ = read(tmp_path, f"server {{ {mine} }}" + (f" server {{ {others} }}" if others else ""))
    assert list(twin_addresses(found[0], Sockets.of(found, 80, 443), 80)) == expected


def test_a_block_that_speaks_plain_http_at_the_https_port_is_known(tmp_path: Path) -> None:
    found, _ = read(tmp_path, "server { listen 80; listen 443; } server { listen 192.0.2.1:443 ssl; }")
    sockets = Sockets.of(found, 80, 443)
    assert dict(sockets.plain) == {"*": found[0].directive}
    assert (sockets.http, sockets.https) == ({"*"}, {"*", "192.0.2.1"})


def test_a_name_reaches_the_first_block_of_its_address(tmp_path: Path) -> None:
    found, _ = read(tmp_path, "server { listen 80; } server { listen 80; listen 81; }")
    first = reached(found, {0: ("a.test",), 1: ("a.test", "b.test")})
    at = {(listen.port, name): position for (listen, name), position in first.items()}
    assert at == {(80, "a.test"): 0, (80, "b.test"): 1, (81, "a.test"): 1, (81, "b.test"): 1}
    assert (Listen("*", 80), "a.test") in first


def test_a_quoted_include_is_opened_only_where_it_must_be(tmp_path: Path) -> None:
    files = {"pair.part": "ssl_certificate x; keepalive_timeout 5; include more.part;", "more.part": "gzip on;"}
    (server,), sources = read(tmp_path, "server { include pair.part; }", **files)
    (include,) = server.directive.children or ()
    assert quoted([include], sources, ("ssl_certificate",)) == ["keepalive_timeout 5;", "include more.part;"]
    assert quoted([include], sources, ("expires",)) == ["include pair.part;"]


def test_a_file_that_differs_from_what_was_read_is_not_quoted_from(tmp_path: Path) -> None:
    (server,), sources = read(tmp_path, "server { root /x; }")
    other = Sources({file: f"worker_processes 1; {text}" for file, text in sources.texts.items()})
    with pytest.raises(LookupError, match="not found at its line"):
        other.text(server.directive)
