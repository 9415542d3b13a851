"""A person in front of the panel, in a real browser, who notices whatever is wrong with a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, StorageState, expect

from jobs.demo.product import PANEL_PORT

CHROMIUM = "/usr/bin/chromium"
ADDRESS = f"https://127.0.0.1:{PANEL_PORT}"
SCREENSHOTS = Path(__file__).with_name("screenshots")
PATIENCE = 30_000.0
"""Milliseconds until something must have happened in the page: a check of a slow machine takes seconds."""

_AXE = Path(__file__).with_name("vendor") / "axe.min.js"
_VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} forbids ${event.blockedURI} (${event.sourceFile})`);
});
"""
_RUN_AXE = "axe.run(document, { resultTypes: ['violations'], preload: false })"
_BUSY = ".htmx-request, .htmx-swapping, .htmx-settling, [hx-trigger=load]"
"""What is about to change, and is pale meanwhile."""

_GRAVE = ("serious", "critical")
_WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@dataclass(frozen=True)
class Look:
    """How wide the window is, in CSS pixels, and whether the system is set to light or dark."""

    width: int
    scheme: Literal["light", "dark"]

    def __str__(self) -> str:
        return f"{self.width}-{self.scheme}"


DESK, DESK_AT_NIGHT = Look(1440, "light"), Look(1440, "dark")
PHONE, PHONE_AT_NIGHT = Look(375, "light"), Look(375, "dark")
LOOKS = (DESK, DESK_AT_NIGHT, PHONE_AT_NIGHT, PHONE)
EXAMINED = (DESK, PHONE_AT_NIGHT)
"""The looks in which axe-core runs: between them both widths, and both sets of colours."""


class Visitor:
    """One window. `state`: the cookies of a former visit. `complaints`: what was wrong with the pages until now."""

    def __init__(
        self, browser: Browser, look: Look, *, javascript: bool = True, state: StorageState | None = None
    ) -> None:
        self._look, self._javascript = look, javascript
        self.complaints: list[str] = []
        self._context: BrowserContext = browser.new_context(
            base_url=ADDRESS, ignore_https_errors=True, java_script_enabled=javascript, storage_state=state,
            viewport=_viewport(look), color_scheme=look.scheme,
            reduced_motion="reduce",  # else colours are still on their way when they are measured
        )
        self._context.set_default_timeout(PATIENCE)
        self._context.add_init_script(_AXE.read_text(encoding="utf-8") + _VIOLATIONS)
        self.page = self.another()

    def another(self) -> Page:
        """One more tab of the same window."""
        page = self._context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        return page

    def open(self, path: str, status: int = 200) -> None:
        answer = self.page.goto(path)
        assert answer is not None and answer.status == status, f"{path}: {answer and answer.status}"

    def sign_in(self, name: str, password: str) -> None:
        self.open("/login")
        self.page.get_by_label("User name").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def state(self) -> StorageState:
        return self._context.storage_state()

    def examine(self, name: str, looks: Sequence[Look] = LOOKS) -> None:
        """Look at the present page in these ways; a picture of each is kept under `name`."""
        if self._javascript:
            expect(self.page.locator(_BUSY)).to_have_count(0, timeout=PATIENCE)
        for look in looks if self._javascript else (self._look,):
            self.page.set_viewport_size(_viewport(look))
            self.page.emulate_media(color_scheme=look.scheme)
            if self._javascript:
                self._complain(name, look)
            SCREENSHOTS.mkdir(exist_ok=True)
            self.page.screenshot(path=SCREENSHOTS / f"{name}-{look}.png", full_page=True, caret="initial")
        self.page.set_viewport_size(_viewport(self._look))
        self.page.emulate_media(color_scheme=self._look.scheme)

    def says(self, text: str) -> None:
        """The live region says so."""
        expect(self.page.get_by_role("status").first).to_contain_text(text, timeout=PATIENCE)

    def forgive(self, words: str) -> None:
        """Forget the complaints with `words`: Chromium writes each answer of 400 and above to the console, and a test
        may mean to get one."""
        assert any(words in each for each in self.complaints), f"expected a complaint with {words!r}"
        self.complaints = [each for each in self.complaints if words not in each]

    def leave(self) -> None:
        """Close the window. Everything that was wrong is told at once."""
        for page in self._context.pages:
            if self._javascript and page.url.startswith(ADDRESS):
                self.complaints += [f"{page.url}: {each}" for each in page.evaluate("window.violations")]
        self._context.close()
        assert not self.complaints, "\n".join(self.complaints)

    def _complain(self, name: str, look: Look) -> None:
        if self.page.evaluate(_WIDER):
            self.complaints.append(f"{name}, {look}: it scrolls sideways")
        if look in EXAMINED:
            found: dict[str, Any] = self.page.evaluate(_RUN_AXE)
            self.complaints += [
                f"{name}, {look}: {finding['id']} ({finding['impact']}): {node['target'][0]}: {node['failureSummary']}"
                for finding in found["violations"] if finding["impact"] in _GRAVE
                for node in finding["nodes"]
            ]
        self.complaints += [f"{name}, {look}: {each}" for each in self.page.evaluate("window.violations.splice(0)")]

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.page.url if message.page else ''}: console: {message.text}")


def _viewport(look: Look) -> Any:
    return {"width": look.width, "height": 812 if look.width < 600 else 900}
