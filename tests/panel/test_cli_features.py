"""Feature lists, packages, options, exclusions and the queue by the command line."""

from __future__ import annotations

import json

import pytest

import models
from jobs import queue
from jobs.wiring.instance import now
from tests.panel import seed
from tests.panel.command_line import Line


@pytest.fixture
def alice(line: Line) -> Line:
    nowhere = "binary = '/nowhere'\n"
    (line.instance / "config.toml").write_text(f"[accounts.apache]\n{nowhere}[accounts.nginx]\n{nowhere}")
    assert line.run("account", "add", "alice", "--name", "alice.test").code == 0
    return line


def told(line: Line, *words: str) -> dict:
    answer = line.run(*words, "--json")
    assert answer.code == 0, answer.err
    return json.loads(answer.out)


def test_a_feature_list_is_made_named_by_a_package_and_given_to_accounts(alice: Line) -> None:
    words = ["features", "set", "shop", "--no-autossl", "--service-name", "webmail", "--key-type", "rsa-3072"]
    assert told(alice, *words)["service_names"] == ["webmail"]
    assert told(alice, "package", "set", "gold", "--features", "shop")["feature_list"] == "shop"
    lists = {one["feature_list"]: one for one in told(alice, "features", "list")["feature_lists"]}
    assert lists["shop"]["packages"] == ["gold"] and lists["shop"]["key_type"] == "rsa-3072"
    assert told(alice, "account", "package", "gold", "alice")["changed"] == 1
    assert told(alice, "account", "package", "gold", "alice")["changed"] == 0
    assert alice.run("features", "remove", "shop").code == 2
    assert alice.run("package", "remove", "gold").code == 2
    assert alice.run("discover").code == 0 and "gold" in alice.run("account", "list").out, "its file says so as well"
    assert "gold" in alice.run("package", "list").out


def test_a_website_that_gets_an_owner_is_checked_by_itself(alice: Line) -> None:
    seed.provider()
    (lost,) = seed.unassigned(1)
    models.database.close()
    found = told(alice, "account", "assign", lost, "alice")
    assert found == {"website": lost, "account": "alice", "checks": ["alice"]}
    assert [row.account for row in models.QueueEntry.select()] == ["alice"]
    assert told(alice, "account", "assign", lost, "unassigned")["checks"] == []


def test_a_file_that_a_person_wrote_is_not_rewritten(alice: Line) -> None:
    path = alice.instance / "sites.d" / "alice.toml"
    text = f"# mine\n{path.read_text()}"
    path.write_text(text)
    assert alice.run("package", "set", "gold").code == 0
    for words in (("package", "gold", "alice"), ("contact", "alice", "a@example.org"), ("reseller", "alice", "rita")):
        alice.run("user", "add", "rita", "--role", "reseller", "--link")
        refused = alice.run("account", *words)
        assert refused.code == 2 and "written by hand" in refused.err, words
    assert path.read_text() == text


def test_the_contact_of_an_account_is_changed_and_taken_away(alice: Line) -> None:
    assert told(alice, "account", "contact", "alice", "a@example.org")["changed"]
    assert not told(alice, "account", "contact", "alice", "a@example.org")["changed"]
    assert alice.run("discover").code == 0
    assert told(alice, "account", "show", "alice")["contact"] == "a@example.org"
    assert alice.run("account", "contact", "alice", "nobody").code == 2
    assert told(alice, "account", "contact", "alice")["changed"]
    assert told(alice, "account", "show", "alice")["contact"] is None


def test_an_account_is_given_to_a_reseller_who_is_one(alice: Line) -> None:
    assert alice.run("account", "reseller", "alice", "rita").code == 2
    assert alice.run("user", "add", "rita", "--role", "reseller", "--link").code == 0
    assert told(alice, "account", "reseller", "alice", "rita")["changed"]
    assert alice.run("discover").code == 0
    assert told(alice, "account", "show", "alice")["reseller"] == "rita"
    assert told(alice, "account", "reseller", "alice")["changed"]


def test_an_override_is_set_for_several_accounts_and_counted(alice: Line) -> None:
    assert told(alice, "account", "override", "disabled", "alice")["changed"] == 1
    assert told(alice, "account", "override", "disabled", "alice")["changed"] == 0
    assert told(alice, "account", "show", "alice")["override"] == "disabled"
    assert alice.run("account", "override", "enabled", "alice", "nobody").code == 2
    assert told(alice, "account", "show", "alice")["override"] == "disabled", "all or nothing"


def test_options_are_listed_and_set_or_refused_with_what_was_expected(line: Line) -> None:
    assert told(line, "option", "list")["key_type"] == "ecdsa-p256"
    told(line, "option", "set", "admin_addresses", "ann@example.org,bob@example.org")
    assert "ann@example.org, bob@example.org\n" in line.run("option", "list").out
    assert told(line, "option", "set", "nightly", "03:17")["nightly"] == "03:17"
    assert told(line, "option", "set", "replace_foreign", "on")["replace_foreign"] is True
    for words, said in [
        (("nightly", "25:00"), "expected a time such as 03:17"),
        (("key_type", "dsa"), "expected one of ecdsa-p256"),
        (("log_days", "many"), "expected int"),
        (("nothing", "1"), "expected one of"),
    ]:
        answer = line.run("option", "set", *words)
        assert answer.code == 2 and said in answer.err


def test_a_name_is_excluded_and_taken_in_again(alice: Line) -> None:
    assert told(alice, "exclude", "add", "alice", "www.alice.test")["excluded"] == ["www.alice.test"]
    assert "www.alice.test" in alice.run("exclude", "list", "alice").out
    assert alice.run("exclude", "add", "alice", "bob.test").code == 2
    assert alice.run("exclude", "add", "bob", "bob.test").code == 2
    assert told(alice, "exclude", "remove", "alice", "www.alice.test")["excluded"] == []


def test_pending_work_is_listed_cancelled_and_not_found_twice(alice: Line) -> None:
    assert alice.run("queue", "list").out == "Nothing is pending.\n"
    row = queue.request_order("alice.test", "alice", "letsencrypt", {"names": ["alice.test"]}, now())[0]
    models.database.close()
    (entry,) = told(alice, "queue", "list")["entries"]
    assert (entry["id"], entry["names"], entry["state"]) == (row.id, ["alice.test"], "queued")
    assert told(alice, "queue", "cancel", str(row.id))["state"] == "cancelled"
    assert alice.run("queue", "cancel", str(row.id)).code == 2
    assert alice.run("queue", "retry", "999").code == 2
