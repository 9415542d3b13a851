"""Whoever may write answers to challenges lays something else there: the web server hands out none of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.jobs.services import apache_bench, nginx_bench

pytestmark = pytest.mark.e2e(timeout=120)

SECRET = "db_password = 'of another customer'"
THUMBPRINT = "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"
PLACES = ("apache", "nginx")


@pytest.fixture(scope="module", params=PLACES)
def bench(request: pytest.FixtureRequest) -> Iterator[apache_bench.Bench | nginx_bench.Bench]:
    """A website, the rule for challenges, and a file that the web server may read and nobody else."""
    running = apache_bench.Bench() if request.param == "apache" else nginx_bench.Bench()
    running.docroot("site", "page")
    if isinstance(running, apache_bench.Bench):
        running.write("site", "<VirtualHost *:80>\nServerName site.test\nDocumentRoot /var/www/site\n</VirtualHost>\n")
    else:
        running.write("site", "server { listen 80; server_name site.test; root /var/www/site; }\n")
    running.start()
    running.setup()
    shutil.rmtree(secret().parent, ignore_errors=True)
    secret().parent.mkdir(mode=0o755)
    secret().write_text(SECRET)
    yield running
    running.clear()


def secret() -> Path:
    return Path("/var/www/config/wp-config.php")


@contextmanager
def laid(bench: apache_bench.Bench | nginx_bench.Bench, token: str, how: str, content: str = "") -> Iterator[None]:
    path = bench.place.challenges / token
    if how == "file":
        path.write_text(content)
    elif how == "link":
        path.symlink_to(content)
    elif how == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    yield
    path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def asked(bench: apache_bench.Bench | nginx_bench.Bench, token: str) -> tuple[int, str]:
    answer = bench.get("site.test", f"/.well-known/acme-challenge/{token}")
    return answer.status, answer.body


def test_an_answer_is_handed_out(bench: apache_bench.Bench | nginx_bench.Bench) -> None:
    with laid(bench, "good", "file", f"good.{THUMBPRINT}"):
        assert asked(bench, "good") == (200, f"good.{THUMBPRINT}")


@pytest.mark.parametrize("to", ["/var/www/config/wp-config.php", "../../../www/config/wp-config.php", "/etc/passwd"])
def test_a_link_discloses_nothing(bench: apache_bench.Bench | nginx_bench.Bench, to: str) -> None:
    with laid(bench, "link", "link", to):
        status, body = asked(bench, "link")
    assert status in (403, 404)
    assert SECRET not in body and "root:" not in body


def test_a_directory_of_challenges_that_is_a_link_itself_discloses_nothing(
    bench: apache_bench.Bench | nginx_bench.Bench
) -> None:
    (secret().parent / "token").write_text(SECRET)
    real, aside = bench.place.challenges, bench.place.instance / "aside"
    real.rename(aside)
    real.symlink_to(secret().parent)
    try:
        status, body = asked(bench, "token")
        assert status in (403, 404) and SECRET not in body
    finally:
        real.unlink()
        aside.rename(real)


@pytest.mark.parametrize("how", ["fifo", "directory"])
def test_what_is_no_file_is_not_waited_for(bench: apache_bench.Bench | nginx_bench.Bench, how: str) -> None:
    with laid(bench, "odd", how):
        assert asked(bench, "odd")[0] in (403, 404)


@pytest.mark.parametrize("content", [
    f"other.{THUMBPRINT}", SECRET, "", "page", f"page.{THUMBPRINT}more", f"page.{THUMBPRINT[:-1]}",
    f"page.{THUMBPRINT}\n",
    f"page.{THUMBPRINT}" + " " * 600, f"page-{THUMBPRINT}", "page.<script>alert(1)</script>".ljust(48, "x"),
])
def test_apache_sends_only_the_key_authorization_of_that_very_token(
    bench: apache_bench.Bench | nginx_bench.Bench, content: str
) -> None:
    with laid(bench, "page", "file", content):
        status, body = asked(bench, "page")
    if isinstance(bench, apache_bench.Bench):
        assert (status, body == content) == (404, False)
    else:
        assert (status, body) == (200, content), "nginx can't look inside; a link is what it refuses"


def test_a_hard_link_to_what_is_somebody_elses_can_not_be_made(bench: apache_bench.Bench | nginx_bench.Bench) -> None:
    assert Path("/proc/sys/fs/protected_hardlinks").read_text().strip() == "1"
    bench.place.challenges.chmod(0o777)
    try:
        tried = subprocess.run(
            ["setpriv", "--reuid", "nobody", "--clear-groups", "ln", secret(), bench.place.challenges / "hard"],
            capture_output=True, text=True, check=False,
        )
        assert tried.returncode != 0, "then the web server would hand it out"
    finally:
        bench.place.challenges.chmod(0o755)


def test_the_script_of_an_older_version_is_written_anew(bench: apache_bench.Bench | nginx_bench.Bench) -> None:
    if isinstance(bench, apache_bench.Bench):
        path = Path("/etc/apache2/autossl-http-01.lua")
        path.write_text(path.read_text().replace('text:sub(#token + 1):match(THUMBPRINT)', "true"))
    else:
        path = Path(bench.service._options.snippet)
        path.write_text(path.read_text().replace("disable_symlinks on", "disable_symlinks off; # on"))
    bench.service.forget()
    assert [change.path for change in bench.setup()] == [path]
    bench.service.forget()
    assert list(bench.service.setup()) == []
