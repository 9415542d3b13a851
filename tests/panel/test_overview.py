"""The Overview tab: coverage, what ends when, problems, services; of the host, or of one's own accounts."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from flask import Flask

import models
from jobs import records
from jobs.policy.access import Reach, Role
from jobs.policy.certificate import Certificate
from jobs.policy.coverage import UNUSED
from jobs.policy.problems import problem
from jobs.ports import Place
from jobs.wiring import options, overview
from jobs.wiring.instance import now
from jobs.wiring.overview import Expiries, Figures, ServiceFacts, Week
from panel import charts
from tests.panel import seed
from tests.panel.browser import Browser, add
from tests.panel.queries import plan, recorded

HTMX = {"HX-Request": "true"}
ROOT = Reach(everything=True)
ANN = Reach(account=seed.account_name(1))


@pytest.fixture
def root(browser: Browser) -> Iterator[Browser]:
    browser.sign_in()
    models.database.connect(reuse_if_open=True)
    yield browser


@pytest.fixture
def host(root: Browser) -> Browser:
    """Twenty accounts in every state; `ann` is a user of the second, which misses a name."""
    seed.provider()
    seed.accounts(20)
    add("ann", Role.USER, seed.account_name(1))
    return root


@pytest.fixture
def ann(host: Browser, other: Browser) -> Browser:
    other.sign_in("ann")
    models.database.connect(reuse_if_open=True)
    return other


def ask(browser: Browser, path: str = "/", **headers: str) -> str:
    answer = browser.get(path, headers=headers)
    models.database.connect(reuse_if_open=True)
    assert answer.status_code == 200, answer.text
    return answer.text


def words(page: str) -> str:
    """What a person reads, with single spaces."""
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


class TestPage:
    def test_it_shows_the_figures_of_the_host(self, host: Browser) -> None:
        page = words(ask(host))
        for shown in ("20 Accounts", "20 Websites", "32 / 48 Names covered", "12 Errors", "0 Warnings"):
            assert shown in page

    def test_the_pictures_are_told_in_words_as_well(self, host: Browser) -> None:
        page = ask(host)
        for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
            assert 'aria-hidden="true"' in svg or ('role="img"' in svg and "<title" in svg and "<desc" in svg)
            for reference in re.findall(r'aria-labelledby="([^"]+)"', svg):
                assert all(f'id="{one}"' in svg for one in reference.split())
        assert "66 % of the wanted names are covered" in page
        assert "32 of 48 names are covered, 16 are not." in words(page)
        assert "As a table" in page and page.count('<th scope="row">20') == overview.WEEKS
        assert "style=" not in page

    def test_it_says_what_is_served_and_what_is_not(self, host: Browser) -> None:
        page = ask(host)
        rows = [words(row) for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL)]
        assert "Web (Apache) 12 0" in rows and "Mailboxes (Dovecot) 8 4" in rows
        assert "What is not served as installed" in page and "another certificate is served" in page

    def test_it_names_last_and_next_run(self, host: Browser, place: Place) -> None:
        start = seed.runs(place, ("*",))[0]
        page = ask(host)
        assert f'href="/logs/{start}"' in page and "Next nightly run" in page

    def test_on_a_new_host_it_says_what_to_do(self, root: Browser) -> None:
        page = words(ask(root))
        assert "No websites yet" in page and "autossl discover" in page
        assert "There are no certificates yet." in page and "Nothing was installed yet." in page
        assert "No check has counted the names yet." in page

    def test_htmx_gets_the_problems_alone(self, host: Browser) -> None:
        page = ask(host, **HTMX)
        assert page.startswith('<div id="problems"') and "<svg" not in page

    def test_one_heading_and_every_field_labelled(self, host: Browser) -> None:
        page = ask(host)
        assert page.count("<h1") == 1
        for field in re.findall(r'<(?:input|select)[^>]*\sid="([^"]+)"', page):
            assert f'<label for="{field}"' in page


class TestProblems:
    def test_errors_come_first_and_the_newest_of_each_before_the_others(self, root: Browser) -> None:
        for name, code, days in (("old", "dns_nxdomain", 9), ("warned", "dns_half", 0), ("new", "dns_nxdomain", 1)):
            since = now() - timedelta(days=days)
            models.Problem.create(website="a.test", name=f"{name}.a.test", code=code, text="x", since=since,
                                  seen_at=since)
        page = ask(root)
        assert page.index("new.a.test") < page.index("old.a.test") < page.index("warned.a.test")
        page = ask(root, "/?severity=warning")
        assert "warned.a.test" in page and "new.a.test" not in page
        page = ask(root, "/?severity=error")
        assert "warned.a.test" not in page and "new.a.test" in page

    def test_each_has_reason_remedy_account_and_times(self, host: Browser) -> None:
        page = ask(host)
        entry = problem("dns_nxdomain")
        for shown in (entry.title, entry.remedy, 'href="/status/user00001"', "shop1.example.com", "Next try"):
            assert shown in page
        assert "<script>alert" not in page and r"&lt;script&gt;alert(1)&lt;/script&gt;\x1b[31m" in page

    @pytest.mark.parametrize(
        ("query", "expected"),
        [("q=shop3.", 2), ("q=no+such+name", 4), ("q=nowhere", 0), ("q=%25", 0), ("severity=warning", 0),
         ("severity=nonsense", 12), ("sort=nonsense&page=99&size=3", 12), ("sort=-since", 12), ("sort=website", 12)],
    )
    def test_they_are_searched_and_sorted(self, host: Browser, query: str, expected: int) -> None:
        page = ask(host, f"/?{query}", **HTMX)
        assert page.count("What to do") == expected
        if not expected:
            assert "No problem like that" in page

    def test_guessed_names_and_what_is_gone_are_no_problems(self, root: Browser) -> None:
        models.Account.create(name="alice", source="apache", found_at=now())
        for main, gone in (("here.test", None), ("gone.test", now())):
            models.Website.create(account="alice", main=main, names="[]", source="apache", found_at=now(), gone_at=gone)
            for name, code in (("", "all_names_failed"), (f"webmail.{main}", UNUSED), (f"fine.{main}", "fine")):
                models.Problem.create(website=main, name=name, code=code, text="x", since=now(), seen_at=now())
        page = ask(root)
        assert "1 problems" in words(page) or page.count("What to do") == 1
        assert "gone.test" not in page and "webmail.here.test" not in page and "fine.here.test" not in page
        assert overview.figures(ROOT).errors == 1

    def test_a_code_of_another_version_is_an_error(self, root: Browser) -> None:
        models.Problem.create(website="a.test", name="", code="of_tomorrow", text="x", since=now(), seen_at=now())
        assert overview.figures(ROOT).errors == 1
        for path in ("/", "/?severity=error"):
            assert problem("of_tomorrow").title in ask(root, path)
        assert problem("of_tomorrow").title not in ask(root, "/?severity=warning")


class TestOwn:
    def test_a_user_sees_his_accounts_and_no_others(self, ann: Browser, place: Place) -> None:
        seed.runs(place, ("*",))
        page = ask(ann)
        assert "1 Website " in words(page) and "2 / 3 Names covered" in words(page) and "1 Error" in words(page)
        assert not re.search(r"shop(?!1\.)\d+\.|user(?!00001)\d{5}|lost\d", page)
        assert "3 websites" not in page, "totals of a run over everybody"

    def test_a_user_is_told_nothing_of_the_insides_of_the_host(self, ann: Browser) -> None:
        models.Problem.update(code="config_broken_before", text="/etc/apache2/bob.conf:3").execute()
        models.ServiceState.update(state="failed", text="/etc/dovecot/bob.conf").execute()
        page = ask(ann)
        assert problem("config_broken_before").title in html.unescape(page) and "/etc/" not in page
        assert "No problem like that" in ask(ann, "/?q=bob.conf"), "nor can it be guessed at by a search"

    def test_a_reseller_sees_the_sum_of_his(self, host: Browser, other: Browser, app: Flask) -> None:
        options.save(app.extensions["autossl"].config, {"resellers": True})
        add("rita", Role.RESELLER)
        other.sign_in("rita")
        models.database.connect(reuse_if_open=True)
        page = ask(other)
        assert "5 Accounts" in words(page) and not re.search(r"user000(?!00|04|08|12|16)\d\d", page)

    def test_whoever_may_sign_in_only_gets_to_his_sign_in(self, host: Browser, other: Browser) -> None:
        add("rita", Role.RESELLER)
        other.sign_in("rita")
        answer = other.get("/")
        assert (answer.status_code, answer.headers["Location"]) == (302, "/security")

    def test_figures_of_nobody_are_nothing(self, host: Browser) -> None:
        assert overview.figures(Reach()) == Figures(0, 0, None, 0, 0, 0)
        assert overview.expiries(Reach(), now()).total == 0
        assert overview.services(Reach()) == overview.failed_services(Reach()) == []


class TestWatched:
    def differs(self) -> models.ServiceState:
        """The first service that is as installed serves something else since."""
        row = models.ServiceState.get(models.ServiceState.state == "installed")
        models.ServiceState.update(served_state="differs", served_at=now()).where(
            models.ServiceState.id == row.id
        ).execute()
        models.Problem.create(
            website=row.website, name="", service=row.service, code="served_older", text=f"{seed.HOSTILE} got 7F",
            since=now(), seen_at=now(),
        )
        return row

    def test_what_is_served_otherwise_since_counts_as_failed(self, host: Browser) -> None:
        before = {one.name: one for one in overview.services(ROOT)}
        row = self.differs()
        after = {one.name: one for one in overview.services(ROOT)}[row.service]
        was = before[row.service]
        assert (after.served, after.failed, after.total) == (was.served - 1, was.failed + 1, was.total)
        first = overview.failed_services(ROOT)[0]
        assert (first.website, first.service) == (row.website, row.service) and "got 7F" in first.text

    def test_the_administrator_reads_it_among_the_problems_with_the_service(self, host: Browser) -> None:
        row = self.differs()
        page = ask(host)
        assert "The service presents an older certificate" in page and "got 7F" in page
        assert f"<b>{row.website}</b> on " in page and "Every one was looked at by handshakes since" in page
        assert "\\x1b[31m" in page and "\x1b" not in page

    def test_an_owner_is_told_that_it_is_so_and_nothing_of_the_inside(self, ann: Browser) -> None:
        one = models.Website.get(models.Website.account == seed.account_name(1)).main
        models.ServiceState.update(served_state="differs").where(models.ServiceState.website == one).execute()
        models.Problem.create(website=one, name="", service="apache", code="served_older", text="/etc/secret",
                              since=now(), seen_at=now())
        page = ask(ann)
        assert "The service presents an older certificate" in page and "/etc/secret" not in page


class TestExpiries:
    NOW = datetime(2026, 11, 25, 13, 0, tzinfo=UTC)

    @pytest.fixture(autouse=True)
    def certificates(self, root: Browser) -> None:
        models.Account.create(name="user00001", source="apache", found_at=now())
        for number, (day, hour) in enumerate(
            [(20, 0), (25, 12), (25, 14), (25 + 6, 23), (25 + 7, 0), (25 + 13 * 7 - 1, 23), (25 + 13 * 7, 0)]
        ):
            main = f"site{number}.test"
            models.Website.create(account="user00001", main=main, names="[]", source="x", found_at=now())
            ends = datetime(2026, 11, 1, hour, tzinfo=UTC) + timedelta(days=day - 1)
            for serial in ("former", "live"):
                one = Certificate((main,), serial, f"{serial}{number}", "CA", self.NOW, ends, False, "", False)
                records.keep_certificate(main, one, "x", ends, self.NOW)

    def test_each_live_certificate_is_counted_once_in_the_week_in_which_it_ends(self) -> None:
        found = overview.expiries(ROOT, self.NOW)
        assert (found.over, found.later, found.total) == (2, 1, 7)
        assert [week.ending for week in found.weeks] == [2, 1, *[0] * 10, 1]
        assert (str(found.weeks[0].first), str(found.weeks[0].last)) == ("2026-11-25", "2026-12-01")

    def test_what_is_gone_is_not_counted(self) -> None:
        models.Website.update(gone_at=now()).where(models.Website.main == "site4.test").execute()
        assert overview.expiries(ROOT, self.NOW).weeks[1].ending == 0
        assert overview.expiries(ANN, self.NOW).weeks[1].ending == 0

    def test_it_is_the_same_by_the_other_way(self) -> None:
        assert overview.expiries(ANN, self.NOW) == overview.expiries(ROOT, self.NOW)


class TestPictures:
    @pytest.mark.parametrize(
        ("covered", "names", "part", "percent"),
        [(0, 3, 0, 0), (1, 3, 33.33, 33), (9999, 10_000, 99.99, 99), (3, 3, 100, 100), (4, 3, 100, 100)],
    )
    def test_a_ring_is_full_only_when_all_is_covered(
        self, covered: int, names: int, part: float, percent: int
    ) -> None:
        assert charts.ring(Figures(1, 1, names, covered, 0, 0)) == charts.Ring(part, percent)

    @pytest.mark.parametrize("names", [None, 0])
    def test_without_names_there_is_no_ring(self, names: int | None) -> None:
        assert charts.ring(Figures(1, 1, names, 0, 0, 0)) is None

    @pytest.mark.parametrize("numbers", [[0] * 13, [1] * 13, [0, 5, 1, *[0] * 9, 100_000]])
    def test_bars_stay_within_the_picture_and_the_highest_fills_it(self, numbers: list[int]) -> None:
        day = datetime(2026, 11, 25, tzinfo=UTC).date()
        weeks = tuple(Week(day + timedelta(weeks=at), day + timedelta(weeks=at, days=6), number)
                      for at, number in enumerate(numbers))
        bars = charts.bars(Expiries(0, weeks, 0))
        assert [bar.number for bar in bars] == numbers
        for bar in bars:
            assert bar.x >= 0 and bar.x + bar.width <= charts.WIDTH and bar.y >= 18
            assert round(bar.y + bar.height, 1) == 130 and bool(bar.height) == bool(bar.number)
        if any(numbers):
            assert min(bar.y for bar in bars) == 18
        assert all(bar.x + bar.width < following.x for bar, following in pairwise(bars))

    def test_shares_fill_the_line(self) -> None:
        service = ServiceFacts("exim", {"installed": 2, "failed": 1, "unreadable": 1, "waiting": 4})
        assert charts.shares(service) == (
            charts.Share(0, 25, "good"), charts.Share(25, 25, "bad"), charts.Share(50, 50, "idle")
        )
        assert charts.shares(ServiceFacts("exim", {})) == ()


class TestCost:
    def test_the_number_of_queries_does_not_depend_on_how_much_there_is(self, host: Browser, place: Place) -> None:
        seed.runs(place)
        counts = []
        for more in (0, 200):
            if more:
                models.Website.delete().execute()
                models.Account.delete().execute()
                for table in (models.Certificate, models.ServiceState, models.Problem):
                    table.delete().execute()
                seed.accounts(more)
            ask(host)
            with recorded() as said:
                host.get("/")
            models.database.connect(reuse_if_open=True)
            counts.append(len(said))
        assert counts[0] == counts[1] <= 26

    @pytest.mark.parametrize("who", ["root", "ann"])
    def test_each_is_answered_by_an_index(self, ann: Browser, host: Browser, who: str) -> None:
        with recorded() as said:
            (host if who == "root" else ann).get("/")
        models.database.connect(reuse_if_open=True)
        tables = ("account", "website", "certificate", "problem", "service_state")
        looked = [(sql, values) for sql, values in said if any(f'FROM "{table}"' in sql for table in tables)]
        assert len(looked) >= 8
        for sql, values in looked:
            steps = plan(sql, values)
            assert not [one for one in steps if re.match(r"SCAN (?!.*(INDEX|\())", one)], (sql, steps)

    def test_guessed_names_cost_nothing(self, host: Browser) -> None:
        with recorded() as said:
            host.get("/")
        models.database.connect(reuse_if_open=True)
        mine = [(sql, values) for sql, values in said if "guess_unused" in sql]
        assert len(mine) == 4, "three of the page, one of the header"
        assert all("problem_real" in str(plan(sql, values)) for sql, values in mine)
