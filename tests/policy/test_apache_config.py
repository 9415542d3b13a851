"""Apache's own dump of its configuration becomes a tree, and the tree becomes vhosts."""

from __future__ import annotations

import pytest

from jobs.policy.apache_config import (
    Directive,
    Vhost,
    arguments,
    global_value,
    listens,
    parse_block,
    parse_dump,
    vhosts,
)

MACRO = 'macro \'vh\' (defined on line 11 of "/etc/a.conf") used on line 18 of "/etc/a.conf"'
DUMP = f"""AH00558: apache2: Could not reliably determine the server's fully qualified domain name
# In file: /etc/a.conf
#   2:
PidFile /run/apache2.pid
#   9:
Listen 127.0.0.1:80
#  10:
Listen 8443 https
# In file: {MACRO}
#   1:
<VirtualHost *:80>
  #   2:
  ServerName m.test
  #   4:
  DocumentRoot /srv/m
</VirtualHost>
# In file: /etc/a.conf
#  19:
<VirtualHost *:80 [::1]:80>
  #  20:
  ServerName "Q.test"
  #  22:
  ServerAlias a.test "b c" 'd.test'    e.test
  #  24:
  DocumentRoot "/srv/x \\"y"
  #  25:
  <Directory /srv>
    #  26:
    <RequireAll>
      #  27:
      Require all granted
    </RequireAll>
  </Directory>
</VirtualHost>
#  30:
DocumentRoot /srv/default
Syntax OK
"""


def one(text: str) -> Vhost:
    (found,) = vhosts(parse_dump(dump(text)))
    return found


def dump(text: str) -> str:
    """Directives, one a line, as Apache dumps them."""
    marked = "".join(row + "\n" if row.startswith("</") else f"#   1:\n{row}\n" for row in text.split("\n"))
    return f"# In file: /etc/a.conf\n{marked}"


def test_lines_from_the_thousandth_on_count_as_those_before() -> None:
    rows = [(line, f"<VirtualHost *:80>\n  #{line + 1:4}:\n  ServerName s{line}.test\n</VirtualHost>")
            for line in (9, 99, 996, 999, 1000, 9999, 123456)]
    text = "".join(f"#{line:4}:\n{row}\n" for line, row in rows)
    found = vhosts(parse_dump(f"# In file: /etc/a.conf\n{text}"))
    assert [(vhost.line, vhost.server_name) for vhost in found] == [(line, f"s{line}.test") for line, _ in rows]


def test_the_tree_has_every_directive_with_its_file_and_line() -> None:
    tree = parse_dump(DUMP)
    assert [(item.name, item.line) for item in tree] == [
        ("PidFile", 2), ("Listen", 9), ("Listen", 10), ("VirtualHost", 1), ("VirtualHost", 19), ("DocumentRoot", 30),
    ]
    macro, vhost = tree[3], tree[4]
    assert (macro.file, vhost.file) == (MACRO, "/etc/a.conf")
    assert [child.name for child in vhost.children] == ["ServerName", "ServerAlias", "DocumentRoot", "Directory"]
    (directory,) = vhost.named("directory")
    assert directory.args == ("/srv",) and directory.children[0].name == "RequireAll"
    (require,) = directory.children[0].children
    assert require == Directive("Require", ("all", "granted"), "all granted", "/etc/a.conf", 27)


def test_vhosts_are_read_in_order() -> None:
    first, second = vhosts(parse_dump(DUMP))
    assert (first.server_name, first.docroot, first.addresses) == ("m.test", "/srv/m", (("*", 80),))
    assert second.server_name == "Q.test"
    assert second.aliases == ("a.test", "b c", "d.test", "e.test")
    assert second.docroot == '/srv/x "y'
    assert second.addresses == (("*", 80), ("::1", 80))
    assert (second.file, second.line, second.ssl, second.dav) == ("/etc/a.conf", 19, False, False)
    assert global_value(parse_dump(DUMP), "documentroot") == "/srv/default"


def test_listens_have_address_port_and_protocol() -> None:
    text = "Listen 80\nListen 127.0.0.1:81\nListen [::1]:82 https\nListen [::]:x\nListen 99999999999\nListen"
    assert listens(parse_dump(dump(text))) == (
        ("*", 80, None), ("127.0.0.1", 81, None), ("::1", 82, "https"), ("*", 999999999, None),
    )


@pytest.mark.parametrize("text", [
    "", "Syntax OK", "ServerName no.mark.test", "# In file: /x\nServerName a", "</VirtualHost>\n</VirtualHost>",
    "#   1:\n\n#   2:", "<VirtualHost *:80>",
])
def test_a_text_that_is_no_dump_is_an_empty_tree(text: str) -> None:
    assert parse_dump(text) == ()


def test_a_dump_that_ends_early_still_has_what_came() -> None:
    text = dump("<VirtualHost *:80>\nServerName a.test\n<Directory /x>\nRequire all denied").rstrip("\n")
    assert one("<VirtualHost *:80>\nServerName a.test\n<Directory /x>").server_name == "a.test"
    assert parse_dump(text)[0].children[1].children[0].args == ("all", "denied")


@pytest.mark.parametrize(("raw", "words"), [
    ("", ()), ("  ", ()), ("a b\tc", ("a", "b", "c")), ('"a b" c', ("a b", "c")), ("'a \" b'", ('a " b',)),
    (r'"a\"b"', ('a"b',)), (r'"a\\"', ("a\\",)), (r'"a\nb"', (r"a\nb",)), (r"a\ b", ("a\\", "b")), (r"a\\b", (r"a\b",)),
    ('"open end', ("open end",)), ('a"b c"', ('a"b', 'c"')), ('"" x', ("", "x")), (r"'it\'s'", ("it's",)),
    ("a\x0bb\u2028c", ("a", "b\u2028c")),
])
def test_arguments_are_split_as_apache_does(raw: str, words: tuple[str, ...]) -> None:
    assert arguments(raw) == words


@pytest.mark.parametrize(("address", "found"), [
    ("*:80", (("*", 80),)), ("_default_:443", (("*", 443),)), ("192.0.2.1:80", (("192.0.2.1", 80),)),
    ("[2001:db8::1]:443", (("2001:db8::1", 443),)), ("host.test:80", (("host.test", 80),)),
    ("*", (("*", 80), ("*", 8080))), ("*:*", (("*", 80), ("*", 8080))), ("[::]", (("::", 80), ("::", 8080))),
    ("*:80 *:80 *:81", (("*", 80), ("*", 81))), ("*:x", ()),
])
def test_where_a_vhost_stands(address: str, found: tuple[tuple[str, int], ...]) -> None:
    assert one(f"Listen 80\nListen 8080\n<VirtualHost {address}>\n</VirtualHost>").addresses == found


@pytest.mark.parametrize(("line", "name"), [
    ("ServerName a.test", "a.test"), ("ServerName a.test:443", "a.test"), ("ServerName https://a.test:443", "a.test"),
    ("ServerName a.test\n#   3:\nServerName b.test", "b.test"), ("ServerAlias a.test", None), ("ServerName", None),
])
def test_the_name_of_a_vhost(line: str, name: str | None) -> None:
    assert one(f"<VirtualHost *:80>\n{line}\n</VirtualHost>").server_name == name


@pytest.mark.parametrize(("outside", "inside", "ssl"), [
    ("", "", False), ("", "SSLEngine on", True), ("", "sslengine On", True), ("", "SSLEngine off", False),
    ("SSLEngine on", "", True), ("SSLEngine on", "SSLEngine off", False),
    ("", "<Directory /x>\nSSLEngine on\n</Directory>", False),
])
def test_whether_a_vhost_speaks_tls(outside: str, inside: str, ssl: bool) -> None:
    rows = [outside, "<VirtualHost *:443>", inside, "</VirtualHost>"]
    assert one("\n".join(row for row in rows if row)).ssl is ssl


@pytest.mark.parametrize(("line", "owner"), [
    ("SuexecUserGroup alice users", "alice"), ("AssignUserID alice alice", "alice"), ("RUidGid alice alice", "alice"),
    ("SuexecUserGroup #1001 #1001", "#1001"), ("User alice", None),
    ("<Directory /x>\nAssignUserID alice alice\n</Directory>", "alice"),
])
def test_as_whom_a_vhost_runs(line: str, owner: str | None) -> None:
    assert one(f"<VirtualHost *:80>\n{line}\n</VirtualHost>").owner == owner


@pytest.mark.parametrize(("line", "dav"), [
    ("Dav On", True), ("<Location />\nDav filesystem\n</Location>", True), ("Dav Off", False), ("DavLockDB /x", False),
])
def test_whether_a_vhost_is_a_web_disk(line: str, dav: bool) -> None:
    assert one(f"<VirtualHost *:80>\n{line}\n</VirtualHost>").dav is dav


# --- a block of a file's own text

FILE = """# comment
<VirtualHost *:80>
  ServerName a.test
  ServerAlias b.test \\
     c.test
  # ServerName no.test
  <IfModule ssl_module>
    DocumentRoot /nested
  </IfModule>
  DocumentRoot ${ROOT}/x
</VirtualHost>
<VirtualHost *:81>
  ServerName z.test
"""


def test_a_block_is_read_from_its_line_to_its_end() -> None:
    block = parse_block(FILE, "/f", 2)
    assert block is not None
    assert [(item.name, item.line) for item in block.children] == [
        ("ServerName", 3), ("ServerAlias", 4), ("IfModule", 7), ("DocumentRoot", 10),
    ]
    assert block.children[1].args == ("b.test", "c.test")
    assert block.value("documentroot") == "${ROOT}/x", "nothing is expanded"


@pytest.mark.parametrize("line", [0, 1, 3, 5, 99, -1])
def test_a_line_where_no_block_begins_has_none(line: int) -> None:
    assert parse_block(FILE, "/f", line) is None


def test_a_block_without_an_end_is_not_believed() -> None:
    assert parse_block(FILE, "/f", 12) is None


def test_a_deep_configuration_does_not_exhaust_the_reader() -> None:
    depth = 5000
    text = "<VirtualHost *:80>\n" + "<If true>\n" * depth + "Dav On\n" + "</If>\n" * depth + "</VirtualHost>"
    assert one(text).dav is True
