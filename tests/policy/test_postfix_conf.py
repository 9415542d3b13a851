"""The table of names, and parameters in main.cf as Postfix reads it."""

from __future__ import annotations

import pytest

from jobs.policy.marked_lines import BEGIN, END, FORMER
from jobs.policy.postfix_conf import (
    former_value,
    our_parameters,
    parse_source,
    read_postconf,
    render_source,
    with_parameters,
)

MAIN = """\
# a comment
smtpd_tls_cert_file=/etc/ssl/certs/own.pem
  tail
tls_server_sni_maps =
# in between

\thash:/one
  hash:/two
relayhost = mail.test
tls_server_sni_maps = hash:/three"""


def test_a_wildcard_is_written_as_postfix_does() -> None:
    text = render_source({"*.a.test": "/live/a", "a.test": "/live/a"})
    pair = "/live/a/privkey.pem /live/a/fullchain.pem"
    assert text == f".a.test {pair}\na.test {pair}\n"
    assert parse_source("# a first line\n" + text) == {"*.a.test": "/live/a", "a.test": "/live/a"}


@pytest.mark.parametrize(
    "text",
    [
        "a.test /x/privkey.pem\n",
        "a.test /x/privkey.pem /y/fullchain.pem\n",
        "a.test /x/privkey.pem, /x/fullchain.pem\n",
        "a.test /x/privkey.pem /x/fullchain.pem\n" * 2,
        "  a.test /x/privkey.pem /x/fullchain.pem\n",
        "\n",
    ],
)
def test_an_edited_table_is_said_with_its_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"line [12] was changed by hand"):
        parse_source(text)


def test_the_last_entry_counts_with_all_its_lines() -> None:
    assert former_value(MAIN, "tls_server_sni_maps") == "hash:/three"
    assert former_value(MAIN.rpartition("\n")[0], "tls_server_sni_maps") == "hash:/one hash:/two"
    assert former_value(MAIN, "smtpd_tls_cert_file") == "/etc/ssl/certs/own.pem tail"
    assert former_value(MAIN, "smtpd_tls_key_file") == ""


def test_entries_that_ours_replace_are_kept_as_comments() -> None:
    text = with_parameters(MAIN, {"tls_server_sni_maps": "hash:/ours"})
    assert text.split("\n") == [
        "# a comment",
        "smtpd_tls_cert_file=/etc/ssl/certs/own.pem",
        "  tail",
        FORMER + "tls_server_sni_maps =",
        "# in between",
        "",
        FORMER + "\thash:/one",
        FORMER + "  hash:/two",
        "relayhost = mail.test",
        FORMER + "tls_server_sni_maps = hash:/three",
        BEGIN,
        "tls_server_sni_maps = hash:/ours",
        END,
        "",
    ]
    assert our_parameters(text) == {"tls_server_sni_maps": "hash:/ours"}
    assert with_parameters(text, {"tls_server_sni_maps": "hash:/ours"}) == text
    assert former_value(text, "tls_server_sni_maps") == "hash:/three"


def test_lines_of_ours_that_somebody_edited_are_said() -> None:
    assert our_parameters(MAIN) == {}
    with pytest.raises(ValueError, match="changed by hand"):
        our_parameters(f"{BEGIN}\nnonsense\n{END}\n")


def test_postconf_is_read_with_empty_values() -> None:
    assert read_postconf("a = b c\nsmtpd_tls_chain_files =\n") == {"a": "b c", "smtpd_tls_chain_files": ""}
