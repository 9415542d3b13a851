"""A server with Apache, Dovecot and Exim on which the package is installed, upgraded, removed and purged: what is
confined does its work, and whatever becomes of the package, every service serves."""

from __future__ import annotations

import json
import pwd
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.demo import served
from jobs.demo.story import Bench, Told, found_server
from tests.packaging.conftest import Built
from tests.packaging.dpkg import install, main_process, run, state

pytestmark = pytest.mark.e2e(systemd=True, timeout=400)

CONFIG, ROOT_STATE = Path("/etc/autossl/config.toml"), Path("/var/lib/autossl-root")
PYTHON = "/usr/lib/autossl/venv/bin/python"
_OURS = """
[dns]
resolvers = ["127.0.0.1"]

[panel]
hostname = "panel.bench.test"

[dns_backends.bind_zonefile]
enabled = true
"""
_ASKED = """
from pathlib import Path
from jobs.ports import Record
from jobs.rootside import verbs
from jobs.rootside.client import Conversation
talk = Conversation(Path("/run/autossl/root.sock"))
for name in (service.name for service in talk.hello.services):
    talk.ask("test", verbs.Service(name, True))
    if name != "nginx":
        talk.ask("reload", verbs.Service(name, True))
    print(name)
for verb in ("add_record", "remove_record"):
    talk.ask(verb, Record("_acme-challenge.alice.test", "TXT", "A" * 43, 60))
"""
"""Nginx is installed here, and stopped."""


@pytest.fixture(scope="module")
def bench() -> Bench:
    return found_server(Told(time.time(), quiet=True))


@pytest.fixture(scope="module", autouse=True)
def apache(bench: Bench, built: Built) -> Iterator[int]:
    """The former version is installed, set up, and has done its first check. Apache's process from before all that."""
    process = main_process("apache2.service")
    assert process
    install(built.former)
    CONFIG.write_text(CONFIG.read_text(encoding="utf-8") + _OURS, encoding="utf-8")
    ca = ["--directory", bench.ca.directory, "--ca-bundle", str(bench.ca.bundle), "--accept-terms"]
    run("autossl", "setup", "--yes", "--no-doctor", *ca, "--contact", "admin@bench.test")
    run("systemctl", "start", "autossl.service")
    yield process


def troubles(bench: Bench, panel: bool = True) -> list[tuple[Any, str]]:
    rows = served.ask(served.places(bench.accounts), bench.ca.root())
    return [(row.place, row.trouble) for row in rows if row.trouble and (panel or row.place.service != "panel")]


def until_it_answers() -> None:
    run("curl", "-sk", "--retry", "60", "--retry-delay", "1", "--retry-connrefused", "-o", "/dev/null",
        "https://127.0.0.1:2087/login")


def test_confined_as_its_units_say_it_secures_every_service(bench: Bench) -> None:
    report = json.loads(run("autossl", "check", "--all", "--json", codes=(0, 1)))
    assert {site["outcome"] for site in report["websites"]} == {"installed"}, report
    until_it_answers()
    assert troubles(bench) == []


def test_confined_as_it_is_the_root_side_tests_and_reloads_every_service_and_writes_zones() -> None:
    assert run(PYTHON, "-I", "-c", _ASKED).split() == ["apache", "dovecot", "exim", "nginx", "webdisk"]


def test_only_the_root_side_runs_as_root() -> None:
    assert (state("autossl.service"), state("autossl-root.service")) == ("active", "active")
    panel = Path(f"/proc/{main_process('autossl.service')}")
    assert panel.stat().st_uid == pwd.getpwnam("autossl").pw_uid
    facts = dict(line.split(":\t", 1) for line in (panel / "status").read_text().splitlines() if ":\t" in line)
    assert (facts["CapBnd"], facts["NoNewPrivs"], facts["Seccomp"]) == ("0000000000000000", "1", "2")


def test_neither_side_can_write_where_it_has_no_business() -> None:
    root, panel = (Path(f"/proc/{main_process(unit)}/root") for unit in ("autossl-root.service", "autossl.service"))
    for place in (root / "etc/passwd", root / "home/alice/x", panel / "etc/passwd", panel / "etc/apache2/x",
                  panel / "var/lib/autossl-root/x"):
        with pytest.raises(OSError, match="Read-only file system"):
            place.open("ab").close()
    with pytest.raises(OSError, match="No such file or directory"):
        (panel / "home/alice").stat()
    (root / "etc/apache2/x").touch()
    (root / "etc/apache2/x").unlink()


def test_an_upgrade_has_the_panel_start_anew_and_no_service_of_others(
    bench: Bench, apache: int, built: Built
) -> None:
    former = main_process("autossl.service")
    install(built.package)
    until_it_answers()
    assert state("autossl.service") == "active" and main_process("autossl.service") != former
    assert main_process("apache2.service") == apache
    assert troubles(bench) == []
    before = bench.ca.issued()
    run("autossl", "check", "--all", codes=(0, 1))
    assert bench.ca.issued() == before


def test_an_apache_that_the_root_side_starts_is_systemds_own(apache: int) -> None:
    """Otherwise it would be confined as the root side is, and end with it."""
    run("systemctl", "kill", "--signal=KILL", "apache2.service")
    words = "from jobs.privileged import WhereApacheIs, apache_start; from pathlib import Path; "
    words += "apache_start(WhereApacheIs(), Path('/var/run/apache2/apache2.pid'))"
    run("systemctl", "reset-failed", "apache2.service")
    run("env", PYTHON, "-I", "-c", words)
    assert state("apache2.service") == "active"
    assert str(main_process("apache2.service")) == Path("/run/apache2/apache2.pid").read_text(encoding="ascii").strip()


def test_a_removal_leaves_every_service_serving_and_says_where_from(bench: Bench) -> None:
    said = run("apt-get", "remove", "--yes", "--quiet=2", "autossl")
    assert "the certificates stay in place" in said and "/etc/" in said
    run("apache2ctl", "configtest")
    run("systemctl", "restart", "apache2.service")
    run("doveadm", "reload")
    assert troubles(bench, panel=False) == []


def test_a_purge_leaves_every_service_serving_and_says_what_it_kept(bench: Bench) -> None:
    said = run("apt-get", "purge", "--yes", "--quiet=2", "autossl")
    assert f"{ROOT_STATE} was kept" in said and "setup --undo" in said
    assert not Path("/var/lib/autossl").exists()
    run("systemctl", "restart", "apache2.service")
    run("doveadm", "reload")
    assert troubles(bench, panel=False) == []


def test_the_way_out_leads_to_files_as_they_were_and_a_purge_of_everything(built: Built) -> None:
    install(built.package)
    run("autossl", "setup", "--undo")
    run("apt-get", "purge", "--yes", "--quiet=2", "autossl")
    assert not ROOT_STATE.exists()
    for service in ("apache2", "dovecot", "exim4"):
        text = b"".join(path.read_bytes() for path in Path("/etc", service).rglob("*") if path.is_file())
        assert b"/var/lib/autossl" not in text
    run("apache2ctl", "configtest")
