"""The Debian package on a private host with systemd, from its installation to its purge."""

from __future__ import annotations

import grp
import pwd
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging.conftest import Built
from tests.packaging.dpkg import install, main_process, run, state

pytestmark = pytest.mark.e2e(systemd=True)

LIB, CONFIG = Path("/usr/lib/autossl"), Path("/etc/autossl/config.toml")
INSTANCE, ROOT_STATE = Path("/var/lib/autossl"), Path("/var/lib/autossl-root")
SCRIPTS = Path("/var/lib/dpkg/info")


@pytest.fixture(scope="module", autouse=True)
def told(built: Built) -> Iterator[str]:
    """The former version is installed first; what that printed. The tests go on from each other."""
    yield install(built.former)


def owner_and_mode(path: Path) -> tuple[str, str, int]:
    facts = path.lstat()
    return pwd.getpwuid(facts.st_uid).pw_name, grp.getgrgid(facts.st_gid).gr_name, stat.S_IMODE(facts.st_mode)


def activate(trigger: str) -> None:
    """As dpkg does when a package brings that file, or one below it."""
    run("dpkg-trigger", "--by-package=base-files", trigger)
    run("dpkg", "--configure", "--pending")


def programs() -> list[str]:
    """What it was unpacked to."""
    return sorted(path.name for path in LIB.glob("venv.*")) + sorted(path.name for path in LIB.glob(".*"))


def test_it_says_what_is_next(told: str, built: Built) -> None:
    assert "autossl setup" in told
    assert run("autossl", "--version") == f"{built.said}\n"
    assert "Usage: autossl_check" in run("autossl_check", "--help")


def test_its_user_may_not_log_in_and_each_side_has_its_directory() -> None:
    account = pwd.getpwnam("autossl")
    assert account.pw_shell == "/usr/sbin/nologin" and account.pw_uid < 1000
    assert owner_and_mode(INSTANCE) == ("autossl", "autossl", 0o711)
    assert owner_and_mode(ROOT_STATE) == ("root", "root", 0o711)
    assert owner_and_mode(CONFIG) == ("root", "root", 0o644)


def test_root_runs_nothing_that_anybody_else_may_change() -> None:
    assert run("find", "-L", str(LIB), "(", "!", "-user", "root", "-o", "-perm", "/022", ")") == ""
    first = (LIB / "venv/bin/autossl").read_text(encoding="utf-8").splitlines()[0]
    assert first == f"#!{(LIB / 'venv').resolve()}/bin/python3.11 -I"


def test_the_root_side_can_be_asked_by_the_panel_alone_and_nothing_is_served_before_the_setup() -> None:
    assert (state("autossl-root.socket"), state("autossl.service")) == ("active", "inactive")
    assert owner_and_mode(Path("/run/autossl/root.sock")) == ("root", "autossl", 0o660)
    for unit in ("autossl-root.socket", "autossl.service"):
        assert run("systemctl", "is-enabled", unit) == "enabled\n"


def test_systemd_has_no_complaint_about_the_units() -> None:
    units = [str(path) for path in Path("/usr/lib/systemd/system").glob("autossl*")]
    assert len(units) == 3
    assert run("systemd-analyze", "verify", "--man=no", *units) == ""


def test_a_shell_completes_its_commands() -> None:
    words = ". /usr/share/bash-completion/completions/autossl; COMP_WORDS=(autossl che); COMP_CWORD=1; "
    words += "_autossl_completion autossl; echo ${COMPREPLY[*]}"
    assert run("bash", "-c", words).split()[-1] == "check"


def test_an_upgrade_brings_another_program_and_keeps_the_configuration(built: Built) -> None:
    former = programs()
    CONFIG.write_text(CONFIG.read_text(encoding="utf-8") + "# ours\n", encoding="utf-8")
    (INSTANCE / "panel.sqlite3").touch()  # now the panel would be started, if the upgrade started anything
    assert "autossl setup" not in install(built.package)
    assert CONFIG.read_text(encoding="utf-8").endswith("# ours\n")
    assert len(programs()) == 1 and programs() != former
    assert run("dpkg-query", "-W", "-f", "${Version} ${db:Status-Status}", "autossl") == "0.1.0-1 installed"
    assert run("autossl", "--version") == f"{built.said}\n"
    assert state("autossl.service") == "inactive"
    (INSTANCE / "panel.sqlite3").unlink()


def test_the_root_side_begins_anew_when_a_service_is_installed_that_it_could_not_write_to_yet() -> None:
    later = Path("/etc/postfix")
    shutil.rmtree(later, ignore_errors=True)
    run("systemctl", "start", "autossl-root.service")
    before = main_process("autossl-root.service")
    later.mkdir()
    with pytest.raises(OSError, match="Read-only file system"):
        Path(f"/proc/{before}/root{later}/main.cf").touch()
    activate(str(later))
    after = main_process("autossl-root.service")
    assert after not in (0, before)
    Path(f"/proc/{after}/root{later}/main.cf").touch()
    activate(str(later))
    assert main_process("autossl-root.service") == after


def test_when_debian_has_another_python_it_is_unpacked_anew(built: Built) -> None:
    shutil.move(LIB / "venv/lib/python3.11", LIB / "venv/lib/python3.10")
    former = programs()
    activate("/usr/bin/python3")
    assert len(programs()) == 1 and programs() != former
    assert run("autossl", "--version") == f"{built.said}\n"


def test_when_it_can_not_be_unpacked_the_former_program_stays(built: Built) -> None:
    former, whole = programs(), (LIB / "autossl.pyz").read_bytes()
    (LIB / "autossl.pyz").write_bytes(whole[: len(whole) // 2])
    said = run(str(SCRIPTS / "autossl.postinst"), "configure", "0.1.0-1", codes=(1,))
    assert "unpacking the program with /usr/bin/python3 failed; the former one, if any, stays" in said
    assert programs() == former
    assert run("autossl", "--version") == f"{built.said}\n"
    (LIB / "autossl.pyz").write_bytes(whole)


def test_a_removal_ends_its_processes_and_keeps_what_services_read() -> None:
    (ROOT_STATE / "kept").touch()
    (INSTANCE / "kept").touch()
    shutil.copy(SCRIPTS / "autossl.postrm", "/root/postrm")
    run("apt-get", "remove", "--yes", "--quiet=2", "autossl")
    assert (state("autossl-root.socket"), state("autossl.service")) == ("inactive", "inactive")
    assert not LIB.exists() and not Path("/run/autossl/root.sock").exists()
    assert (ROOT_STATE / "kept").exists() and (INSTANCE / "kept").exists() and CONFIG.exists()


@pytest.mark.parametrize("directory", [ROOT_STATE, INSTANCE])
def test_a_purge_keeps_what_a_configuration_still_leads_to_and_says_so(directory: Path) -> None:
    vhost = Path("/etc/nginx/sites-enabled/somebody.conf")
    elsewhere = Path("/root/elsewhere.conf")
    directory.mkdir(exist_ok=True)
    (directory / "kept").touch()
    elsewhere.write_text(f"ssl_certificate {directory}/tls/live/a.test/nginx/fullchain.pem;\n")
    vhost.symlink_to(elsewhere)
    said = run("sh", "/root/postrm", "purge")
    assert f"{directory} was kept" in said and str(vhost) in said and "setup --undo" in said
    assert (directory / "kept").exists()
    vhost.unlink()
    elsewhere.unlink()


def test_a_purge_leaves_nothing() -> None:
    run("apt-get", "purge", "--yes", "--quiet=2", "autossl")
    assert not any(path.exists() for path in (LIB, CONFIG.parent, INSTANCE, ROOT_STATE))
    with pytest.raises(KeyError):
        pwd.getpwnam("autossl")
    assert [str(path) for path in Path("/etc/systemd/system").rglob("autossl*")] == []
