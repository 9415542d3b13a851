"""What crossplane read becomes server blocks: addresses, names, what is inherited, what is included."""

from __future__ import annotations

from pathlib import Path

import crossplane
import pytest

from jobs.policy.nginx_config import (
    IncludesItself,
    Listen,
    Server,
    include_patterns,
    plain_names,
    servers,
    stream_ports,
    tree,
)


def read(tmp_path: Path, text: str, **files: str) -> tuple[Server, ...]:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    main = tmp_path / "nginx.conf"
    main.write_text(text)
    payload = crossplane.parse(str(main))
    assert payload["status"] == "ok", payload["errors"]
    return servers(tree(payload))


@pytest.mark.parametrize(("line", "listens"), [
    ("", [Listen("*", 80)]),
    ("listen 8080;", [Listen("*", 8080)]),
    ("listen *:81;", [Listen("*", 81)]),
    ("listen 0.0.0.0:82;", [Listen("*", 82)]),
    ("listen 192.0.2.1;", [Listen("192.0.2.1", 80)]),
    ("listen localhost:83 default_server;", [Listen("localhost", 83)]),
    ("listen [::]:443 ssl http2;", [Listen("::", 443, tls=True)]),
    ("listen [2001:db8::1] ssl;", [Listen("2001:db8::1", 80, tls=True)]),
    ("listen [::]:443 ssl ipv6only=off;", [Listen("::", 443, tls=True, both_families=True)]),
    ("listen unix:/run/x.sock; listen 80;", [Listen("*", 80)]),
    ("listen 443 quic; listen 443 ssl;", [Listen("*", 443, tls=True)]),
    ("listen 443 ssl proxy_protocol;", [Listen("*", 443, tls=True, proxied=True)]),
    ("listen 443; ssl on;", [Listen("*", 443, tls=True)]),
    ("listen 80; listen 80; listen 443 ssl;", [Listen("*", 80), Listen("*", 443, tls=True)]),
])
def test_where_a_block_listens(tmp_path: Path, line: str, listens: list[Listen]) -> None:
    (server,) = read(tmp_path, f"http {{ server {{ {line} }} }}")
    assert list(server.listens) == listens
    assert server.ports(tls=True) == {one.port for one in listens if one.tls}


@pytest.mark.parametrize(("words", "names"), [
    (("a.test", "www.a.test"), ("a.test", "www.a.test")),
    (("_", "", "$hostname", "~^x"), ()),
    ((".a.test",), ("a.test", "*.a.test")),
    (("*.a.test", "www.*"), ("*.a.test", "www.*")),
])
def test_nginx_own_forms_are_no_names(words: tuple[str, ...], names: tuple[str, ...]) -> None:
    assert plain_names(words) == names


def test_what_a_block_inherits_and_what_it_overrules(tmp_path: Path) -> None:
    text = """http { root /all; ssl_certificate /all.pem; ssl_certificate_key /all.key;
      server { server_name a; } server { server_name b; root /b; ssl_certificate /b1.pem; ssl_certificate /b2.pem; }
      server { location /x { root /no; } location / { root /loc; } } }"""
    one, two, three = read(tmp_path, text)
    assert (one.root, one.certificates, one.keys) == ("/all", ("/all.pem",), ("/all.key",))
    assert (two.root, two.certificates, two.keys) == ("/b", ("/b1.pem", "/b2.pem"), ("/all.key",))
    assert three.root == "/loc"


def test_an_include_stands_for_its_files_in_order_and_keeps_their_place(tmp_path: Path) -> None:
    files = {"s1.site": "# c\nserver { include body.part; }\n", "s2.site": "server { server_name s2; }\n",
             "body.part": "server_name\n  body;"}
    found = read(tmp_path, "http {\n server { server_name s0; }\n include *.site; }", **files)
    assert [server.names for server in found] == [("s0",), ("body",), ("s2",)]
    place = [(Path(one.directive.file).name, one.directive.line, one.directive.number) for one in found]
    assert place == [("nginx.conf", 2, 1), ("s1.site", 2, 0), ("s2.site", 1, 0)]
    assert list(include_patterns(found[1].directive.children or ())) == ["body.part"]


def test_comments_between_words_do_not_shift_the_count(tmp_path: Path) -> None:
    (server,) = read(tmp_path, "http { map $a # one\n # two\n $b { x 1; } # three\n server { } }")
    assert server.directive.number == 3


def test_a_file_that_includes_itself_is_told(tmp_path: Path) -> None:
    (tmp_path / "loop.part").write_text("include loop.part;")
    main = tmp_path / "nginx.conf"
    main.write_text("http { include loop.part; }")
    with pytest.raises(IncludesItself, match=r"loop\.part"):
        tree(crossplane.parse(str(main)))


def test_ports_of_plain_tcp_servers_are_known(tmp_path: Path) -> None:
    main = tmp_path / "nginx.conf"
    main.write_text("stream { server { listen 443; listen [::]:8443 udp; } } http { server { listen 80; } }")
    assert stream_ports(tree(crossplane.parse(str(main)))) == {443, 8443}
