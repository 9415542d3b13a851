"""The Pending Queue: what is pending and what was, for whom it is, retried, cancelled."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask

import models
from jobs import queue, records
from jobs.policy.access import Role
from jobs.wiring import options
from jobs.wiring.instance import now
from tests.panel import seed
from tests.panel.browser import Browser, add
from tests.panel.queries import recorded

HTMX = {"HX-Request": "true"}
MOST_QUERIES = 16


@pytest.fixture
def admin(browser: Browser) -> Browser:
    """Four orders wait; of them those of user00000 are of the reseller `rita`."""
    seed.provider()
    models.Provider.update(account_url=None).execute()  # an account would need its key
    seed.accounts(5)
    seed.pending(4)
    browser.sign_in()
    return browser


def signed_in(app: Flask, name: str, role: Role, account: str | None = None) -> Browser:
    add(name, role, account)
    options.save(app.extensions["autossl"].config, {"resellers": True})
    browser = Browser(app)
    browser.sign_in(name)
    return browser


def order(number: int = 0) -> models.QueueEntry:
    return models.QueueEntry.get(models.QueueEntry.website == seed.main_name(number))


def websites(text: str) -> list[str]:
    return re.findall(r'<td class="says"><span class="fqdn">(shop\d+\.example\.com)<', text)


def test_every_pending_entry_is_shown_with_all_that_is_known_of_it(admin: Browser) -> None:
    text = admin.get("/queue").text
    assert websites(text) == [seed.main_name(number) for number in range(4)]
    for shown in ("user00000", "3 names", "www.shop0.example.com", seed.PROVIDER, "https://ca.example/order/0",
                  "Last polled", f"{order().run_after:%Y-%m-%d %H:%M} UTC", "waiting", "1–4 of 4 entries"):
        assert shown in text


def test_the_cas_words_are_escaped_and_their_control_characters_visible(admin: Browser) -> None:
    text = admin.get("/queue").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\x1b[31m" in text
    assert "<script>alert" not in text and "\x1b" not in text


def test_it_needs_a_sign_in(browser: Browser) -> None:
    assert browser.get("/queue").status_code == 303
    answer = browser.get("/queue", headers=HTMX)
    assert answer.headers["HX-Redirect"].startswith("/login")


def test_htmx_gets_the_list_alone_and_a_browser_the_page(admin: Browser) -> None:
    part = admin.get("/queue", headers=HTMX).text
    assert part.lstrip().startswith('<div id="queue"') and "<html" not in part
    assert "<h1>Pending Queue</h1>" in admin.get("/queue").text


def test_search_finds_accounts_websites_names_and_answers(admin: Browser) -> None:
    for text in ("user00002", "shop2", "www.shop2.example.com", "/order/2"):
        assert websites(admin.get("/queue", query_string={"q": text}).text) == ["shop2.example.com"]
    assert "No entry is like that" in admin.get("/queue?q=%25").text
    models.QueueEntry.update(payload='{"names": ["xn--mnchen-3ya.example"]}').where(
        models.QueueEntry.id == order(1).id).execute()
    found = admin.get("/queue", query_string={"q": "münchen.example"}).text
    assert websites(found) == ["shop1.example.com"]
    assert "xn--mnchen-3ya.example" in found and "münchen.example" in found


@pytest.mark.parametrize("column", ["requested", "account", "website", "provider", "polled", "next"])
def test_the_list_is_sorted_by_each_of_its_columns(admin: Browser, column: str) -> None:
    up = websites(admin.get(f"/queue?sort={column}").text)
    assert up == websites(admin.get(f"/queue?sort=-{column}").text)[::-1]


@pytest.mark.parametrize("query", ["sort=id;drop", "page=99999", "page=-1", "size=7", "kind=x&show=y", "q=%00%1b"])
def test_an_address_out_of_range_gets_the_nearest_page(admin: Browser, query: str) -> None:
    assert admin.get(f"/queue?{query}").status_code == 200


def test_an_empty_queue_says_what_stands_there_otherwise(browser: Browser) -> None:
    browser.sign_in()
    assert "Nothing is pending" in browser.get("/queue").text
    assert "Nothing was finished yet" in browser.get("/queue?show=over").text


def test_what_is_finished_stands_behind_a_filter_with_its_end(admin: Browser) -> None:
    queue.finish(order(1), "failed", f"rejected {seed.HOSTILE}", now())
    assert "shop1.example.com" not in admin.get("/queue").text
    text = admin.get("/queue?show=over").text
    assert websites(text) == ["shop1.example.com"] and "failed" in text and "rejected" in text
    assert "Retry now" not in text


def test_it_is_polled_only_while_something_is_queued_or_runs(admin: Browser) -> None:
    assert "every 2s" not in admin.get("/queue").text
    entry = seed.running("user00001")
    text = admin.get("/queue").text
    assert "every 2s" in text
    seen = re.search(r"/queue\?seen=([0-9a-f]{12})", text)
    assert seen
    same = admin.get(f"/queue?seen={seen.group(1)}", headers=HTMX)
    assert (same.status_code, same.data) == (204, b"")
    queue.update(entry, attempts=2)
    assert admin.get(f"/queue?seen={seen.group(1)}", headers=HTMX).status_code == 200
    queue.finish(entry, "done", "", now())
    over = admin.get(f"/queue?seen={seen.group(1)}", headers=HTMX)
    assert over.status_code == 286 and "every 2s" not in over.text


def test_retry_now_asks_for_a_check_of_the_account(admin: Browser) -> None:
    queue.update(order(), run_after=now() + timedelta(days=1))
    answer = admin.post(f"/queue/{order().id}/retry", "/queue")
    assert answer.status_code == 303
    assert order().run_after <= now()
    check = models.QueueEntry.get(models.QueueEntry.kind == "check")
    assert check.account == "user00000"
    assert "by a check of its account" in admin.get("/queue").text
    entry = models.AuditEntry.get(models.AuditEntry.action == "queue.retry")
    assert "shop0.example.com" in entry.object and entry.result == "done"


def test_retry_by_htmx_answers_with_the_same_page_of_the_list(admin: Browser) -> None:
    token = admin.token("/queue")
    answer = admin.client.post(f"/queue/{order().id}/retry?q=shop0", data={"csrf_token": token}, headers=HTMX,
                               base_url="https://panel.example.com")
    assert answer.status_code == 200
    assert websites(answer.text) == ["shop0.example.com"]
    assert 'hx-swap-oob="innerHTML:#status"' in answer.text


def test_cancelling_asks_first_and_then_gives_the_entry_up(admin: Browser) -> None:
    path = f"/queue/{order().id}/cancel"
    asks = admin.get(path).text
    assert "shop0.example.com" in asks and "Keep it" in asks and order().state == "waiting"
    assert admin.post(path, path).status_code == 303
    assert order().state == "cancelled"
    assert "The entry is cancelled." in admin.get("/queue").text
    assert models.AuditEntry.get(models.AuditEntry.action == "queue.cancel").result == "done"


def test_what_runs_is_neither_retried_nor_cancelled(admin: Browser) -> None:
    queue.update(order(), state="running")
    for action in ("retry", "cancel"):
        assert admin.post(f"/queue/{order().id}/{action}", "/security").status_code == 303
        assert "it is being worked on right now" in admin.get("/queue").text
    assert order().state == "running"
    assert {row.result for row in models.AuditEntry.select().where(models.AuditEntry.action.startswith("queue."))} == {
        "refused"}


def test_a_check_that_is_running_is_stopped_after_the_account_that_it_works_on(admin: Browser) -> None:
    run = records.start_run("2026-01-01T00:00:00.000Z", "*", "letsencrypt", now())
    row, _ = queue.request_check(None, forced=False, now=now())
    assert queue.claim(row, now(), answer=run.start)
    path = f"/queue/{row.id}/cancel"
    assert f'href="{path}"' in admin.get("/queue").text
    assert "ends after the account" in admin.get(path).text
    assert admin.post(path, path).status_code == 303
    assert models.QueueEntry.get_by_id(row.id).state == "running"
    assert models.Run.get_by_id(run.id).stop_asked_at is not None
    assert "The check ends after the account that it works on." in admin.get("/queue").text


@pytest.mark.parametrize("entry", [2**63 - 1, 2**63, 10**30])
def test_an_entry_with_a_number_larger_than_any_row_is_not_there(admin: Browser, entry: int) -> None:
    assert admin.get(f"/queue/{entry}/cancel").status_code == 404
    for change in ("retry", "cancel"):
        assert admin.post(f"/queue/{entry}/{change}").status_code == 404


def test_what_is_over_is_not_retried(admin: Browser) -> None:
    queue.finish(order(), "done", "", now())
    admin.post(f"/queue/{order().id}/retry", "/security")
    assert "That entry is over already." in admin.get("/queue").text


def test_without_a_token_of_the_form_nothing_happens(admin: Browser) -> None:
    answer = admin.client.post(f"/queue/{order().id}/cancel", base_url="https://panel.example.com")
    assert (answer.status_code, order().state) == (400, "waiting")


@pytest.mark.parametrize(("name", "role", "account"), [("ann", Role.USER, "user00000"), ("rita", Role.RESELLER, None)])
def test_others_see_and_change_only_their_own(
    app: Flask, admin: Browser, name: str, role: Role, account: str | None
) -> None:
    own = signed_in(app, name, role, account)
    text = own.get("/queue").text
    assert websites(text) == ["shop0.example.com"]
    assert "user00001" not in text
    for entry in (order(1).id, 99999):
        assert own.get(f"/queue/{entry}/cancel").status_code == 404
        assert own.post(f"/queue/{entry}/cancel", "/security").status_code == 404
        assert own.post(f"/queue/{entry}/retry", "/security").status_code == 404
    assert order(1).state == "waiting"
    path = f"/queue/{order().id}/cancel"
    assert own.post(path, path).status_code == 303
    assert order().state == "cancelled"


@pytest.mark.parametrize(("name", "role", "account"), [("ann", Role.USER, "user00000"), ("rita", Role.RESELLER, None)])
def test_what_failed_and_the_hosts_account_at_the_ca_are_told_to_who_sees_the_host(
    app: Flask, admin: Browser, name: str, role: Role, account: str | None
) -> None:
    own = signed_in(app, name, role, account)
    assert "https://ca.example/order/0" not in own.get("/queue").text
    assert "Nothing is pending" in (found := own.get("/queue?q=ca.example").text) or "No entry is like that" in found
    queue.update(order(), answer="10.0.0.7 port 443: no route to the CA")
    waiting = own.get("/queue").text
    assert "10.0.0.7" not in waiting and "The CA has not finished" in waiting
    assert "10.0.0.7" in admin.get("/queue").text
    queue.finish(order(), "failed", "/etc/ssl/inside.pem: Permission denied", now())
    text = own.get("/queue?show=over").text
    assert websites(text) == ["shop0.example.com"]
    assert "inside.pem" not in text and "SSL/TLS Status says" in text
    assert websites(own.get("/queue?show=over&q=inside").text) == []
    assert "inside.pem" in admin.get("/queue?show=over&q=inside").text


def test_a_check_of_several_accounts_is_for_who_reaches_all_of_them(app: Flask, admin: Browser) -> None:
    queue.request_check(["user00000", "user00004"], True, now())
    queue.request_check(["user00000", "user00001"], True, now())
    queue.request_check(None, True, now())
    rita = signed_in(app, "rita", Role.RESELLER).get("/queue?kind=check").text
    assert "user00000, user00004" in rita and "1–1 of 1 entries" in rita
    ann = signed_in(app, "ann", Role.USER, "user00000").get("/queue?kind=check").text
    assert "Nothing is pending" in ann or "No entry is like that" in ann
    everything = admin.get("/queue?kind=check").text
    assert "all accounts" in everything and "1–3 of 3 entries" in everything


def test_questions_that_somebody_asked_are_no_pending_work(admin: Browser) -> None:
    models.QueueEntry.create(kind="preview", key="preview:user00000", state="running", account="user00000",
                             requested_at=now(), run_after=now())
    text = admin.get("/queue").text
    assert "preview" not in text and "every 2s" not in text


def test_as_many_queries_for_a_thousand_entries_as_for_a_few(admin: Browser) -> None:
    def queries(path: str) -> int:
        with recorded() as said:
            assert admin.get(path).status_code == 200
        return len(said)

    queries("/queue")
    few = queries("/queue?size=100")
    for number in range(4, 304):
        queue.request_order(f"more{number}.example.com", "user00001", seed.PROVIDER, {"names": ["a.b"]}, now())
    assert queries("/queue?size=100") == few <= MOST_QUERIES
