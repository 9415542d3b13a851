"""The root side dies, or is started anew, in the middle of a check: services go on, the check says so in words, and the
next one goes on with what was ordered."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from jobs import crash_points
from jobs.demo.accounts import add_user
from jobs.demo.daemons import apache, bind, dovecot, exim, pebble
from jobs.demo.daemons.starting import until
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.demo.product import CODE
from tests.crash_host import HERE, CrashHost
from tests.e2e.split_host import CONFIG, SOCKET, STATE, SplitProduct, root_side

pytestmark = pytest.mark.e2e(timeout=300)

STEPS = ("switch symlink", "write configuration", "test configuration", "reload", "probe")
"""Of those in `jobs/crash_points.py`, the ones that are the root side's."""

POINTS = [f"{edge} {step}" for step in STEPS for edge in ("before", "after")]


@pytest.fixture(scope="module")
def host() -> Iterator[CrashHost]:
    """A website whose certificate every service presents; nobody works as root when it is handed out."""
    names = [("@", "A", PUBLIC_ADDRESS), *((f"n{number}", "A", PUBLIC_ADDRESS) for number in range(1, 60))]
    bind.start_bind([bind.Zone(HERE, names)])
    ca = pebble.start_pebble(pebble.Behaviour())
    docroot = add_user("killed")
    apache.add_vhosts(HERE, apache.plain_vhost(docroot, HERE))
    apache.start_apache()
    dovecot.start_dovecot()
    exim.start_exim([HERE])
    product = SplitProduct()
    product.prepare()
    CONFIG.write_text(CONFIG.read_text() + "\n[check]\nservice_names = []\n")
    words = ["--directory", ca.directory, "--ca-bundle", str(ca.bundle), "--contact", "anna@bench.test"]
    with root_side():
        product.run("setup", "--yes", "--admin", "anna", "--hostname", "panel.bench.test", "--accept-terms",
                    "--no-doctor", *words)
        product.run("discover")
        made = CrashHost(product, ca, {HERE: docroot})
        made.aliases = {HERE: 0}
        assert checked(made)[0] == "installed"
    assert made.troubles(HERE) == []
    yield made


def checked(host: CrashHost) -> tuple[str, list[str]]:
    """One check: how the website stands on Apache then, and what the services say that failed."""
    answer = host.product.run("check", "--user", "killed", "--json", expected=(0, 1, 2))
    report = answer.json()
    if "error" in report:
        return "", [report["error"]["text"]]
    (site,) = report["websites"]
    services: dict[str, Any] = site["services"]
    words = [one["text"] for one in services.values() if one["state"] == "failed"]
    return services["apache"]["state"], words


@pytest.mark.parametrize("point", POINTS)
def test_a_root_side_that_is_killed_at_any_step_leaves_all_served_and_the_next_check_goes_on(
    host: CrashHost, point: str
) -> None:
    alias, issued = host.alias(), host.ca.issued()
    with root_side(environment={crash_points.VARIABLE: point}) as root:
        said = checked(host)[1]
        assert "it ended in install" in said[-1] and all(str(SOCKET) in words for words in said)
        assert root.wait(10) == crash_points.EXIT_CODE, "it was not reached"
    assert host.troubles(HERE) == [] and host.refusals() == []
    with root_side():
        assert checked(host) == ("installed", [])
    assert host.troubles(HERE, alias) == [] and host.refusals() == []
    assert host.ca.issued() == issued + 1, "ordered once"
    assert left() == []


def left() -> list[str]:
    found = [*(STATE / "tls" / "live").glob("*/.*"), *(STATE / "backups").glob("unfinished-*")]
    for folder in ("apache2", "dovecot", "exim4"):
        found += CONFIG.parents[1].joinpath(folder).rglob(".*.autossl")
    return [str(path) for path in found]


def test_a_root_side_that_is_started_anew_in_the_middle_loses_no_order(host: CrashHost) -> None:
    """By `systemctl restart`, at several moments of a check: what it has begun is done, and what comes then is told."""
    for moment in (0.3, 0.9, 1.6):
        alias, issued = host.alias(), host.ca.issued()
        with root_side():
            check = subprocess.Popen(
                host.product.command("check", "--user", "killed"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, cwd="/", env={**os.environ, "PYTHONPATH": str(CODE)},
            )
            began = time.monotonic()
            until("the moment", lambda moment=moment, began=began: time.monotonic() - began >= moment)
        with root_side():
            said, _ = check.communicate(timeout=60)
            assert check.returncode in (0, 1, 2) and "Traceback" not in said, said
            assert host.troubles(HERE) == [], said
            assert checked(host) == ("installed", []), said
        assert host.troubles(HERE, alias) == []
        assert host.ca.issued() == issued + 1


def test_without_a_root_side_a_check_says_so_and_orders_nothing(host: CrashHost) -> None:
    host.alias()
    issued = host.ca.issued()
    SOCKET.unlink(missing_ok=True)
    answer = host.product.run("check", "--user", "killed", "--json", expected=(1, 2))
    assert "root_side_unreachable" in answer.stdout and "Traceback" not in answer.stderr
    assert host.ca.issued() == issued
