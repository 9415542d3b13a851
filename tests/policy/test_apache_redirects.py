"""Which redirects of a vhost would send its https twin to itself."""

from __future__ import annotations

import pytest

from jobs.policy.apache_config import Directive, arguments
from jobs.policy.apache_redirects import loops

NAMES = ("a.test", "www.a.test", "*.wild.test")


def directive(line: str) -> Directive:
    name, _, raw = line.partition(" ")
    return Directive(name, arguments(raw), raw, "/etc/a.conf", 1)


@pytest.mark.parametrize("line", [
    "Redirect / https://a.test/", "Redirect permanent / https://A.TEST", "Redirect 308 / https://www.a.test/x",
    "redirect temp /s https://a.test/s", "Redirect /s https://a.test/s/t", "Redirect / https://a.test:443/",
    "Redirect 301 https://a.test/", "Redirect https://%{HTTP_HOST}%{REQUEST_URI}", "RedirectTemp /s/ https://a.test/s",
    "Redirect / https://x.wild.test/", "RedirectMatch .* https://a.test/", "RedirectMatch ^/$ https://a.test",
    "RedirectMatch ^/(.*) https://a.test/$1", "RedirectMatch 301 (.*) https://www.a.test$1",
    "RedirectMatch (?<odd https://a.test/x", "RewriteRule ^ https://a.test%{REQUEST_URI}",
    "RewriteRule (.*) https://%{HTTP_HOST}/$1 [R=301,L]", "RewriteRule ^/?(.*) https://%{SERVER_NAME}/$1 [R]",
    'RewriteRule ^ "https://www.%{HTTP_HOST}/" [R]', "RewriteRule !^/x https://a.test/y", "RewriteRule ^ https://a.test/",
    "RewriteRule ^new$ https://a.test/new [R]", "RewriteRule (.*) https://a.test:443$1", "RewriteRule ^ https://w%{X}.test/",
    "RewriteRule ^ HTTPS://a.test/?x=y",
])
def test_a_redirect_that_goes_round(line: str) -> None:
    assert loops(directive(line), NAMES)


@pytest.mark.parametrize("line", [
    "Redirect / http://a.test/", "Redirect / https://b.test/", "Redirect / https://a.test.evil.test/",
    "Redirect /old https://a.test/new", "Redirect /s https://a.test/st", "Redirect / https://a.test:8443/",
    "Redirect gone /x", "Redirect 410 /x", "Redirect", "Redirect /x /y", "RedirectMatch ^/old$ https://a.test/new",
    "RedirectMatch ^/(.*) https://b.test/$1", "RedirectMatch gone ^/x", "RewriteRule ^/old$ https://a.test/new [R]",
    "RewriteRule ^ /index.php [L]", "RewriteRule ^ -", "RewriteRule ^", "RewriteRule ^ https://b.test%{REQUEST_URI}",
    "RewriteRule ^ %{REQUEST_SCHEME}://a.test/", "RewriteCond %{HTTPS} off", "ErrorDocument 404 https://a.test/",
    "Redirect / https://wild.test/",
])
def test_a_redirect_that_is_part_of_the_website(line: str) -> None:
    assert not loops(directive(line), NAMES)


def test_the_port_of_https_is_the_twins_own() -> None:
    assert loops(directive("Redirect / https://a.test:8443/"), NAMES, 8443)
    assert not loops(directive("Redirect / https://a.test:443/"), NAMES, 8443)
