"""CAA records are looked up on the whole way up, and decide beside the self-check."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.preflight import Issuer, Setting, preflight


def check(bind: Any, web: Any, responder: Any, name: str, **more: Any) -> Any:
    known = more.pop("known_good", frozenset())
    issuer = Issuer(more.pop("caa_identities", ("ca.test",)), more.pop("account_uri", None))
    chosen = {"issuer": issuer, "timeout": 3.0, **more}
    return preflight([name], Setting((bind.resolver,), web.http, web.https, **chosen), responder, known)[name]


@pytest.mark.parametrize("name", ["own.caa.test", "good.bench.test", "wide.caa.test", "big.caa.test"])
def test_it_may_be_issued(bind: Any, web: Any, responder: Any, name: str) -> None:
    assert check(bind, web, responder, name).passed


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("foreign.caa.test", "caa_forbids", 'foreign.caa.test. CAA 0 issue "ca.test"'),
        ("alias.caa.test", "caa_forbids", 'foreign.caa.test. CAA 0 issue "ca.test"'),
        ("nobody.caa.test", "caa_forbids_everyone", 'nobody.caa.test. CAA 0 issue "ca.test"'),
        ("critical.caa.test", "caa_critical", "128 tbs"),
        ("www.sub.broken.test", "caa_lookup_failed", "broken.test"),
    ],
)
def test_it_may_not_be_issued(bind: Any, web: Any, responder: Any, name: str, code: str, words: str) -> None:
    verdict = check(bind, web, responder, name)
    assert (verdict.passed, verdict.code, verdict.resolves) == (False, code, True)
    assert words in verdict.text


def test_another_ca_is_refused_where_the_parent_allows_only_this_one(bind: Any, web: Any, responder: Any) -> None:
    verdict = check(bind, web, responder, "own.caa.test", caa_identities=("else.test", "alias.test"))
    assert verdict.code == "caa_forbids" and 'caa.test. CAA 0 issue "else.test"' in verdict.text


def test_the_account_has_to_be_the_one_in_the_record(bind: Any, web: Any, responder: Any) -> None:
    assert check(bind, web, responder, "account.caa.test", account_uri="https://ca.test/acct/7").passed
    verdict = check(bind, web, responder, "account.caa.test", account_uri="https://ca.test/acct/8")
    assert verdict.code == "caa_conditions" and "accounturi" in verdict.text


def test_a_forbidding_set_fails_a_known_name_and_a_failed_lookup_only_warns(
    bind: Any, web: Any, responder: Any
) -> None:
    known = frozenset({"foreign.caa.test", "www.sub.broken.test"})
    assert check(bind, web, responder, "foreign.caa.test", known_good=known).code == "caa_forbids"
    verdict = check(bind, web, responder, "www.sub.broken.test", known_good=known)
    assert verdict.passed and "caa_lookup_failed" in [warning.code for warning in verdict.warnings]


def test_caa_comes_first_and_the_http_trouble_is_told_beside_it(
    bind: Any, web: Any, responder: Any, answers: Any
) -> None:
    web.routes["http", "foreign.caa.test"] = answers[0](404)
    verdict = check(bind, web, responder, "foreign.caa.test")
    assert verdict.code == "caa_forbids" and "http_status" in [warning.code for warning in verdict.warnings]


def test_a_ca_without_a_name_of_its_own_is_let_through_with_a_word(bind: Any, web: Any, responder: Any) -> None:
    verdict = check(bind, web, responder, "own.caa.test", caa_identities=())
    assert verdict.passed and "caa_identity_unknown" in [warning.code for warning in verdict.warnings]
