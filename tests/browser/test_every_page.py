"""Every page that somebody may open, looked at as they see it: wide and narrow, light and dark.

The pages are the routes themselves: a new one is under test the moment it exists.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser

from jobs.demo.daemons.bind import Zone
from jobs.demo.inside import PUBLIC_ADDRESS
from jobs.demo.product import INSTANCE, PROVIDER, Product
from jobs.demo.story import Bench, Told, new_user
from jobs.policy.access import Right, Role, rights
from panel import access, create_app
from tests.browser.visitor import DESK, EXAMINED, LOOKS, Visitor

pytestmark = pytest.mark.e2e(timeout=240)

PASSWORD = "correct horse battery"
HOSTED = ("harbour", "lisa", "mill", "orchard")
"""Accounts that no web server names, each with one website below bench.test; `mill` has no address."""

NO_PAGES = {
    "api.openapi", "health.live", "health.ready",  # for programs
    "logs.download", "static",  # files
    "options.tested", "running.show", "status.progress", "users.checks", "users.names",  # parts of pages
    "login.ask_code", "queue.ask_cancel",  # after something was done: tests/browser/test_manage_autossl.py
}
OWN = {"users.ask_to_remove": {"account": HOSTED[0]}}
"""Values for parts of an address that differ from those of the other pages."""


@pytest.fixture(scope="module")
def password(told: Told, bench: Bench) -> str:
    """Of the administrator, of an installation that has worked for a while."""
    hosts = [(label, "A", PUBLIC_ADDRESS) for label in ("@", "panel", *HOSTED) if label != "mill"]
    bench.dns.write(Zone("bench.test", [("ns", "A", "127.0.0.1"), *hosts]))
    product = Product()
    made = new_user(told, bench, product, None)
    for name in HOSTED:
        product.run("account", "add", name, "--name", f"{name}.bench.test", "--package", "default")
    product.run("features", "set", "gold")
    product.run("package", "set", "gold", "--features", "gold")
    product.run("option", "set", "resellers", "true")
    product.run("option", "set", "challenge_zone", "challenges.bench.test")
    product.run("plugin", "set", "sendmail", "enabled=yes", "program=/usr/sbin/nothing")
    product.run("notify", "test", "me@bench.test", expected=(1,))
    for words in (["rita", "--role", "reseller"], ["carol-herself", "--account", bench.accounts[2].user]):
        product.run("user", "add", *words, "--password-file", "-", stdin=f"{PASSWORD}\n")
    product.run("account", "reseller", bench.accounts[2].user, "rita")
    product.run("account", "reseller", "lisa", "rita")
    product.run("check", "--all", expected=(0, 1))
    return made


@pytest.fixture(scope="module")
def app(password: str) -> Flask:
    return create_app(INSTANCE)


@pytest.fixture
def visitor(chromium: Browser, password: str) -> Iterator[Visitor]:
    made = Visitor(chromium, DESK)
    yield made
    made.leave()


def pages(app: Flask, may: frozenset[Right], values: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and address of every page for who has the rights `may`."""
    adapter = app.url_map.bind("panel")
    for rule in sorted(app.url_map.iter_rules(), key=str):
        if "GET" not in (rule.methods or ()) or rule.endpoint in NO_PAGES:
            continue
        if access.declared(app, rule.endpoint) in may:
            own = values | OWN.get(rule.endpoint, {})
            path = adapter.build(rule.endpoint, {name: own[name] for name in rule.arguments})
            yield "-".join([rule.endpoint, *sorted(rule.arguments)]), path


def values_of(product: Product, bench: Bench) -> dict[str, Any]:
    carol = bench.accounts[2]
    runs = product.run("log", "list", "--json").json()
    newest = max(run["start"] for run in runs["runs"])
    return {
        "account": carol.user, "website": carol.domain, "fqdn": carol.broken[0], "provider": PROVIDER,
        "person": "rita", "name": "gold", "start": newest,
    }


@pytest.mark.parametrize("role", [Role.ADMIN, Role.RESELLER, Role.USER])
def test_every_page_is_fit_to_be_seen(
    role: Role, visitor: Visitor, app: Flask, bench: Bench, password: str
) -> None:
    names = {Role.ADMIN: ("admin", password), Role.RESELLER: ("rita", PASSWORD), Role.USER: ("carol-herself", PASSWORD)}
    visitor.sign_in(*names[role])
    visitor.page.get_by_role("navigation", name="Tabs").wait_for()
    opened = list(pages(app, rights(role, True), values_of(Product(), bench)))
    for name, path in opened:
        visitor.open(path)
        visitor.examine(f"{role}-{name}", LOOKS if role == Role.ADMIN else EXAMINED)
    assert len(opened) > 8


def test_what_the_doctor_found_is_fit_to_be_seen(visitor: Visitor, password: str) -> None:
    visitor.sign_in("admin", password)
    visitor.page.get_by_role("navigation", name="Tabs").wait_for()
    visitor.open("/doctor/")
    key = INSTANCE / "tls/panel.pem"
    key.chmod(0o644)
    visitor.page.get_by_role("button", name="Look at this host").click()
    visitor.page.get_by_role("button", name="Look again").wait_for(timeout=60_000)
    key.chmod(0o600)
    visitor.page.get_by_text(f"chmod 600 {key}").wait_for()
    visitor.open("/doctor/")
    visitor.examine("admin-doctor-found", LOOKS)


def test_the_pages_before_the_sign_in_are_fit_to_be_seen(visitor: Visitor, password: str) -> None:
    link = Product().run("user", "add", "bob-himself", "--account", "lisa", "--link", "--json").json()["link"]
    for name, path in (("login", "/login"), ("setup-link", link.partition("2087")[2])):
        visitor.open(path)
        visitor.examine(f"nobody-{name}")
    visitor.open("/login")
    visitor.page.get_by_label("User name").fill("admin")
    visitor.page.get_by_label("Password").fill("a wrong one")
    visitor.page.get_by_role("button", name="Sign in").click()
    visitor.page.get_by_role("alert").wait_for()
    visitor.forgive("422")
    visitor.examine("nobody-login-refused")
