"""Zone files as people write them, for property tests: every line that RFC 1035 allows, in every order."""

from __future__ import annotations

from hypothesis import strategies as st

ZONE = "example.test"
HEAD = """$TTL 300 ; what is said of all
@ IN SOA ns.example.test. admin.example.test. (
\t2026010100 ; serial
\t3600 600 86400 60 )
@ IN NS ns.elsewhere.test.
"""
OWNERS = (
    "@", "www", "WWW", "a.b", "*.wild", "_acme-challenge", "example.test.", "Deep.A.Example.Test.", r"x\.y", r"\119ww",
)
FIELDS = ("", "IN ", "300 IN ", "IN 300 ", "5m ", "in 5M ", "300\tCLASS1 ")
VALUES = (
    "A 192.0.2.1", "AAAA 2001:db8::1", "MX 10 mail", "TXT plain", 'TXT "semi;colon" "quote\\"d"', 'TXT "( not a group"',
    "TXT ( one ; with a comment ) and a \"\n\t\"two\" )", "TXT (\n\n\"late\"\n)", "TXT back\\;slash\\\"ed", 'TXT ""',
    'CAA 0 issue "ca.other"', 'caa 128 issuewild ";"', r"TYPE257 \# 9 00 05 69737375653b61", r"TYPE65400 \# 2 ab cd",
    r"TYPE16 \# 3 ( 02 ; two" "\n" r"6869 )", "SRV 0 5 443 www", "TXT $ORIGIN ; it only looks so",
)
COMMENTS = ("", " ; a comment", "\t;and \"another ( one")
ALONE = (
    "", "   ", "; a line of ( words \"", "\t; indented", "$ORIGIN sub.example.test.", "$ORIGIN example.test. ; back",
    "$ORIGIN more", "$TTL 300", "$ttl 5m", "$origin example.test.",
)

_record = st.builds(
    lambda owner, blank, fields, value, comment: f"{owner}{blank}{fields}{value}{comment}",
    st.sampled_from(["", *OWNERS]), st.sampled_from([" ", "\t", "  \t "]), st.sampled_from(FIELDS),
    st.sampled_from(VALUES), st.sampled_from(COMMENTS),
)
_lines = st.lists(st.one_of(_record, _record, st.sampled_from(ALONE)), max_size=12)


def _joined(lines: list[str], ends: bool) -> str:
    text = HEAD + "\n".join(lines)
    directive = bool(lines) and lines[-1].startswith("$")  # BIND wants a newline behind those
    return f"{text}\n" if (ends or directive) and not text.endswith("\n") else text


texts = st.builds(_joined, _lines, st.booleans())
"""Whole zones of `ZONE`, with and without a newline at the end."""
