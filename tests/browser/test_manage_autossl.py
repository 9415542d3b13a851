"""Manage AutoSSL as people use it: what they click, and what they then see."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pyotp
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from jobs.demo.daemons.bind import Zone
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.demo.product import Product
from jobs.demo.story import Bench
from tests.browser.visitor import DESK, DESK_AT_NIGHT, PATIENCE, PHONE, PHONE_AT_NIGHT, Look, Visitor

pytestmark = pytest.mark.e2e(timeout=240)

PASSWORD = "correct horse battery"
TEN = [f"site-{number:02}" for number in range(1, 11)]
"""Accounts that no web server names, and whose names have no address."""

Come = Callable[..., Visitor]


@pytest.fixture(scope="module")
def product(bench: Bench) -> Product:
    """The product as it is when its panel is opened for the first time: it has no provider, and knows thirteen
    accounts. `admin` and `olga` are administrators."""
    made = Product()
    made.make()
    made.run("setup")
    made.run("discover")
    for name in TEN:
        made.run("account", "add", name, "--name", f"{name}.bench.test")
    for words in (["admin", "add", "olga"], ["admin", "reset-password", "admin"],
                  ["user", "add", "alice-herself", "--account", bench.accounts[0].user],
                  ["user", "add", "bob-himself", "--account", bench.accounts[1].user]):
        made.run(*words, "--password-file", "-", stdin=f"{PASSWORD}\n")
    made.serve()
    return made


@pytest.fixture
def come(chromium: Browser, product: Product) -> Iterator[Come]:
    """Opens a window, and signs somebody in. Whatever was wrong with a page fails the test."""
    visitors = []

    def made(look: Look, name: str = "admin", *, javascript: bool = True) -> Visitor:
        visitor = Visitor(chromium, look, javascript=javascript)
        visitors.append(visitor)
        visitor.sign_in(name, PASSWORD)
        expect(visitor.page.get_by_role("navigation", name="Tabs")).to_be_visible()
        return visitor

    yield made
    for visitor in visitors:
        visitor.leave()


@contextlib.contextmanager
def held(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """A daemon that takes its time: it answers when this is over."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def tab(page: Page, title: str) -> None:
    page.get_by_role("navigation", name="Tabs").get_by_role("link", name=title).click()
    expect(page).to_have_title(re.compile(rf"^{title}.* · AutoSSL Panel$"))


def row(page: Page, text: str) -> Locator:
    return page.get_by_role("row").filter(has_text=text)


def seen(place: Locator, text: str) -> None:
    expect(place).to_contain_text(text, timeout=PATIENCE)


def test_an_administrator_sets_up_two_step_sign_in_and_signs_in_by_it(come: Come) -> None:
    visitor = come(DESK, "olga")
    page = visitor.page
    page.get_by_text("olga").click()
    page.get_by_role("link", name="Your sign-in").click()
    page.get_by_role("button", name="Set it up").click()
    secret = page.locator("code.secret").inner_text().replace(" ", "")
    codes = pyotp.TOTP(secret)
    page.get_by_label("Code").fill(codes.now())
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Switch it on").click()
    visitor.says("Two-step sign-in is on.")
    expect(page.locator(".codes li")).to_have_count(10)
    visitor.examine("admin-backup-codes")
    page.get_by_text("olga").click()
    page.get_by_role("button", name="Sign out").click()
    visitor.sign_in("olga", PASSWORD)
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    visitor.examine("nobody-second-step")
    page.get_by_label("Code").fill(codes.at(time.time() + codes.interval))  # the present one is used up
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_a_ca_of_ones_own_is_looked_at_added_and_taken_into_use(come: Come, bench: Bench) -> None:
    visitor = come(PHONE_AT_NIGHT)
    page = visitor.page
    page.get_by_role("link", name="Choose a provider").first.click()
    page.get_by_role("button", name="Add another CA").click()
    page.get_by_label("Name", exact=True).fill("pebble")
    page.get_by_label("Directory URL").fill(bench.ca.directory)
    page.get_by_label("CA bundle as a file").set_input_files(bench.ca.bundle)
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("heading", name="What this CA says of itself")).to_be_visible()
    visitor.examine("admin-providers.found")
    page.get_by_role("button", name="Add it").click()
    visitor.says("Accept its terms to take it into use.")
    page.get_by_label("Contact").fill("admin@bench.test")
    page.get_by_role("button", name="Save").click()
    seen(page.locator("#accept-error"), "terms")
    visitor.forgive("422")
    page.get_by_label("I have read and accept").check()
    page.get_by_role("button", name="Save").click()
    seen(page.get_by_label("AutoSSL on this host"), "pebble")
    seen(page.locator("#chosen"), "You accepted")


def test_a_run_for_all_users_is_watched_to_its_end_while_its_log_grows(come: Come, bench: Bench) -> None:
    visitor = come(DESK_AT_NIGHT)
    page, log = visitor.page, visitor.another()
    with held(bench.ca.process):
        page.get_by_role("button", name="Run AutoSSL for All Users").click()
        visitor.says("The check of all accounts was asked for.")
        seen(page.locator("#running"), "13 websites")
        expect(page.get_by_role("button", name="Stop after this account")).to_be_visible()
        visitor.examine("admin-overview.running")
        log.goto("/logs")
        log.get_by_role("link", name="View Log").first.click()
        seen(log.locator("#log"), "The check is running.")
        events = log.locator("#log li.event")
        expect(events).not_to_have_count(0)
        before = events.count()
    expect(log.locator("#log-live")).to_be_empty(timeout=PATIENCE)
    assert events.count() > before
    expect(page.get_by_role("button", name="Run AutoSSL for All Users")).to_be_visible(timeout=PATIENCE)
    visitor.says("13 websites")


def test_one_account_is_checked_from_its_row(come: Come, bench: Bench) -> None:
    visitor = come(PHONE)
    tab(visitor.page, "Manage Users")
    tabs = visitor.page.get_by_role("navigation", name="Tabs")
    expect(tabs.get_by_role("link", name="Manage Users")).to_be_in_viewport(ratio=1)
    bob = bench.accounts[1].user
    visitor.page.get_by_role("button", name=f"Check {bob}").click()
    visitor.says(f"The check of {bob}")
    seen(visitor.page.locator(f"#check-{bob} .outcome"), "Done")


def test_ten_accounts_are_switched_off_and_reset_and_the_panel_says_how_many(come: Come) -> None:
    visitor = come(DESK)
    page = visitor.page
    tab(page, "Manage Users")
    page.get_by_role("searchbox").fill("site-")
    expect(page.locator("#users tbody tr")).to_have_count(10)
    assert "q=site-" in page.url
    page.get_by_label("All 10 on this page").check()
    seen(page.locator(".chosen"), "10 selected")
    visitor.examine("admin-users.selected")
    page.get_by_role("button", name="Disable AutoSSL").click()
    visitor.says("AutoSSL is disabled for 10 accounts.")
    expect(page.locator("#users .by").filter(has_text="Disabled")).to_have_count(10)
    page.get_by_label("All 10 on this page").check()
    page.get_by_role("button", name="Reset to feature list default").click()
    visitor.says("AutoSSL is as the feature list says for 10 accounts.")
    expect(page.locator("#users .by").filter(has_text="Disabled")).to_have_count(0)


def test_a_user_excludes_a_name_and_takes_it_in_again(come: Come, bench: Bench) -> None:
    visitor = come(PHONE, "alice-herself")
    page, name = visitor.page, f"webdisk.{bench.accounts[0].domain}"
    tab(page, "SSL/TLS Status")
    seen(row(page, name), "Secured")
    page.get_by_role("button", name=f"Exclude {name}").click()
    visitor.says("1 name is excluded: AutoSSL leaves it out from the next check on.")
    seen(row(page, name), "AutoSSL leaves it out.")
    page.get_by_role("button", name=f"Include {name}").click()
    visitor.says("1 name is included")
    expect(page.get_by_role("button", name=f"Exclude {name}")).to_be_visible()


def test_the_queue_is_sorted_searched_and_thinned_out(come: Come, bench: Bench, product: Product) -> None:
    hosts = [(label, "A", PUBLIC_ADDRESS) for label in ("@", "panel", "late")]
    bench.dns.write(Zone("bench.test", [("ns", "A", "127.0.0.1"), *hosts]))
    visitor = come(DESK_AT_NIGHT)
    page = visitor.page
    accounts = page.locator("#queue tbody td[data-label=Account] a")
    with held(bench.ca.process):  # the order of `late` takes its time, so that others wait for their turn
        product.run("account", "add", "late", "--name", "late.bench.test")
        page.goto("/users?q=site-")
        for name in (TEN[2], TEN[0], TEN[1]):
            page.get_by_role("button", name=f"Check {name}").click()
            visitor.says(f"The check of {name} was asked for.")
        tab(page, "Pending Queue")
        visitor.examine("admin-queue.pending")
        page.get_by_role("searchbox").fill("site-0")
        expect(accounts).to_have_text([TEN[2], TEN[0], TEN[1]])
        page.get_by_role("link", name="Account", exact=True).click()
        expect(accounts).to_have_text(TEN[:3])
        page.get_by_role("link", name="Account").first.click()
        expect(accounts).to_have_text(TEN[2::-1])
        page.get_by_role("searchbox").fill(TEN[1])
        expect(accounts).to_have_text([TEN[1]])
        page.get_by_role("button", name="Cancel entry").click()
        visitor.examine("admin-queue.ask_cancel")
        page.get_by_role("button", name="Cancel the check").click()
        visitor.says("The entry is cancelled.")
        expect(accounts.filter(has_text=TEN[0])).to_be_visible()
        expect(accounts.filter(has_text=TEN[1])).to_have_count(0)
    expect(page.get_by_text("Nothing is pending")).to_be_visible(timeout=PATIENCE)


def test_without_javascript_ten_accounts_are_switched_off_and_on(come: Come) -> None:
    visitor = come(PHONE, javascript=False)
    page = visitor.page
    tab(page, "Manage Users")
    page.get_by_role("searchbox").fill("site-")
    page.get_by_role("button", name="Search", exact=True).click()
    for action, said in (("Disable", "disabled"), ("Enable", "enabled")):
        for name in TEN:
            page.get_by_label(f"Select {name}").check()
        page.get_by_role("button", name=f"{action} AutoSSL").click()
        visitor.says(f"AutoSSL is {said} for 10 accounts.")
        assert "q=site-" in page.url
    visitor.examine("plain-users.show")


def test_without_javascript_a_user_runs_a_check_and_sees_it_end(come: Come) -> None:
    visitor = come(DESK, "bob-himself", javascript=False)
    page = visitor.page
    tab(page, "SSL/TLS Status")
    page.get_by_role("button", name="Run AutoSSL").click()
    deadline = time.monotonic() + PATIENCE / 1000
    while page.get_by_role("button", name="Run AutoSSL").count() == 0:
        assert time.monotonic() < deadline, page.content()
        page.get_by_role("button", name="Refresh").click()
    seen(page.locator("#check"), "Last check")
    visitor.examine("plain-status.show")
