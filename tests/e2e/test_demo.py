"""`autossl demo`, run as a person would."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "panel.cli", "demo"]
PORTS = {443, 993, 143, 465, 25, 2078, 2087}


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    ended = subprocess.run([*COMMAND, "--once", "--json"], cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert ended.stdout, ended.stderr
    answer: dict[str, Any] = json.loads(ended.stdout)
    assert (ended.returncode == 0) == answer["ok"], ended.stderr
    return answer


def test_three_accounts_are_secured_on_every_service(told: dict[str, Any]) -> None:
    rows = told["served"]
    assert [row for row in rows if not row["ok"]] == []
    assert len({row["account"] for row in rows}) == 3
    for account in {row["account"] for row in rows}:
        assert {row["port"] for row in rows if row["account"] == account} == PORTS
    assert all(row["issuer"].startswith("Pebble") and row["not_after"] for row in rows)


def test_names_that_can_not_be_validated_are_left_off_with_their_reasons(told: dict[str, Any]) -> None:
    left = {name["name"]: name["code"] for site in told["first_check"]["websites"] for name in site["left_off"]}
    assert left == {"shop.carol.test": "dns_nxdomain", "old.carol.test": "http_no_route"}


def test_a_second_check_orders_nothing(told: dict[str, Any], record_property: Any) -> None:
    assert told["issued"]["first_check"] >= 3
    assert told["issued"]["second_check"] == 0
    assert {site["decision"] for site in told["second_check"]["websites"]} == {"keep"}
    record_property("second check, seconds", told["seconds"]["second check"])
    sys.stdout.write(f"the second check took {told['seconds']['second check']} s\n")


def test_the_panel_is_open_from_this_machine_until_control_c() -> None:
    with subprocess.Popen(
        [*COMMAND, "--json"], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as demo:
        try:
            assert demo.stdout is not None
            panel = json.loads(demo.stdout.readline())["panel"]
            assert "Sign out" in _sign_in(panel)
            inside = _below(demo.pid)
            assert len(inside) > 10
            os.killpg(demo.pid, signal.SIGINT)  # as a terminal does
            assert demo.wait(30) == 0
        finally:
            demo.kill()
    assert [pid for pid in inside if Path(f"/proc/{pid}").exists()] == []
    with pytest.raises(OSError, match="refused"):
        _sign_in(panel)


def _sign_in(panel: dict[str, str]) -> str:
    """The page that a browser which trusts anybody sees after the sign-in with what the demo told."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    browser = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=context), urllib.request.HTTPCookieProcessor()
    )
    with browser.open(f"{panel['url']}login", timeout=10) as answer:
        (token,) = re.findall(r'name="csrf_token" value="([^"]+)"', answer.read().decode())
    form = urllib.parse.urlencode({"csrf_token": token, "name": panel["user"], "password": panel["password"]}).encode()
    request = urllib.request.Request(f"{panel['url']}login", form, {"Origin": panel["url"].rstrip("/")})
    with browser.open(request, timeout=10) as answer:
        page: str = answer.read().decode()
    return page


def _below(pid: int) -> set[int]:
    """Every process that `pid` started, and those that they started."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(") ")[2].split()[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def test_without_root_it_is_one_sentence_and_exit_code_2() -> None:
    code = (
        "import os, panel.cli, panel.cli.commands.demo, jobs.demo.launch\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "panel.cli.main(['demo'])"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("autossl: a private host can't be made here: only root may make one")
    assert len(ended.stderr.splitlines()) == 1
