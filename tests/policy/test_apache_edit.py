"""Single directives change in somebody else's file; every other byte stays."""

from __future__ import annotations

import pytest

from jobs.policy.apache_edit import Edit, NotEditable, edited
from jobs.policy.marked_lines import FORMER

NEW = ('SSLCertificateFile "/n"', 'SSLCertificateKeyFile "/k"')


def replace(line: int, *args: str, lines: tuple[str, ...] = NEW[:1], **more: bool) -> Edit:
    return Edit(line, "SSLCertificateFile", args or ("/o",), lines, **more)


@pytest.mark.parametrize(("text", "edit", "result"), [
    (b"a\nSSLCertificateFile /o\nb", replace(2), b'a\nSSLCertificateFile "/n"\nb'),
    (b"a\n\t sslcertificatefile  '/o' \nb\n", replace(2), b'a\n\t SSLCertificateFile "/n"\nb\n'),
    (b"SSLCertificateFile /o", replace(1), b'SSLCertificateFile "/n"'),
    (b"x\r\n  SSLCertificateFile\t/o\r\ny\r\n", replace(2, lines=NEW),
     b'x\r\n  SSLCertificateFile "/n"\r\n  SSLCertificateKeyFile "/k"\r\ny\r\n'),
    (b"a\nSSLCertificateFile \\\n  \\\n /o\nb", replace(4), b'a\nSSLCertificateFile "/n"\nb'),
    (b"SSLCertificateFile \"/a b\\\"c\"\n", replace(1, '/a b"c'), b'SSLCertificateFile "/n"\n'),
    (b"SSLCertificateFile ${DIR}/x\n", replace(1, "/etc/x"), b'SSLCertificateFile "/n"\n'),
    (b"SSLCertificateFile /caf\xe9\n\xff", replace(1, "/caf?"), b'SSLCertificateFile "/n"\n\xff'),
    (b"  SSLCertificateFile /o\nb", replace(1, lines=(), kept=True), f"  {FORMER}SSLCertificateFile /o\nb".encode()),
    (b"SSLCertificateFile \\\n/o\nb", replace(2, lines=(), kept=True),
     f"{FORMER}SSLCertificateFile \\\n/o\nb".encode()),
    (b"<VirtualHost *:443 >\n  ServerName x\n", Edit(1, "VirtualHost", ("*:443",), NEW, behind=True),
     b'<VirtualHost *:443 >\n  SSLCertificateFile "/n"\n  SSLCertificateKeyFile "/k"\n  ServerName x\n'),
    (b"\t<VirtualHost *:443>\r\n\r\n", Edit(1, "VirtualHost", ("*:443",), NEW[:1], behind=True),
     b'\t<VirtualHost *:443>\r\n\t    SSLCertificateFile "/n"\r\n\r\n'),
])
def test_one_edit(text: bytes, edit: Edit, result: bytes) -> None:
    assert edited(text, [edit]) == result


def test_edits_of_one_file_do_not_shift_each_other() -> None:
    text = b"SSLCertificateFile /a\n\nSSLCertificateFile /b\n"
    first, second = replace(1, "/a", lines=NEW), replace(3, "/b", lines=NEW)
    assert edited(text, [first, second, first]) == edited(text, [second, first]) == (
        b'SSLCertificateFile "/n"\nSSLCertificateKeyFile "/k"\n\nSSLCertificateFile "/n"\nSSLCertificateKeyFile "/k"\n')
    assert edited(text, []) == text


@pytest.mark.parametrize(("text", "edit"), [
    (b"SSLCertificateFile /other\n", replace(1)), (b"# SSLCertificateFile /o\n", replace(1)),
    (b"# a comment that goes on \\\nSSLCertificateFile /o\n", replace(2)), (b"\n", replace(1)), (b"\n", replace(7)),
    (b"\n", replace(0)), (b"SSLCertificateKeyFile /o\n", replace(1)), (b"x SSLCertificateFile /o", replace(1)),
    (b"<VirtualHost *:80>\n", Edit(1, "VirtualHost", ("*:443",), NEW, behind=True)),
])
def test_a_line_that_is_not_what_apache_read_is_left_alone(text: bytes, edit: Edit) -> None:
    with pytest.raises(NotEditable, match=f"line {edit.line}"):
        edited(text, [edit])


def test_two_wishes_for_one_line_are_refused() -> None:
    with pytest.raises(NotEditable, match="two different changes"):
        edited(b"SSLCertificateFile /o\n", [replace(1), replace(1, lines=("x",))])
