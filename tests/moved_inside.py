"""Runs every test marked `e2e` inside a private host, as if it ran here.

A module of such tests is ordinary pytest: fixtures start real daemons on their real ports and change the real
/etc/apache2, for the whole module runs within one private host (`jobs.demo.private_host`) that is gone afterwards.

    pytestmark = pytest.mark.e2e                  # or pytest.mark.e2e(timeout=60)

The session outside collects the module, and at its first test starts a second pytest inside for all selected tests of
the module. That one writes its reports, as JSON lines, to a file that it inherited; the session outside then gives
each report out as its own. A test without a report (a crash, the time limit) fails with what was written inside; and
where no private host can be made, every such test fails: none is ever skipped for that.
With pytest-xdist use `--dist loadfile`, so that a module stays together.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from typing import IO, Any

import pytest

from jobs.demo.private_host import PrivateHost
from jobs.policy.failure import Failure

TIMEOUT = 300.0
_CHANNEL = "AUTOSSL_TEST_REPORTS"
_FOUND = pytest.StashKey[dict[str, "_Module"]]()


class _Module:
    """What became of one module inside: reports by node id, and why there may be none."""

    def __init__(self) -> None:
        self.reports: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.trouble = ""


class _Sender:
    """The plug-in of the session inside: writes every report to the inherited file at once."""

    def __init__(self, config: pytest.Config, sink: IO[str]) -> None:
        self._config, self._sink = config, sink

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._sink.write(json.dumps(data) + "\n")


def pytest_configure(config: pytest.Config) -> None:
    channel = os.environ.pop(_CHANNEL, None)
    if channel is None:
        config.stash[_FOUND] = {}
    else:
        sink = os.fdopen(int(channel), "a", encoding="utf-8", buffering=1)
        os.set_inheritable(sink.fileno(), False)
        config.pluginmanager.register(_Sender(config, sink))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    found = item.config.stash.get(_FOUND, None)
    if found is None or item.get_closest_marker("e2e") is None:
        return None
    path = str(item.path)
    if path not in found:
        found[path] = _run_inside([other for other in item.session.items if other.path == item.path])
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in _reports(item, found[path]):
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    # The test before this one left standing what this one would have shared; pytest has no public word for this.
    item.session._setupstate.teardown_exact(nextitem)
    return True


def _reports(item: pytest.Item, module: _Module) -> Iterator[pytest.TestReport]:
    kept = module.reports.get(item.nodeid, [])
    for data in kept:
        if data["outcome"] == "skipped" and isinstance(data["longrepr"], list):
            data["longrepr"] = tuple(data["longrepr"])  # JSON has no tuples, and pytest asks for one here
        yield item.config.hook.pytest_report_from_serializable(config=item.config, data=data)
    if not any(data["when"] == "teardown" for data in kept):
        words = f"the private host gave no complete answer about this test\n{module.trouble}"
        yield pytest.TestReport(item.nodeid, item.location, {}, "failed", words, "call")


def _run_inside(items: list[pytest.Item]) -> _Module:
    module = _Module()
    markers = [marker for item in items if (marker := item.get_closest_marker("e2e"))]
    timeout = max(marker.kwargs.get("timeout", TIMEOUT) for marker in markers)
    root = items[0].config.rootpath
    options = ["-p", "no:cacheprovider", "-p", "no:xdist", "-q", "--rootdir", str(root)]
    command = [sys.executable, "-m", "pytest", *options, *(item.nodeid for item in items)]
    if any(marker.kwargs.get("systemd") for marker in markers):
        command = [sys.executable, "-m", "tests.booted", *command]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as sink:
        host = PrivateHost(environment={_CHANNEL: str(sink.fileno())}, directory=root)
        try:
            module.trouble = host.run(command, timeout=timeout, pass_fds=[sink.fileno()]).said()
        except Failure as failure:
            module.trouble = failure.detail
        except TimeoutError as error:
            module.trouble = str(error)
        sink.seek(0)
        for line in sink:
            data = json.loads(line)
            module.reports[data["nodeid"]].append(data)
    return module
