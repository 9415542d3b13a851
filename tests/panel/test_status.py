"""The names of an account: what its owner sees of each, includes, excludes, runs, and is mailed about."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from flask import Flask

import models
from jobs import queue, records
from jobs.policy.access import Role
from jobs.wiring import exclusions, options
from jobs.wiring.instance import now
from tests.panel import seed
from tests.panel.browser import HTTPS, Browser, add
from tests.panel.queries import recorded

HTMX = {"HX-Request": "true"}
OWN = "/status/user00001"
MOST_QUERIES = 23


@pytest.fixture
def filled(app: Flask) -> Flask:
    """Accounts in every state, a provider that needs no key, and the owner of user00001, whose `mail.` is missing."""
    seed.provider()
    models.Provider.update(account_url=None).execute()
    seed.accounts(5)
    models.Problem.update(name="mail.shop1.example.com").where(models.Problem.website == "shop1.example.com").execute()
    add("ann", Role.USER, "user00001")
    add("rita", Role.RESELLER)
    options.save(app.extensions["autossl"].config, {"resellers": True})
    return app


@pytest.fixture
def ann(filled: Flask) -> Browser:
    browser = Browser(filled)
    browser.sign_in("ann")
    return browser


@pytest.fixture
def admin(filled: Flask) -> Browser:
    browser = Browser(filled)
    browser.sign_in()
    return browser


def names(text: str) -> list[str]:
    return re.findall(r'<input type="checkbox" name="name" value="([^"]+)"', text)


def row(text: str, name: str) -> str:
    found = [part for part in text.split("<tr>") if f'value="{name}" id="pick-' in part]
    assert len(found) == 1, name
    return found[0]


def send(browser: Browser, path: str, data: dict[str, object], **headers: str):
    token = browser.token("/security")
    return browser.client.post(path, base_url=HTTPS, data={"csrf_token": token, **data}, headers=headers)


def excluded() -> list[str]:
    return exclusions.excluded("user00001")


def audited(action: str) -> models.AuditEntry:
    return models.AuditEntry.get(models.AuditEntry.action == action)


def test_each_name_has_state_certificate_problem_and_remedy_in_words(ann: Browser) -> None:
    text = ann.get("/status").text
    good = row(text, "shop1.example.com")
    ends = models.Certificate.get(models.Certificate.website == "shop1.example.com").not_after
    for shown in ("Secured", "<svg", "R11", f"{ends:%Y-%m-%d}", "days left"):
        assert shown in good
    bad = row(text, "mail.shop1.example.com")
    said = ("Not secured", "The name does not exist in DNS.", "or exclude the name", "Since", "Tried again by itself")
    for shown in said:
        assert shown in bad
    assert row(text, "webmail.shop1.example.com").count("Not checked yet") == 1


def test_words_of_others_are_escaped_and_what_can_not_be_seen_is_written_out(ann: Browser) -> None:
    text = ann.get(OWN).text
    assert "no such name &lt;script&gt;alert(1)&lt;/script&gt;\\x1b[31m" in text
    assert "<script>alert" not in text and "\x1b" not in text


def test_the_worst_comes_first_and_names_not_in_use_last(ann: Browser) -> None:
    main = "shop1.example.com"
    facts = {"website": main, "name": f"autoconfig.{main}", "code": "guess_unused", "text": ""}
    models.Problem.create(**facts, since=now(), seen_at=now())
    listed = names(ann.get(OWN).text)
    assert listed[0] == f"mail.{main}" and listed[-1] == f"autoconfig.{main}"
    assert names(ann.get(f"{OWN}?sort=-state").text)[0] == f"autoconfig.{main}"


def test_the_filters_count_what_they_show(ann: Browser) -> None:
    exclusions.exclude(ann.client.application.extensions["autossl"], "user00001", ["webdisk.shop1.example.com"])
    page = ann.get(OWN).text
    counts = dict(re.findall(r'id="names-show-(\w+)".*?class="count">(\d+)<', page))
    for show, expected in (("secured", ["shop1.example.com", "www.shop1.example.com"]),
                           ("problems", ["mail.shop1.example.com"]), ("excluded", ["webdisk.shop1.example.com"])):
        found = sorted(names(ann.get(f"{OWN}?show={show}").text))
        assert found == expected and counts[show] == str(len(expected))
    assert int(counts["all"]) == len(names(page))


def test_search_and_website_narrow_the_list(ann: Browser) -> None:
    assert names(ann.get(f"{OWN}?q=mail.shop1").text) == ["mail.shop1.example.com", "webmail.shop1.example.com"]
    assert names(ann.get(f"{OWN}?website=shop1.example.com&q=www").text) == ["www.shop1.example.com"]
    assert "No name is like that" in ann.get(f"{OWN}?q=nothing-like-it").text
    assert names(ann.get(f"{OWN}?website=shop2.example.com&q=www").text), "an unknown website narrows nothing"


@pytest.mark.parametrize("query", ["page=99999", "size=0", "sort=--x", "show=%3Cb%3E", "website=%00", "q=%1b%5B31m"])
def test_an_address_out_of_range_gets_the_nearest_list(ann: Browser, query: str) -> None:
    assert ann.get(f"{OWN}?{query}").status_code == 200


def test_an_international_name_stands_in_unicode_beside_its_a_label_and_is_found_by_both(ann: Browser) -> None:
    models.Website.update(names=json.dumps(["shop1.example.com", "xn--mnchen-3ya.example"])).where(
        models.Website.main == "shop1.example.com").execute()
    for text in ("münchen", "MÜNCHEN.example", "xn--mnchen"):
        page = ann.get(OWN, query_string={"q": text}).text
        assert "xn--mnchen-3ya.example" in names(page)
        assert ">xn--mnchen-3ya.example</span> <bdi" in page and ">münchen.example</bdi>" in page


def test_it_needs_a_sign_in(browser: Browser) -> None:
    assert browser.get("/status").status_code == 303
    assert browser.get(OWN, headers=HTMX).headers["HX-Redirect"].startswith("/login")


@pytest.mark.parametrize("path", ["", "/websites", "/preview", "/check", "/websites/shop2.example.com"])
def test_the_account_of_somebody_else_is_not_there(ann: Browser, path: str) -> None:
    assert ann.get(f"/status/user00002{path}").status_code == 404
    assert ann.get(f"/status/nobody{path}").status_code == 404


@pytest.mark.parametrize(
    "action", ["exclude", "include", "notify", "check", "preview", "websites/shop2.example.com/look"]
)
def test_nothing_of_somebody_elses_account_is_changed(ann: Browser, action: str) -> None:
    assert send(ann, f"/status/user00002/{action}", {"name": "shop2.example.com"}).status_code == 404
    assert models.Exclusion.select().count() + models.QueueEntry.select().count() == 0


def test_who_has_several_accounts_chooses_one(filled: Flask, admin: Browser) -> None:
    text = admin.get("/status").text
    assert re.findall(r'href="/status/(user\d+)"', text) == [seed.account_name(number) for number in range(5)]
    assert re.findall(r'href="/status/(user\d+)"', admin.get("/status?q=shop3").text) == ["user00003"]
    rita = Browser(filled)
    rita.sign_in("rita")
    assert re.findall(r'href="/status/(user\d+)"', rita.get("/status").text) == ["user00000", "user00004"]
    assert rita.get("/status/user00001").status_code == 404
    part = admin.get("/status?q=shop3", headers=HTMX).text
    assert part.lstrip().startswith('<div id="accounts"')


def test_htmx_gets_the_list_alone(ann: Browser) -> None:
    part = ann.get(OWN, headers=HTMX).text
    assert part.lstrip().startswith('<div id="names"') and "<html" not in part


def test_checked_names_are_excluded_and_included_together(ann: Browser) -> None:
    both = ["mail.shop1.example.com", "webdisk.shop1.example.com"]
    answer = send(ann, f"{OWN}/exclude", {"name": both}, Referer=f"{HTTPS}{OWN}?show=secured")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{OWN}?show=secured")
    assert excluded() == both
    page = ann.get(OWN).text
    assert "2 names are excluded" in page and "Excluded" in row(page, both[0]) and "Include" in row(page, both[0])
    entry = audited("names.exclude")
    assert (entry.who, entry.result) == ("ann", "done")
    assert entry.object == "user00001: 2: mail.shop1.example.com webdisk.shop1.example.com"
    send(ann, f"{OWN}/include", {"name": both})
    assert excluded() == [] and "2 names are included" in ann.get(OWN).text


def test_the_button_of_a_name_is_about_that_name_only(ann: Browser) -> None:
    send(ann, f"{OWN}/exclude", {"only": "mail.shop1.example.com", "name": ["shop1.example.com"]})
    assert excluded() == ["mail.shop1.example.com"]


def test_excluding_by_htmx_answers_with_the_same_part_of_the_list(ann: Browser) -> None:
    answer = send(ann, f"{OWN}/exclude?q=mail", {"name": "mail.shop1.example.com"}, **HTMX)
    assert answer.status_code == 200 and answer.text.lstrip().startswith('<div id="names"')
    assert set(names(answer.text)) == {"mail.shop1.example.com", "webmail.shop1.example.com"}
    assert "1 name is excluded" in answer.text and f'hx-get="{OWN}?q=mail"' in answer.text


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({}, "Choose at least one name."),
        ({"name": "shop2.example.com"}, "no website of the account user00001 has this name"),
        ({"name": "not a name"}, "is not made of letters"),
        ({"name": ["mail.shop1.example.com", "<script>"]}, "&lt;script&gt;"),
        ({"name": [f"n{number}.shop1.example.com" for number in range(1001)]}, "Expected at most 1000 names, got 1001"),
    ],
)
def test_a_choice_that_is_not_possible_changes_nothing_and_says_why(
    ann: Browser, sent: dict[str, object], words: str
) -> None:
    answer = send(ann, f"{OWN}/exclude", sent)
    assert answer.status_code == 422 and words in answer.text and '<p class="error"' in answer.text
    assert excluded() == []
    assert audited("names.exclude").result == "invalid"


def test_without_a_token_of_the_form_nothing_happens(ann: Browser) -> None:
    for action in ("exclude", "include", "notify", "check", "preview"):
        answer = ann.client.post(f"{OWN}/{action}", base_url=HTTPS, data={"name": "mail.shop1.example.com"})
        assert answer.status_code == 400
    assert excluded() == [] and models.QueueEntry.select().count() == 0


def test_run_autossl_asks_for_a_check_of_the_account_now(ann: Browser) -> None:
    answer = send(ann, f"{OWN}/check", {})
    assert (answer.status_code, answer.headers["Location"]) == (303, OWN)
    entry = models.QueueEntry.get()
    assert (entry.key, json.loads(entry.payload)["forced"]) == ("check:user00001", True)
    page = ann.get(OWN).text
    assert "The check was asked for." in page and "every 2s" in page and "<noscript>" in page
    assert audited("account.check").object == "user00001"


def test_a_second_request_joins_the_first_and_says_so(ann: Browser) -> None:
    send(ann, f"{OWN}/check", {})
    answer = send(ann, f"{OWN}/check", {}, **HTMX)
    assert "this request joined it" in answer.text and 'id="check"' in answer.text
    assert models.QueueEntry.select().count() == 1


def test_a_check_is_watched_to_its_end_and_then_the_list_comes_anew(ann: Browser) -> None:
    entry = seed.running("user00001")
    page = ann.get(OWN).text
    assert "3 / 12" in page
    poll = re.search(rf'hx-get="({OWN}/check\?seen=[0-9a-f]+)" hx-trigger="every 2s"', page)
    assert poll
    assert ann.get(poll.group(1), headers=HTMX).status_code == 204
    run = models.Run.get(models.Run.start == entry.answer)
    models.Run.update(done=4).where(models.Run.id == run.id).execute()
    assert "4 / 12" in ann.get(poll.group(1), headers=HTMX).text
    records.finish_run(run, "done", {}, now())
    queue.finish(entry, "done", run.start, now())
    over = ann.get(poll.group(1), headers=HTMX)
    assert (over.status_code, over.headers["HX-Trigger"]) == (286, "autossl-checked")
    assert "Everything went well" in over.text and "every 2s" not in over.text and "all well" in over.text
    assert 'hx-trigger="autossl-checked from:body"' in page


def test_of_a_check_of_everybody_nobody_is_told_how_it_goes_for_others(ann: Browser) -> None:
    entry = seed.running()
    page = ann.get(OWN).text
    assert "A check of several accounts is under way" in page
    assert "3 / 12" not in page and "user00003" not in page
    records.finish_run(models.Run.get(models.Run.start == entry.answer), "failed", {}, now())
    queue.finish(entry, "failed", entry.answer, now())
    over = ann.get(f"{OWN}/check", headers=HTMX)
    assert "The check is over." in over.text and "left to do" not in over.text


def test_a_check_that_waits_says_how_many_come_first(ann: Browser) -> None:
    queue.request_check(["user00002"], True, now())
    send(ann, f"{OWN}/check", {})
    assert "1 other check comes first" in " ".join(ann.get(OWN).text.split())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda: models.Account.update(state="suspended"), "The account is suspended."),
        (lambda: models.Account.update(override="disabled"), "AutoSSL is disabled for this account."),
        (lambda: models.Provider.update(current=False), "no provider of certificates is chosen"),
    ],
)
def test_where_a_check_would_do_nothing_the_page_says_why_and_asks_for_none(ann: Browser, change, words: str) -> None:
    change().execute()
    page = ann.get(OWN).text
    assert words in page and 'id="run-check" disabled' in page
    send(ann, f"{OWN}/check", {})
    assert words in ann.get(OWN).text and models.QueueEntry.select().count() == 0
    assert audited("account.check").result == "refused"


def test_a_level_is_chosen_within_what_the_administrator_allows(ann: Browser) -> None:
    page = ann.get(OWN).text
    assert "Failures only" in page and "All events" not in page
    assert send(ann, f"{OWN}/notify", {"level": "failures"}).status_code == 303
    assert models.Account.get_by_id("user00001").notify == "failures"
    assert '<option value="failures" selected>' in ann.get(OWN).text
    send(ann, f"{OWN}/notify", {"level": ""})
    assert models.Account.get_by_id("user00001").notify is None


@pytest.mark.parametrize("level", ["all", "<b>", "x" * 5000])
def test_a_level_that_is_not_allowed_is_refused_beside_the_field(ann: Browser, level: str) -> None:
    answer = send(ann, f"{OWN}/notify", {"level": level})
    assert answer.status_code == 422 and 'id="level-error"' in answer.text
    assert "Expected one of warnings, failures, off" in answer.text
    assert "<b>" not in answer.text.partition('id="mailed"')[2]
    assert models.Account.get_by_id("user00001").notify is None


def test_what_only_the_host_can_mend_is_told_without_its_inside(ann: Browser, admin: Browser) -> None:
    inside = "/etc/apache2/sites-enabled/mallory.conf: line 7: Invalid command"
    models.Problem.create(website="shop1.example.com", name="", code="config_test_failed", text=inside,
                          since=now() - timedelta(days=1), seen_at=now())
    own, all_of_it = ann.get(f"{OWN}?show=problems").text, admin.get(f"{OWN}?show=problems").text
    assert "configuration is broken" in own and "There is nothing that you have to do" in own
    assert inside not in own and inside in all_of_it


def test_a_page_needs_no_inline_script_or_style(ann: Browser) -> None:
    for path in (OWN, f"{OWN}/websites", f"{OWN}/websites/shop1.example.com", f"{OWN}/preview", "/queue"):
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=", ann.get(path).text)


def big(sites: int, each: int) -> None:
    moment = now()
    common = {"account": "user00001", "found_at": moment, "source": "apache", "rejected": "[]"}
    mains = [f"s{site}.big.example" for site in range(sites)]
    models.Website.insert_many([
        {**common, "main": main, "names": json.dumps([main, *(f"n{one}.{main}" for one in range(each - 1))])}
        for main in mains
    ]).execute()


@pytest.mark.parametrize("path", [OWN, f"{OWN}/websites", f"{OWN}/websites/shop1.example.com"])
def test_as_many_queries_for_hundreds_of_names_as_for_a_few(ann: Browser, path: str) -> None:
    def queries() -> int:
        with recorded() as said:
            assert ann.get(path).status_code == 200
        return len(said)

    queries()
    few = queries()
    big(100, 5)
    assert queries() == few <= MOST_QUERIES
