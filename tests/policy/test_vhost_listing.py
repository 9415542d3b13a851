"""Apache's listing of its vhosts (`-D DUMP_VHOSTS`), for an Apache that can't dump its configuration."""

from __future__ import annotations

from jobs.policy.apache_config import parse_block
from jobs.policy.vhost_listing import Listed, as_vhost, listed

MACRO = 'macro \'vh\' (defined on line 11 of "/etc/a.conf") used on line 18 of "/etc/a.conf":1'
TEXT = f"""VirtualHost configuration:
[::1]:8099             q.test (/etc/a.conf:19)
*:8099                 is a NameVirtualHost
         default server m.test ({MACRO})
         port 8099 namevhost m.test ({MACRO})
                 alias www.m.test
         port 8099 namevhost q.test (/etc/a.conf:19)
                 alias a.test
                 alias b c
                 wild alias *.d.test
         port 8099 namevhost evil (/etc/passwd:1) (/etc/b.conf:7)
*:8443                 127.0.0.1 (/etc/a.conf:30)
ServerRoot: "/etc/apache2"
Mutex ssl-stapling: using_defaults
AH00558: apache2: Could not reliably determine the server's fully qualified domain name (really)
Syntax OK"""


def test_each_vhost_is_listed_once_with_its_place_and_aliases() -> None:
    assert listed(TEXT) == (
        Listed("q.test", "/etc/a.conf:19", "/etc/a.conf", 19, ["a.test", "b c", "*.d.test"]),
        Listed("m.test", MACRO, None, None, ["www.m.test"]),
        Listed("evil (/etc/passwd:1)", "/etc/b.conf:7", "/etc/b.conf", 7, []),
        Listed("127.0.0.1", "/etc/a.conf:30", "/etc/a.conf", 30, None),
    )


def test_a_text_that_is_no_listing_lists_nothing() -> None:
    assert listed("") == listed("Syntax OK\n alias a.test\n") == ()


def test_names_are_apaches_words_and_the_rest_is_the_blocks() -> None:
    text = "\n<VirtualHost *:80>\nServerName Q.test\nServerAlias ignored.test\nDocumentRoot /srv/q\n</VirtualHost>"
    found = as_vhost(Listed("q.test", "/a:2", "/a", 2, ["a.test"]), parse_block(text, "/a", 2))
    assert (found.server_name, found.aliases, found.docroot) == ("q.test", ("a.test",), "/srv/q")
    assert (found.addresses, found.file, found.line) == ((("*", 80),), "/a", 2)


def test_aliases_of_an_address_with_one_vhost_come_from_its_block() -> None:
    text = "<VirtualHost *:80>\nServerName q.test\nServerAlias a.test\nServerAlias b.test\n</VirtualHost>"
    assert as_vhost(Listed("q.test", "/a:1", "/a", 1, None), parse_block(text, "/a", 1)).aliases == ("a.test", "b.test")


def test_a_vhost_without_a_name_does_not_get_the_main_servers() -> None:
    text = "<VirtualHost *:80>\nDocumentRoot /srv/q\n</VirtualHost>"
    assert as_vhost(Listed("panel.host.test", "/a:1", "/a", 1, None), parse_block(text, "/a", 1)).server_name is None
    nested = "<VirtualHost *:80>\n<IfModule ssl_module>\nServerName q.test\n</IfModule>\n</VirtualHost>"
    assert as_vhost(Listed("q.test", "/a:1", "/a", 1, None), parse_block(nested, "/a", 1)).server_name == "q.test"


def test_a_macros_vhost_has_its_names_and_nothing_else() -> None:
    found = as_vhost(Listed("m.test", MACRO, None, None, ["www.m.test"]), None)
    assert (found.server_name, found.aliases, found.docroot, found.addresses) == ("m.test", ("www.m.test",), None, ())
    assert (found.file, found.line) == (MACRO, 1)
