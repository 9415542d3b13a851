"""CAA by RFC 8659 and RFC 8657, as tables."""

from __future__ import annotations

import pytest

from jobs.policy.caa import CaaRecord, CaaStep, CaaVerdict, climb, judge

URI = "https://ca.test/acct/1"


def records(*texts: str) -> tuple[CaaRecord, ...]:
    made = []
    for text in texts:
        flags, tag, value = text.split(" ", 2)
        made.append(CaaRecord(int(flags), tag, value))
    return tuple(made)


def decide(
    *texts: str,
    name: str = "www.example.com",
    identities: tuple[str, ...] = ("ca.test",),
    uri: str | None = URI,
    method: str = "http-01",
) -> CaaVerdict:
    return judge(name, [CaaStep("example.com", "example.com", records(*texts))], identities, uri, method)


def test_the_climb_goes_from_the_name_to_the_top_and_leaves_a_star_out() -> None:
    assert climb("*.www.example.com") == ("www.example.com", "example.com", "com")
    assert climb("example.com") == ("example.com", "com")


def test_no_set_anywhere_means_permission() -> None:
    assert judge("a.test", [CaaStep("a.test", "a.test"), CaaStep("test", "test")], ["ca.test"], URI).allowed


@pytest.mark.parametrize(
    "texts",
    [
        ["0 issue ca.test"],
        ["0 issue CA.Test"],
        ["0 issue other.test", "0 issue ca.test"],
        ["0 issue \t ca.test \t"],
        ["0 issue ca.test;"],
        ["0 issue ca.test; unknown=1"],
        ["0 issue ca.test; empty="],
        ["0 iodef mailto:a@b.test"],
        ["0 issuewild other.test"],
        ["128 issue ca.test"],
        ["0 something else"],
        [f"0 issue ca.test; accounturi={URI}"],
        ["0 issue ca.test; validationmethods=dns-01,http-01"],
        [f"0 issue ca.test; accounturi={URI}; validationmethods=http-01"],
        ["0 issue ca.test; accounturi=https://ca.test/acct/2", "0 issue ca.test"],
    ],
)
def test_it_is_allowed(texts: list[str]) -> None:
    assert decide(*texts) == CaaVerdict(True)


@pytest.mark.parametrize(
    "texts",
    [
        ["0 issue other.test"],
        ["0 issue ;"],
        ["0 issue "],
        ["0 issue sub.ca.test"],
        ["0 issue ca.test extra"],
        ["0 issue ca..test"],
        ["0 issue ca.test; no-equals-sign"],
        ["0 issue ca.test; a=b c"],
        ["0 issue ca.test;; a=b"],
        ["0 issue -ca.test"],
    ],
)
def test_it_is_forbidden_and_the_record_to_add_is_named(texts: list[str]) -> None:
    verdict = decide(*texts)
    assert (verdict.allowed, verdict.code) == (False, "caa_forbids")
    assert verdict.record == 'example.com. CAA 0 issue "ca.test"'
    assert verdict.record in verdict.text


@pytest.mark.parametrize(
    ("texts", "added"),
    [
        (["0 issue ca.test; accounturi=https://ca.test/acct/2"], f"ca.test; accounturi={URI}"),
        ([f"0 issue ca.test; accounturi={URI}; accounturi={URI}"], f"ca.test; accounturi={URI}"),
        (["0 issue ca.test; validationmethods=dns-01"], "ca.test; validationmethods=http-01"),
        (["0 issue ca.test; validationmethods="], "ca.test; validationmethods=http-01"),
        (["0 issue ca.test; validationmethods=http-010"], "ca.test; validationmethods=http-01"),
    ],
)
def test_a_condition_that_is_not_met_forbids_and_the_record_to_add_is_as_narrow(texts: list[str], added: str) -> None:
    verdict = decide(*texts)
    assert (verdict.allowed, verdict.code) == (False, "caa_forbids")
    assert verdict.record == f'example.com. CAA 0 issue "{added}"'


def test_a_record_for_an_account_forbids_while_there_is_no_account() -> None:
    assert decide(f"0 issue ca.test; accounturi={URI}", uri=None).code == "caa_forbids"


@pytest.mark.parametrize(
    ("texts", "allowed"),
    [
        (["0 issue ca.test"], True),
        (["0 issue ca.test", "0 issuewild ;"], False),
        (["0 issue other.test", "0 issuewild ca.test"], True),
        (["0 issue other.test"], False),
        (["0 issuewild ca.test"], True),
    ],
)
def test_a_wildcard_goes_by_issuewild_where_there_is_one(texts: list[str], allowed: bool) -> None:
    assert decide(*texts, name="*.example.com").allowed is allowed


def test_the_record_to_add_for_a_wildcard_is_issuewild_where_there_is_one() -> None:
    verdict = decide("0 issue ca.test", "0 issuewild ;", name="*.example.com")
    assert verdict.record == 'example.com. CAA 0 issuewild "ca.test"'


@pytest.mark.parametrize(("flags", "allowed"), [(128, False), (1, False), (129, False), (2, True), (0, True)])
def test_an_unknown_tag_forbids_only_when_it_is_critical(flags: int, allowed: bool) -> None:
    verdict = decide(f"{flags} tbs Unknown", "0 issue ca.test")
    assert verdict.allowed is allowed
    assert verdict.code == ("" if allowed else "caa_critical")


def test_a_failed_lookup_is_no_permission() -> None:
    steps = [CaaStep("www.a.test", "www.a.test"), CaaStep("a.test", "a.test", error="192.0.2.1 answered SERVFAIL")]
    verdict = judge("www.a.test", steps, ["ca.test"], URI)
    assert (verdict.allowed, verdict.code) == (False, "caa_lookup_failed")
    assert "a.test" in verdict.text and "SERVFAIL" in verdict.text


def test_the_nearest_set_decides_even_when_a_farther_one_would_allow() -> None:
    near = CaaStep("www.a.test", "www.a.test", records("0 issue other.test"))
    far = CaaStep("a.test", "a.test", records("0 issue ca.test"))
    assert judge("www.a.test", [near, far], ["ca.test"], URI).record == 'www.a.test. CAA 0 issue "ca.test"'


def test_a_set_behind_a_cname_is_changed_where_it_stands() -> None:
    step = CaaStep("www.a.test", "host.provider.test", records("0 issue other.test"))
    assert judge("www.a.test", [step], ["ca.test"], URI).record == 'host.provider.test. CAA 0 issue "ca.test"'


def test_a_ca_that_does_not_name_itself_is_let_through_with_a_word_unless_everybody_is_forbidden() -> None:
    verdict = decide("0 issue other.test", identities=())
    assert verdict.allowed and "other.test" in verdict.warning
    assert decide("0 issue ;", identities=()).code == "caa_forbids"


def test_what_a_hostile_record_says_is_shown_clean_and_short() -> None:
    shown = str(CaaRecord(0, "issue", "x\n\x1b[31m" + "y" * 1000))
    assert shown.isprintable() and shown.isascii() and len(shown) <= 200
