"""The Debian package as a file: what Debian's and systemd's own checkers say about it, and what README says."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.build import checks, deb, manual
from tests.packaging.conftest import Built
from tests.panel.command_line import leaves
from tests.test_readme import section


def test_lintian_has_no_complaint(built: Built) -> None:
    assert checks.lintian(built.package) == ""


def test_systemd_has_no_complaint_about_the_units(built: Built) -> None:
    assert checks.verified(built.tree) == ""


def test_the_services_are_as_exposed_as_the_readme_states(built: Built) -> None:
    told = dict(re.findall(r"^\| `(autossl[a-z-]*\.service)` \|.*\| ([0-9.]+) \|$", section("Build it"), re.MULTILINE))
    assert checks.exposure(built.tree) == told
    assert set(told) == {unit for unit in deb.UNITS if unit.endswith(".service")}


def test_everything_in_it_is_roots_and_only_root_may_change_it(built: Built) -> None:
    listing = subprocess.run(["dpkg-deb", "--contents", built.package], capture_output=True, text=True, check=True)
    for line in listing.stdout.splitlines():
        mode, owner = line.split()[:2]
        assert owner == "root/root" and mode[5] == "-" and mode[8] == "-" and "s" not in mode, line


@pytest.mark.parametrize("script", ["postinst", "prerm", "postrm"])
def test_a_script_of_the_package_is_one_that_debians_shell_reads(built: Built, script: str) -> None:
    subprocess.run(["dash", "-n", str(built.tree / "DEBIAN" / script)], check=True)


def test_the_manual_has_every_command_and_no_line_that_troff_complains_about(built: Built) -> None:
    page = str(built.tree / "usr/share/man/man1/autossl.1.gz")
    words = ["man", "--local-file", "--warnings", "-Tutf8", page]
    shown = subprocess.run(words, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin",
                           "MANWIDTH": "200", "LC_ALL": "C.UTF-8", "GROFF_NO_SGR": "1", "MAN_KEEP_FORMATTING": ""})
    assert shown.stderr == ""
    text = re.sub(r".\x08", "", shown.stdout)
    for path, _ in leaves(manual.main):
        assert f"autossl {' '.join(path)}" in text


@pytest.mark.parametrize("shell", manual.SHELLS)
def test_a_shell_is_told_how_to_complete(built: Built, shell: str) -> None:
    text = (built.tree / manual.SHELLS[shell]).read_text(encoding="utf-8")
    assert f"_AUTOSSL_COMPLETE={shell}_complete" in text
