"""Every page, for every role and for nobody, with one's own account in its address and with somebody else's.

Parametrised over the routes themselves: a new one is under test the moment it exists.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Blueprint, Flask
from werkzeug.routing import AnyConverter, BaseConverter, IntegerConverter

import models
from jobs.policy.access import Right, Role
from jobs.policy.sessions import Visit
from jobs.wiring import options, people, sessions
from jobs.wiring.instance import now
from panel import _pages, access, audit
from panel.access import account_scope, check, is_public, needs, public
from tests.panel.browser import COOKIE, HTTPS, Browser, add, user
from tests.panel.command_line import Line

NAMES = {"admin": "root", "reseller": "rita", "user": "ann", "nobody": ""}
PUBLIC = {
    "api.openapi", "health.live", "health.ready", "metrics.show", "login.show", "login.sign_in_", "login.ask_code",
    "login.check_code", "setup_link.show", "setup_link.choose", "static",
}
"""What everybody may open. A new entry here is a decision; `metrics.show` has a door of its own in the view."""

API = "api."
"""Its functions have a door of their own, `panel/api/callers.py`, for who comes with a token; see tests/panel/api/."""

@dataclass(frozen=True)
class Route:
    rule: str
    method: str
    endpoint: str
    samples: dict[str, Any]
    public: bool
    build: Callable[..., str] = field(repr=False)

    def path(self, account: str) -> str:
        """The address with this account in it."""
        values = {name: account if name == access.ACCOUNT else sample for name, sample in self.samples.items()}
        return self.build(self.endpoint, values, self.method)

    @property
    def arguments(self) -> tuple[str, ...]:
        return tuple(self.samples)


def sample(converter: BaseConverter) -> Any:
    """Something that can stand in this place of an address, and that is not there."""
    if isinstance(converter, AnyConverter):
        return sorted(converter.items)[0]
    return 1 if isinstance(converter, IntegerConverter) else "1"


def routes() -> Iterator[Route]:
    bare = Flask("routes", static_folder=None)
    for module in _pages():
        bare.register_blueprint(module.pages)
    adapter = bare.url_map.bind("panel.example.com")
    for rule in bare.url_map.iter_rules():
        samples = {name: sample(converter) for name, converter in rule._converters.items()}
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield Route(rule.rule, method, rule.endpoint, samples, is_public(bare, rule.endpoint), adapter.build)


ALL = list(routes())
ROUTES = [route for route in ALL if not route.public]
_each = pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.rule}")


@pytest.fixture
def walk(app: Flask) -> Flask:
    """The panel with an account of everybody's and one of somebody else's."""
    for name, reseller in (("alice", "rita"), ("mallory", "another")):
        models.Account.create(name=name, source="apache", reseller=reseller, found_at=now())
        models.Website.create(account=name, main=f"{name}.example.com", names=f'["{name}.example.com"]',
                              source="apache", found_at=now())
    add("rita", Role.RESELLER)
    add("ann", Role.USER, "alice")
    options.save(app.extensions["autossl"].config, {"resellers": True})
    return app


def as_role(app: Flask, role: str) -> Browser:
    browser = Browser(app)
    if role != "nobody":
        row = user(NAMES[role])
        limits = app.session_interface.limits  # type: ignore[attr-defined]
        identifier, kept = sessions.begin(row, Visit("192.0.2.1", "Browser"), limits, now())
        sessions.keep(kept, json.dumps({"_user_id": str(row.id), "_fresh": True}))
        browser.cookie = identifier
    models.database.close()
    return browser


def ask(browser: Browser, route: Route, account: str, **headers: str):
    """Without a CSRF token: whoever may send the form is told that it is missing, and nothing happens."""
    return browser.client.open(route.path(account), method=route.method, base_url=HTTPS, headers=headers)


@_each
def test_nobody_gets_to_the_login_page_and_no_further(walk: Flask, route: Route) -> None:
    for account in ("alice", "mallory", "nobody-at-all"):
        answer = ask(as_role(walk, "nobody"), route, account)
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/login")
        part = ask(as_role(walk, "nobody"), route, account, **{"HX-Request": "true"})
        assert (part.status_code, part.data) == (204, b"")
        assert part.headers["HX-Redirect"].startswith("/login")


@_each
@pytest.mark.parametrize("role", ["admin", "reseller", "user"])
def test_each_role_gets_where_its_rights_go_and_no_further(walk: Flask, route: Route, role: str) -> None:
    right = access.declared(walk, route.endpoint)
    assert right is not None
    answer = ask(as_role(walk, role), route, "alice")
    if right not in people.rights_of(user(NAMES[role])):
        refused = answer.status_code == 403
        elsewhere = route.rule == "/" and answer.headers.get("Location", "/") not in ("/", "/login")
        assert refused or elsewhere
        return
    if route.method != "GET":
        assert answer.status_code == 400, "a form without its token is refused by that, and by nothing before"
        return
    assert answer.status_code < 500 and answer.status_code != 403
    assert "/login" not in answer.headers.get("Location", "")
    if route.arguments in ((), (access.ACCOUNT,)):
        assert answer.status_code != 404


def test_nobody_gets_anything_from_the_api(walk: Flask) -> None:
    functions = [route for route in ALL if route.endpoint.startswith(API) and route.endpoint not in PUBLIC]
    assert functions
    for route in functions:
        assert ask(Browser(walk), route, "alice").status_code == 401, route


@pytest.mark.parametrize("role", ["admin", "reseller", "user"])
@pytest.mark.parametrize(
    "route",
    [one for one in ROUTES if access.ACCOUNT in one.arguments],
    ids=lambda one: f"{one.method} {one.rule}",
)
def test_somebody_elses_account_is_not_there(walk: Flask, route: Route, role: str) -> None:
    browser = as_role(walk, role)
    if access.declared(walk, route.endpoint) not in people.rights_of(user(NAMES[role])):
        return
    foreign, missing = ask(browser, route, "mallory"), ask(browser, route, "nobody-at-all")
    assert missing.status_code == 404
    if role != "admin":
        assert (foreign.status_code, without_token(foreign.text)) == (404, without_token(missing.text))
    elif route.arguments == (access.ACCOUNT,):
        assert foreign.status_code != 404


def without_token(text: str) -> str:
    """A token holds the second at which it was made."""
    return re.sub(r'name="csrf_token" value="[^"]+"', "", text)


def test_what_everybody_may_open_is_known_by_name(app: Flask) -> None:
    found = {endpoint for endpoint in app.view_functions if is_public(app, endpoint)}
    assert {endpoint for endpoint in found if not endpoint.startswith(API)} | {"api.openapi"} == PUBLIC


class TestReach:
    """The one condition that every query of accounts is under."""

    @pytest.mark.parametrize(
        ("name", "expected"), [("root", {"alice", "mallory", "unassigned"}), ("rita", {"alice"}), ("ann", {"alice"})]
    )
    def test_is_what_each_role_owns(self, walk: Flask, name: str, expected: set[str]) -> None:
        models.Account.create(name="unassigned", source="apache", reseller="rita", found_at=now())
        condition = people.accounts_in(people.reach_of(user(name)))
        assert {row.name for row in models.Account.select().where(condition)} == expected

    def test_is_nothing_for_a_reseller_where_the_administrator_allows_none(self, walk: Flask) -> None:
        options.save(walk.extensions["autossl"].config, {"resellers": False})
        condition = people.accounts_in(people.reach_of(user("rita")))
        assert list(models.Account.select().where(condition)) == []
        assert people.rights_of(user("rita")) == {Right.SELF}

    def test_is_nothing_for_a_user_without_an_account(self, walk: Flask) -> None:
        models.User.update(account=None).where(models.User.name == "ann").execute()
        condition = people.accounts_in(people.reach_of(user("ann")))
        assert list(models.Account.select().where(condition)) == []

    def test_is_found_by_an_index(self, walk: Flask) -> None:
        condition = people.accounts_in(people.reach_of(user("rita")))
        sql, values = models.Account.select(models.Account.name).where(condition).sql()
        plan = models.database.execute_sql(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
        assert "account_reseller" in str(plan) and "SCAN" not in str(plan)


class TestDeclarations:
    """A view that does not say what it needs keeps the panel from starting."""

    @pytest.mark.parametrize("mark", [None, public, needs(Right.SEE)])
    def test_a_view_says_what_it_needs(self, mark) -> None:
        def view() -> str:
            return ""

        bare = self._app("/page", view if mark is None else mark(view))
        if mark is None:
            with pytest.raises(LookupError, match="the view says neither @public nor"):
                check(bare)
        else:
            check(bare)

    def test_a_view_of_an_account_says_so(self) -> None:
        @needs(Right.SEE)
        def view(account: str) -> str:
            return account

        bare = self._app("/of/<account>", view)
        with pytest.raises(LookupError, match="says @account_scope"):
            check(bare)
        account_scope(view)
        check(bare)

    def test_a_view_that_changes_something_has_a_name_for_it(self) -> None:
        @needs(Right.SEE)
        def view() -> str:
            return ""

        bare = self._app("/page", view, methods=["POST"])
        with pytest.raises(LookupError, match="says @audited"):
            audit.check(bare)
        audit.audited("something.done")(view)
        audit.check(bare)

    def _app(self, rule: str, view, **settings) -> Flask:
        bare = Flask("bare", static_folder=None)
        pages = Blueprint("one", __name__)
        pages.add_url_rule(rule, "view", view, **settings)
        bare.register_blueprint(pages)
        return bare


def test_the_walk_meets_real_pages(line: Line) -> None:
    assert len(ALL) > 20
    assert {"security.show", "audit.show", "overview.show", "login.sign_out"} <= {one.endpoint for one in ROUTES}
    assert COOKIE.startswith("__Host-")
    assert any(access.ACCOUNT in one.arguments for one in ROUTES)
