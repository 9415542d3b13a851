"""What a TLS vhost presents, and which of its lines may change."""

from __future__ import annotations

import re

import pytest

from jobs.policy.apache_config import Vhost, parse_dump, vhosts
from jobs.policy.apache_edit import Edit
from jobs.policy.apache_repoint import Named, Server, pairs, points_to, repointed, server
from jobs.policy.apache_twin import Pair
from jobs.policy.failure import Failure

PAIR = Pair("/t/fullchain.pem", "/t/privkey.pem")
CERTIFICATE, KEY = PAIR.lines()


def read(*rows: str, real: dict[str, str] | None = None) -> tuple[tuple[Vhost, ...], Server]:
    """Rows of a dump such as "/etc/a.conf:3 SSLCertificateFile /c"; a row without a place ends a section."""
    lines = ["# In file: /x", "# 1:", "Listen 443"]
    for row in rows:
        place = re.match(r"(.+?):(\d+) (.*)", row)
        lines += [f"# In file: {place[1]}", f"# {place[2]}:", place[3]] if place else [row]
    tree = parse_dump("\n".join(lines))
    return vhosts(tree), server(tree, real or {})


def block(*rows: str, at: str = "/etc/a.conf:1") -> tuple[str, ...]:
    return (f"{at} <VirtualHost *:443>", "/etc/a.conf:2 SSLEngine on", *rows, "</VirtualHost>")


@pytest.mark.parametrize(("above", "inside", "presented"), [
    ([], ["/f:3 SSLCertificateFile /c", "/f:4 SSLCertificateKeyFile /k"], [("/c", "/k")]),
    ([], ["/f:3 SSLCertificateFile /both"], [("/both", "/both")]),
    ([], [], []),
    (["/f:1 SSLCertificateFile /m", "/f:2 SSLCertificateKeyFile /mk"], [], [("/m", "/mk")]),
    (["/f:1 SSLCertificateFile /m", "/f:2 SSLCertificateKeyFile /mk"],
     ["/f:3 SSLCertificateFile /c", "/f:4 SSLCertificateKeyFile /k"], [("/c", "/k")]),
    (["/f:1 SSLCertificateFile /m", "/f:2 SSLCertificateFile /n"], ["/f:3 SSLCertificateFile /c"],
     [("/c", "/c"), ("/n", "/n")]),
    ([], ["/f:3 SSLCertificateFile /e", "/f:4 SSLCertificateFile /r", "/f:5 SSLCertificateKeyFile /ek"],
     [("/e", "/ek"), ("/r", "/r")]),
])
def test_a_vhost_presents_its_own_certificates_before_those_of_the_main_server(
    above: list[str], inside: list[str], presented: list[tuple[str, str]]
) -> None:
    (vhost,), main = read(*above, *block(*inside))
    assert pairs(vhost, main) == tuple(Named(*pair) for pair in presented)


def test_a_vhost_points_to_our_pair_when_it_presents_nothing_else() -> None:
    ours = (f"/f:3 {CERTIFICATE}", f"/f:4 {KEY}")
    (vhost,), main = read(*block(*ours))
    assert points_to(vhost, main, PAIR) and repointed(vhost, [vhost], main, PAIR) == {}
    for more in ("/f:5 SSLCertificateChainFile /c", "/f:5 SSLCertificateFile /r"):
        (vhost,), main = read(*block(*ours, more))
        assert not points_to(vhost, main, PAIR)


def test_the_first_lines_become_ours_and_the_others_stay_as_comments() -> None:
    (vhost,), main = read(*block(
        "/f:3 SSLCertificateFile /c", "/f:4 SSLCertificateKeyFile /k", "/g:5 SSLCertificateFile /r",
        "/g:6 SSLCertificateKeyFile /rk", "/g:7 SSLCertificateChainFile /chain"))
    assert repointed(vhost, [vhost], main, PAIR) == {
        "/f": (Edit(3, "SSLCertificateFile", ("/c",), (CERTIFICATE,)),
               Edit(4, "SSLCertificateKeyFile", ("/k",), (KEY,))),
        "/g": (Edit(5, "SSLCertificateFile", ("/r",), kept=True), Edit(6, "SSLCertificateKeyFile", ("/rk",), kept=True),
               Edit(7, "SSLCertificateChainFile", ("/chain",), kept=True)),
    }


def test_where_no_certificate_stands_ours_comes_behind_the_opening_line() -> None:
    (vhost,), main = read("/f:1 SSLCertificateFile /m", *block())
    assert repointed(vhost, [vhost], main, PAIR) == {
        "/etc/a.conf": (Edit(1, "VirtualHost", ("*:443",), PAIR.lines(), behind=True),)}


SHARED = ("/shared:1 SSLCertificateFile /c", "/shared:2 SSLCertificateKeyFile /k")


def test_lines_that_only_vhosts_of_the_website_share_may_change() -> None:
    (one, other, _), main = read(*block(*SHARED), *block(*SHARED, at="/etc/b.conf:1"), *block(at="/etc/c.conf:1"))
    assert set(repointed(one, [one, other], main, PAIR)) == {"/shared"}
    with pytest.raises(Failure, match="is read for other vhosts too"):
        repointed(one, [one], main, PAIR)


@pytest.mark.parametrize(("rows", "real", "reason"), [
    ((*block(*SHARED), *block("/link:1 SSLCertificateFile /c", at="/etc/b.conf:1")), {"/link": "/shared"},
     "is read for other vhosts too"),
    (block("macro 'x' (defined on line 1 of \"/f\"):3 SSLCertificateFile /c"), {}, "comes out of a macro"),
    (block("/etc/zz-autossl-b.test.conf:3 SSLCertificateFile /c"), {}, "twin of another website"),
    (("/m:1 SSLCertificateChainFile /c", *block(*SHARED)), {}, "/m:1: SSLCertificateChainFile outside of all vhosts"),
    (("/m:1 SSLCertificateFile /c", "/m:2 SSLCertificateFile /d", *block(*SHARED)), {}, "several certificates"),
    ((*block(), *block()), {}, "is read for other vhosts too"),
])
def test_what_cannot_change_safely_says_why_and_what_to_write_by_hand(
    rows: tuple[str, ...], real: dict[str, str], reason: str
) -> None:
    found, main = read(*rows, real=real)
    with pytest.raises(Failure, match=reason) as caught:
        repointed(found[0], found[:1], main, PAIR)
    assert caught.value.code == "config_not_editable" and caught.value.permanent
    assert CERTIFICATE in caught.value.detail and KEY in caught.value.detail
