"""The Logs tab: the list, one log as it stands and as it grows, and its downloads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

import models
from jobs import records
from jobs.policy.access import Role
from jobs.policy.problems import problem
from jobs.ports import Place
from jobs.runlog import RunLog
from jobs.wiring.instance import now
from panel import logs
from tests.panel import seed
from tests.panel.browser import HTTPS, Browser, add
from tests.panel.queries import plan, recorded

HTMX = {"HX-Request": "true"}
ANN, OTHER = "user00000", "user00001"


class Going:
    """A check under way whose log grows as it is told to."""

    def __init__(self, place: Place, scope: str = "*") -> None:
        self.log = RunLog(place.logs, now(), now, None)
        self.row = records.start_run(self.log.start, scope, seed.PROVIDER, now())
        self.path = f"/logs/{self.log.start}"

    def say(self, text: str, level: str = "info", account: str = ANN, **more: Any) -> None:
        self.log.say(level, text, account=account, website=f"{account}.test", **more)

    def end(self) -> None:
        records.finish_run(self.row, "failed", {"websites": 3, "failed": 1}, now())


@pytest.fixture
def root(browser: Browser) -> Iterator[Browser]:
    """An administrator, on a host with accounts."""
    browser.sign_in()
    models.database.connect(reuse_if_open=True)
    seed.provider()
    seed.accounts(6)
    add("ann", Role.USER, ANN)
    yield browser


@pytest.fixture
def ann(root: Browser, other: Browser) -> Browser:
    """A user of the first account."""
    other.sign_in("ann")
    models.database.connect(reuse_if_open=True)
    return other


@pytest.fixture
def going(root: Browser, place: Place) -> Going:
    return Going(place)


def ask(browser: Browser, path: str, **headers: str):
    answer = browser.get(path, headers=headers)
    models.database.connect(reuse_if_open=True)
    return answer


def part(browser: Browser, path: str):
    return ask(browser, path, **HTMX)


def after(page: str) -> int:
    found = re.search(r'name="after" value="(\d+)"', page)
    assert found
    return int(found.group(1))


class TestList:
    def test_every_check_is_there_with_what_became_of_it(self, root: Browser, place: Place) -> None:
        starts = seed.runs(place, ("*", ANN))
        page = ask(root, "/logs").text
        for shown in ("all accounts", ANN, "letsencrypt", "done", "failed", "3 websites, 1 failed", "kept for 30 days"):
            assert shown in page
        assert page.index(starts[1]) < page.index(starts[0]), "the newest first"
        assert page.count("<h1") == 1

    def test_without_checks_it_says_what_to_do(self, root: Browser) -> None:
        assert "Run AutoSSL for All Users, or" in ask(root, "/logs").text

    @pytest.mark.parametrize(
        ("query", "expected"),
        [("", 4), (f"account={ANN}", 3), (f"account={OTHER}", 3), ("account=nobody", 2), ("result=failed", 2),
         ("result=running", 0), ("result=nonsense", 4), (f"q={ANN}", 1), ("q=letsenc", 4), ("q=%25", 0),
         (f"account={ANN}&result=failed", 1), ("page=99&size=-1&sort=nonsense", 4)],
    )
    def test_it_is_filtered(self, root: Browser, place: Place, query: str, expected: int) -> None:
        seed.runs(place, ("*", ANN, "*", OTHER))
        page = part(root, f"/logs?{query}").text
        assert page.count("View Log") == expected
        if not expected:
            assert "No check like that" in page and 'href="/logs"' in page

    def test_it_is_sorted_by_links(self, root: Browser, place: Place) -> None:
        starts = seed.runs(place, ("*", ANN))
        page = ask(root, "/logs?sort=start").text
        assert page.index(starts[0]) < page.index(starts[1])
        for column in ("provider", "scope", "result", "finished"):
            assert f"sort={column}" in page

    def test_htmx_gets_the_list_alone(self, root: Browser, place: Place) -> None:
        seed.runs(place)
        page = part(root, "/logs").text
        assert page.startswith('<div id="runs"') and "<h1" not in page

    def test_it_is_polled_while_one_runs_and_no_longer(self, root: Browser, going: Going) -> None:
        page = part(root, "/logs").text
        assert "every 2s" in page
        version = re.search(r'"seen": "(\w+)"', page)
        assert version
        assert part(root, f"/logs?seen={version.group(1)}").status_code == 204
        models.Run.update(done=1, total=3, current=OTHER).execute()
        moved = part(root, f"/logs?seen={version.group(1)}")
        assert moved.status_code == 200 and f"1 of 3 websites, now {OTHER}" in moved.text
        going.end()
        over = part(root, f"/logs?seen={version.group(1)}")
        assert over.status_code == 286 and "every 2s" not in over.text

    def test_a_users_page_stays_as_it_is_while_only_others_get_on(self, ann: Browser, place: Place) -> None:
        going = Going(place)
        version = re.search(r'"seen": "(\w+)"', part(ann, "/logs").text)
        assert version
        models.Run.update(done=1, total=3, current=OTHER).execute()
        assert part(ann, f"/logs?seen={version.group(1)}").status_code == 204
        going.end()
        assert part(ann, f"/logs?seen={version.group(1)}").status_code == 286

    def test_a_user_sees_what_was_about_him_and_no_more(self, ann: Browser, place: Place) -> None:
        own, others = seed.runs(place, ("*", ANN, OTHER, f"{ANN},{OTHER}"))[1:3]
        page = ask(ann, "/logs").text
        assert page.count("View Log") == 3 and own in page and others not in page and OTHER not in page
        assert "3 websites" in page and page.count("3 websites") == 1, "totals of the run that was only about him"
        assert "sort=result" not in page and "sort=scope" not in page

    @pytest.mark.parametrize("query", ["result=failed", f"q={OTHER}", "sort=result", f"account={OTHER}"])
    def test_a_user_can_not_ask_for_what_he_is_not_told(self, ann: Browser, place: Place, query: str) -> None:
        seed.runs(place, (f"{ANN},{OTHER}", OTHER))
        page = part(ann, f"/logs?{query}").text
        assert "badge" not in page and page.count('class="mark bad"') == 0
        assert page.count("View Log") == (0 if query.startswith("q=") else 1)

    def test_the_number_of_queries_does_not_depend_on_how_many_there_are(self, root: Browser, place: Place) -> None:
        counts = []
        for number in (2, 30):
            seed.runs(place, ("*", f"{ANN},{OTHER}") * (number // 2))
            ask(root, "/logs")
            with recorded() as said:
                root.get("/logs")
            models.database.connect(reuse_if_open=True)
            counts.append(len(said))
        assert counts[0] == counts[1] <= 16

    def test_a_users_runs_are_found_by_indexes(self, ann: Browser, place: Place) -> None:
        seed.runs(place)
        with recorded() as said:
            ann.get("/logs")
        models.database.connect(reuse_if_open=True)
        for sql, values in said:
            if "run_account" in sql:
                steps = plan(sql, values)
                scanned = [step for step in steps if step.startswith("SCAN")]
                assert all("t1" in step or step == "SCAN rows" for step in scanned), steps  # these: of one page

    def test_no_directory_of_a_log_is_read_for_it(self, root: Browser, place: Place) -> None:
        seed.runs(place)
        place.logs.rename(place.instance / "elsewhere")
        assert ask(root, "/logs").text.count("View Log") == 2


class TestView:
    def test_it_shows_every_event_as_it_was(self, root: Browser, place: Place) -> None:
        start = seed.runs(place, ("*",))[0]
        page = ask(root, f"/logs/{start}").text
        assert "checking * with provider letsencrypt" in page and "shop0.example.com:</b> installed" in page
        assert 'class="event is-warn indent-1"' in page and 'aria-live="off"' in page
        assert "Kept until" in page and page.count("<h1") == 1
        assert "every 2s" not in page.partition('<main')[2]

    def test_what_others_wrote_is_escaped_and_can_be_seen(self, root: Browser, place: Place) -> None:
        start = seed.runs(place, ("*",))[0]
        page = ask(root, f"/logs/{start}").text
        assert "<script>alert" not in page and "\x1b" not in page
        assert r"&lt;script&gt;alert(1)&lt;/script&gt;\x1b[31m" in page

    def test_each_code_is_explained_from_the_catalogue(self, root: Browser, place: Place) -> None:
        page = ask(root, f"/logs/{seed.runs(place, ('*',))[0]}").text
        entry = problem("dns_nxdomain")
        for words in (entry.title, entry.text, entry.remedy):
            assert words in page
        assert problem("of another version").title not in page, "a code without an entry is no problem of its own"

    @pytest.mark.parametrize(
        ("query", "expected"),
        [("", 4), ("level=error", 1), ("level=warn", 2), ("level=success", 1), ("level=loud", 4), ("q=SHOP1", 1),
         ("q=shop0", 2), ("q=nothing", 0), ("level=error&q=shop0", 0), ("after=nonsense", 4), ("after=-1", 4),
         ("before=999999999999999", 4), ("after=99999999999999999999", 4), ("after=99999", 0)],
    )
    def test_it_is_filtered_by_level_and_by_website_or_name(
        self, root: Browser, place: Place, query: str, expected: int
    ) -> None:
        page = ask(root, f"/logs/{seed.runs(place, ('*',))[0]}?{query}").text
        assert page.count('class="event ') == expected
        if not expected:
            assert "Nothing" in page

    def test_htmx_gets_the_events_alone(self, root: Browser, place: Place) -> None:
        page = part(root, f"/logs/{seed.runs(place, ('*',))[0]}?level=error").text
        assert page.startswith('<section id="log"') and page.count('class="event ') == 1 and "<h1" not in page

    def test_a_long_one_comes_in_parts_that_links_lead_through(
        self, root: Browser, going: Going, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(logs, "EVENTS", 10)
        for number in range(35):
            going.say(f"event {number}.")
        going.end()
        path, seen = going.path, []
        while path:
            page = ask(root, path).text
            seen += [int(number) for number in re.findall(r"event (\d+)\.", page)]
            following = re.search(r'rel="next" href="([^"]+)"', page)
            path = following.group(1).replace("&amp;", "&") if following else ""
        assert seen == list(range(35))
        page = ask(root, f"{going.path}?before=end&level=info").text
        assert re.findall(r"event (\d+)\.", page) == [str(number) for number in range(25, 35)]
        before = re.search(r'rel="prev" href="([^"]+)"', page)
        assert before and "level=info" in before.group(1)
        page = ask(root, before.group(1).replace("&amp;", "&")).text
        assert re.findall(r"event (\d+)\.", page) == [str(number) for number in range(15, 25)]

    def test_one_that_is_not_there_is_not_found(self, root: Browser) -> None:
        for start in ("2020-01-01T00:00:00.000Z", "nonsense", "..%2f..", "*"):
            assert ask(root, f"/logs/{start}").status_code == 404

    def test_one_whose_files_are_gone_says_so(self, root: Browser, going: Going, place: Place) -> None:
        going.end()
        place.logs.rename(place.instance / "elsewhere")
        answer = ask(root, going.path)
        assert answer.status_code == 409 and "there is no log of that start" in answer.text

    def test_a_user_sees_the_events_of_his_account_and_no_others(self, ann: Browser, going: Going) -> None:
        going.log.say("info", "words of the host")
        going.say("words of his")
        going.say("words of another", account=OTHER)
        going.say("/etc/apache2/secret.conf: broken", "error", code="config_broken_before")
        page = ask(ann, going.path).text
        assert "words of his" in page
        for hidden in ("words of the host", "words of another", OTHER, "/etc/apache2"):
            assert hidden not in page
        assert ask(ann, f"{going.path}?q={OTHER}").text.count('class="event ') == 0
        assert "words of another" not in part(ann, f"{going.path}?after=0").text

    def test_a_user_finds_no_run_about_others(self, ann: Browser, place: Place) -> None:
        foreign = Going(place, OTHER)
        for path in (foreign.path, f"{foreign.path}/log.txt", f"{foreign.path}/log.jsonl", f"{foreign.path}?after=0"):
            assert ask(ann, path).status_code == 404

    def test_the_number_of_queries_does_not_depend_on_its_length(self, root: Browser, going: Going) -> None:
        counts = []
        for number in (1, 150):
            for _ in range(number):
                going.say("event")
            ask(root, going.path)  # the first one chooses the minute of the night
            with recorded() as said:
                root.get(going.path)
            models.database.connect(reuse_if_open=True)
            counts.append(len(said))
        assert counts[0] == counts[1] <= 14


class TestLive:
    def test_it_shows_the_end_and_asks_for_what_comes(self, root: Browser, going: Going) -> None:
        going.say("first")
        page = ask(root, going.path).text
        assert 'id="more"' in page and f'hx-get="{going.path}"' in page and "every 2s" in page
        assert "The check is running." in page and ">Pause</button>" in page

    def test_only_what_is_new_is_sent_and_nothing_else_for_it(self, root: Browser, going: Going) -> None:
        going.say("first")
        at = after(ask(root, going.path).text)
        assert part(root, f"{going.path}?after={at}").status_code == 204
        going.say("second", indent=2)
        answer = part(root, f"{going.path}?after={at}&shown=1")
        assert answer.status_code == 200
        assert "second" in answer.text and "first" not in answer.text and answer.text.startswith("<li")
        assert 'class="event is-info indent-2"' in answer.text and 'name="shown" value="2"' in answer.text
        assert "every 2s" in answer.text and "<h1" not in answer.text and "log-facts" not in answer.text
        assert part(root, f"{going.path}?after={after(answer.text)}").status_code == 204

    def test_the_filter_holds_for_what_comes_and_the_place_moves_on(self, root: Browser, going: Going) -> None:
        going.say("first", "error")
        page = ask(root, f"{going.path}?level=error").text
        assert f'hx-get="{going.path}?level=error"' in page
        going.say("second")
        answer = part(root, f"{going.path}?level=error&after={after(page)}")
        assert answer.status_code == 200 and "second" not in answer.text
        assert part(root, f"{going.path}?level=error&after={after(answer.text)}").status_code == 204

    def test_when_the_check_is_over_it_stops_with_the_rest_and_the_result(self, root: Browser, going: Going) -> None:
        going.say("first")
        at = after(ask(root, going.path).text)
        going.say("last")
        going.end()
        answer = part(root, f"{going.path}?after={at}")
        assert answer.status_code == 286 and "HX-Reswap" not in answer.headers
        assert "last" in answer.text and "every 2s" not in answer.text and "Pause" not in answer.text
        assert 'id="log-facts"' in answer.text and "3 websites, 1 failed" in answer.text
        assert part(root, f"{going.path}?after={after(answer.text)}").status_code == 286

    def test_it_goes_on_until_everything_is_sent_also_when_the_check_is_over(
        self, root: Browser, going: Going, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(logs, "EVENTS", 10)
        for number in range(15):
            going.say(f"event {number}.")
        going.end()
        first = part(root, f"{going.path}?after=0")
        assert first.status_code == 200 and "every 2s" in first.text
        assert part(root, f"{going.path}?after={after(first.text)}").status_code == 286

    def test_it_can_be_paused_and_gone_on_with(self, root: Browser, going: Going) -> None:
        going.say("first")
        at = after(ask(root, going.path).text)
        going.say("second")
        paused = part(root, f"{going.path}?live=off&after={at}&shown=1")
        assert paused.status_code == 200 and "every 2s" not in paused.text and "second" not in paused.text
        assert after(paused.text) == at and ">Go on</button>" in paused.text and "hx-swap-oob" in paused.text
        resumed = part(root, f"{going.path}?live=on&after={at}&shown=1")
        assert "second" in resumed.text and "every 2s" in resumed.text and ">Pause</button>" in resumed.text
        again = part(root, f"{going.path}?live=on&after={after(resumed.text)}")
        assert again.status_code == 200 and "every 2s" in again.text, "also when there is nothing new"

    def test_without_javascript_the_pages_have_real_addresses(self, root: Browser, going: Going) -> None:
        going.say("first")
        page = ask(root, f"{going.path}?live=off").text
        assert "every 2s" not in page.partition('id="log"')[2] and "Paused." in page
        assert f'<noscript><a href="{going.path}">' in ask(root, going.path).text
        whole = ask(root, f"{going.path}?after=0").text
        assert "<h1" in whole and "first" in whole

    def test_a_page_does_not_grow_for_ever(self, root: Browser, going: Going) -> None:
        going.say("first")
        answer = part(root, f"{going.path}?after=0&shown={logs.MOST_SHOWN - 1}")
        assert answer.status_code == 286 and "every 2s" not in answer.text
        assert "This page is long." in answer.text and "first" in answer.text

    def test_a_user_is_told_the_end_but_not_the_totals(self, ann: Browser, going: Going) -> None:
        going.say("of his")
        going.end()
        answer = part(ann, f"{going.path}?after=0")
        assert answer.status_code == 286 and "The check is over." in answer.text
        assert "3 websites" not in answer.text and ">failed<" not in answer.text


class TestDownload:
    def test_as_text(self, root: Browser, place: Place) -> None:
        start = seed.runs(place, ("*",))[0]
        answer = ask(root, f"/logs/{start}/log.txt")
        assert answer.content_type == "text/plain; charset=utf-8"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        plain = start.replace(":", "")
        assert answer.headers["Content-Disposition"] == f'attachment; filename="autossl-{plain}.txt"'
        assert len(answer.text.splitlines()) == 4 and "\x1b" not in answer.text and r"\x1b[31m" in answer.text

    def test_as_json_lines(self, root: Browser, place: Place) -> None:
        start = seed.runs(place, ("*",))[0]
        answer = ask(root, f"/logs/{start}/log.jsonl")
        assert answer.content_type == "application/x-ndjson; charset=utf-8"
        assert answer.headers["Content-Disposition"].endswith('.jsonl"')
        events = [json.loads(line) for line in answer.text.splitlines()]
        assert [event["level"] for event in events] == ["info", "success", "warn", "error"]

    def test_it_is_sent_while_it_is_read(self, root: Browser, app: Flask, going: Going) -> None:
        for _ in range(3):
            going.say("event")
        answer = root.client.get(f"{going.path}/log.txt", base_url=HTTPS, buffered=False)
        assert "Content-Length" not in answer.headers
        assert len(list(answer.iter_encoded())) == 3

    def test_a_user_gets_what_is_about_him(self, ann: Browser, going: Going) -> None:
        going.log.say("info", "of the host")
        going.say("of his")
        going.say("of another", account=OTHER)
        for name in ("log.txt", "log.jsonl"):
            text = ask(ann, f"{going.path}/{name}").text
            assert "of his" in text and "of another" not in text and "of the host" not in text

    @pytest.mark.parametrize("name", ["report.json", "log", "log.txt.gz", "..%2f..%2fpanel.sqlite3"])
    def test_nothing_else_is_given_away(self, root: Browser, place: Place, name: str) -> None:
        start = seed.runs(place, ("*",))[0]
        (place.logs / start / "report.json").write_text("{}")
        assert ask(root, f"/logs/{start}/{name}").status_code == 404
