"""The map, the two options that read it, and the places where they stand."""

from __future__ import annotations

import pytest

from jobs.policy.exim_conf import (
    Pair,
    by_sni,
    fallback_of,
    if_it_exists,
    is_split,
    nestable,
    pair_in,
    parse_map,
    read_options,
    render_map,
    set_of,
    with_macros,
    with_options,
)
from jobs.policy.marked_lines import BEGIN, END, FORMER

OURS = by_sni("/x/exim.map", Pair("/own.pem", "/own.key"))


def test_a_name_comes_before_a_wildcard_and_a_narrow_one_before_a_wider() -> None:
    names = {"*.test.example": "/w", "b.x.test.example": "/b", "*.x.test.example": "/n", "a.test.example": "/a"}
    written = render_map(names)
    assert [line.split(":")[0] for line in written.splitlines()] == [
        "a.test.example", "b.x.test.example", "*.x.test.example", "*.test.example",
    ]
    assert parse_map("# a first line\n" + written) == names


@pytest.mark.parametrize(
    "text", ["a.test /x\n", "a.test: x\n", "a.test: /x\na.test: /y\n", "\n", "a b: /x\n", "A: /x\n"]
)
def test_an_edited_map_is_said_with_its_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"line [12] was changed by hand"):
        parse_map(text)


def test_both_options_ask_for_the_name_at_each_connection_and_remember_the_fallback() -> None:
    lookup = "${lookup{$tls_in_sni}nwildlsearch{/x/exim.map}{$value/fullchain.pem}{/own.pem}}"
    assert OURS.certificate == f"${{if exists{{/x/exim.map}}{{{lookup}}}{{/own.pem}}}}"
    assert "$tls_in_sni" in OURS.privatekey and "$value/privkey.pem" in OURS.privatekey


@pytest.mark.parametrize(
    "fallback", [Pair("/own.pem", "/own.key"), Pair("", ""), if_it_exists("/live/a"), Pair("${if eq{a}{b}{/x}}", "/y")]
)
def test_the_fallback_comes_back_whatever_it_is(fallback: Pair) -> None:
    assert fallback_of(by_sni("/x/exim.map", fallback)) == fallback


def test_values_of_somebody_else_have_no_fallback_of_ours() -> None:
    assert fallback_of(Pair("/own.pem", "/own.key")) is None
    assert fallback_of(Pair(OURS.certificate, "/own.key")) is None


def test_a_set_of_ours_as_the_fallback_is_known_again() -> None:
    assert set_of(if_it_exists("/live/a.test/exim")) == "/live/a.test/exim"
    assert set_of(Pair("/live/a.test/exim/fullchain.pem", "")) is None


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("/a.pem", True), ("", True), ("${if eq{$tls_in_sni}{a}{/x}{/y}}", True), ("}{", False), ("${x", False),
        ("a\nb", False), ("\\{", False), ('"a"', False),
    ],
)
def test_what_may_stand_between_our_braces(value: str, good: bool) -> None:
    assert nestable(value) is good


LOCAL = """\
# my macros
MAIN_TLS_ENABLE = yes
MAIN_TLS_CERTKEY == \\
# in between
   /etc/one.pem
MAIN_TLS_ADVERTISE_HOSTS = 10.0.0.0/8
OTHER = MAIN_TLS_ENABLE
"""


def test_former_macros_are_kept_as_comments_with_their_continuations() -> None:
    text = with_macros(LOCAL, OURS)
    assert text.splitlines()[:7] == [
        "# my macros",
        FORMER + "MAIN_TLS_ENABLE = yes",
        FORMER + "MAIN_TLS_CERTKEY == \\",
        "# in between",
        FORMER + "   /etc/one.pem",
        "MAIN_TLS_ADVERTISE_HOSTS = 10.0.0.0/8",
        "OTHER = MAIN_TLS_ENABLE",
    ]
    assert text.splitlines()[7] == BEGIN and text.splitlines()[-1] == END
    assert pair_in(text, macros=True) == OURS
    assert with_macros(text, OURS) == text


def test_only_the_main_section_of_a_hand_written_file_is_changed() -> None:
    former = (
        "hide tls_privatekey = /k\n  tls_certificate = a\\\n b\ntls_advertise_hosts =\n"
        "begin transports\n tls_certificate = /t\n"
    )
    text = with_options(former, OURS)
    assert pair_in(text, macros=False) == OURS
    body = text.split(END + "\n")[1]
    assert body == "".join(
        [
            f"{FORMER}hide tls_privatekey = /k\n{FORMER}  tls_certificate = a\\\n{FORMER} b\n",
            f"{FORMER}tls_advertise_hosts =\nbegin transports\n tls_certificate = /t\n",
        ]
    )
    assert "tls_advertise_hosts = *\n" in text and with_options(text, OURS) == text


@pytest.mark.parametrize("line", ["tls_advertise_hosts = 10.0.0.0/8", "tls_advertise_hosts = *", "x = y"])
def test_a_choice_of_whom_to_offer_tls_stays(line: str) -> None:
    text = with_options(line + "\nbegin acl\n", OURS)
    assert line in text.split("\n") and text.count("tls_advertise_hosts") == line.count("tls_advertise_hosts")


def test_lines_of_ours_without_our_options_are_said() -> None:
    assert pair_in("x = y\n", macros=True) is None
    with pytest.raises(ValueError, match="MAIN_TLS_CERTIFICATE"):
        pair_in(f"{BEGIN}\nx = y\n{END}\n", macros=True)


def test_exims_answer_is_read_by_its_options_whatever_stands_between() -> None:
    words = "2026-11-25 01:58:58 Warning: purging the environment.\n Suggested action: x.\n"
    expected = {"tls_certificate": "/a b", "tls_privatekey": ""}
    assert read_options(words + "tls_certificate = /a b\ntls_privatekey =\n") == expected


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("dc_use_split_config='true'\n", True), ('dc_use_split_config="TRUE"\n', True),
        ("dc_use_split_config=true", True),
        ("dc_use_split_config='false'\n", False), ("# dc_use_split_config='true'\n", False), ("", False),
        ("dc_use_split_config='true'\ndc_use_split_config='false'\n", False),
    ],
)
def test_the_last_choice_of_split_files_counts(text: str, split: bool) -> None:
    assert is_split(text) is split
