"""What services are told to read is found wherever it is written; and where that can't be looked at, it is said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jobs.policy.failure import Failure
from jobs.privileged.mentions import mentions

LIVE = Path("/var/lib/autossl/tls/live")


def test_paths_are_found_in_whatever_syntax(tmp_path: Path) -> None:
    (tmp_path / "apache.conf").write_text(f'SSLCertificateFile "{LIVE}/a.test/apache/fullchain.pem"\n')
    (tmp_path / "nginx.conf").write_text(f"ssl_certificate {LIVE}/b.test/nginx/fullchain.pem;")
    (tmp_path / "dovecot.conf").write_text(f"ssl_cert = <{LIVE}/c.test/dovecot/fullchain.pem\n")
    (tmp_path / "exim.map").write_text(f"d.test: {LIVE}/d.test/exim\n")
    (tmp_path / "commented.conf").write_text(f"#{LIVE}/e.test/apache/cert.pem and {LIVE}-else/no")
    assert mentions(LIVE, [tmp_path]) == {
        "a.test/apache/fullchain.pem", "b.test/nginx/fullchain.pem", "c.test/dovecot/fullchain.pem", "d.test/exim",
        "e.test/apache/cert.pem",
    }


def test_links_are_followed_and_circles_are_not(tmp_path: Path) -> None:
    etc, elsewhere = tmp_path / "etc", tmp_path / "elsewhere"
    etc.mkdir()
    elsewhere.mkdir()
    (elsewhere / "hidden.conf").write_text(f"{LIVE}/a.test/apache")
    (etc / "round").symlink_to(etc)
    (etc / "up").symlink_to(tmp_path)
    (etc / "more").symlink_to(elsewhere)
    (etc / "cert.pem").symlink_to(LIVE / "b.test/postfix/cert.pem")
    os.mkfifo(etc / "pipe")
    assert mentions(LIVE, [etc]) == {"a.test/apache", "b.test/postfix/cert.pem"}


def test_a_directory_with_endless_files_is_not_taken_for_one_that_names_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.privileged.mentions.MOST_FILES", 3)
    for number in range(4):
        (tmp_path / str(number)).touch()
    with pytest.raises(Failure, match="more than 3 files"):
        mentions(LIVE, [tmp_path])
