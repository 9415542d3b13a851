"""CAA as tables: RFC 8659, RFC 8657, and what Let's Encrypt's Boulder is known to answer where they leave room."""

from __future__ import annotations

import pytest

from jobs.policy.caa import CaaRecord, CaaStep, CaaVerdict, climb, judge, preferred

URI = "https://ca.test/acct/1"
OTHER = "https://ca.test/acct/2"


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
    former: tuple[str, ...] = (),
) -> CaaVerdict:
    step = CaaStep("example.com", "example.com", records(*texts))
    return judge(name, [step], identities, uri, method, former)


# --- which set decides (RFC 8659 section 3)


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("example.com", ("example.com", "com")),
        ("*.example.com", ("example.com", "com")),
        ("*.www.example.com", ("www.example.com", "example.com", "com")),
        ("a.b.c.example.com", ("a.b.c.example.com", "b.c.example.com", "c.example.com", "example.com", "com")),
    ],
)
def test_the_climb_goes_from_the_name_to_the_top_and_leaves_a_star_out(name: str, asked: tuple[str, ...]) -> None:
    assert climb(name) == asked


def test_no_set_anywhere_means_permission() -> None:
    assert judge("a.test", [CaaStep("a.test", "a.test"), CaaStep("test", "test")], ["ca.test"], URI).allowed


def test_the_nearest_set_decides_even_when_a_farther_one_would_allow() -> None:
    near = CaaStep("www.a.test", "www.a.test", records("0 issue other.test"))
    far = CaaStep("a.test", "a.test", records("0 issue ca.test"))
    assert judge("www.a.test", [near, far], ["ca.test"], URI).record == 'www.a.test. CAA 0 issue "ca.test"'


def test_a_set_behind_a_cname_is_changed_where_it_stands() -> None:
    step = CaaStep("www.a.test", "host.provider.test", records("0 issue other.test"))
    assert judge("www.a.test", [step], ["ca.test"], URI).record == 'host.provider.test. CAA 0 issue "ca.test"'


def test_a_cname_to_a_name_without_a_set_leaves_it_to_what_stands_above_the_name_itself() -> None:
    behind = CaaStep("www.a.test", "host.provider.test")
    above = CaaStep("a.test", "a.test", records("0 issue other.test"))
    assert judge("www.a.test", [behind, above], ["ca.test"], URI).record == 'a.test. CAA 0 issue "ca.test"'


def test_a_failed_lookup_is_no_permission_and_names_the_server() -> None:
    steps = [CaaStep("www.a.test", "www.a.test"), CaaStep("a.test", "a.test", error="192.0.2.1 answered SERVFAIL")]
    verdict = judge("www.a.test", steps, ["ca.test"], URI)
    assert (verdict.allowed, verdict.code, verdict.record) == (False, "caa_lookup_failed", "")
    assert "records of a.test" in verdict.text and "192.0.2.1 answered SERVFAIL" in verdict.text


def test_a_lookup_that_failed_above_the_set_does_not_matter() -> None:
    near = CaaStep("www.a.test", "www.a.test", records("0 issue ca.test"))
    assert judge("www.a.test", [near, CaaStep("a.test", "a.test", error="SERVFAIL")], ["ca.test"], URI).allowed


# --- what the set says (RFC 8659 section 4)

ALLOWED = {
    "ours": ["0 issue ca.test"],
    "ours among others": ["0 issue other.test", "0 issue ca.test"],
    "white space around": ["0 issue \t ca.test \t"],
    "a semicolon and nothing": ["0 issue ca.test;"],
    "a semicolon and white space": ["0 issue ca.test ; \t"],
    "an unknown parameter": ["0 issue ca.test; unknown=1"],
    "several parameters, white space": ["0 issue ca.test ;foo=bar;baz = bar "],
    "an empty parameter": ["0 issue ca.test; empty="],
    "an equals sign within a parameter": ["0 issue ca.test; a=b=c"],
    "a malformed one beside ours": ["0 issue %%%%%", "0 issue ca.test"],
    "a prohibition beside ours": ["0 issue ;", "0 issue ca.test"],
    "only iodef": ["0 iodef mailto:a@b.test"],
    "only issuemail": ["0 issuemail ;"],
    "only contactemail": ["0 contactemail a@b.test"],
    "only issuewild, for no wildcard": ["0 issuewild other.test"],
    "a known tag that is critical": ["128 issue ca.test"],
    "critical iodef and issuemail": ["128 iodef mailto:a@b.test", "128 issuemail other.test"],
    "an unknown tag that isn't critical": ["0 something else"],
    "every reserved flag": ["126 something else"],
}


@pytest.mark.parametrize("texts", ALLOWED.values(), ids=ALLOWED)
def test_it_is_allowed(texts: list[str]) -> None:
    assert decide(*texts) == CaaVerdict(True)


FORBIDDEN = {
    "another": ["0 issue other.test"],
    "another, critical": ["128 issue other.test"],
    "a name below ours": ["0 issue sub.ca.test"],
    "another, and iodef": ["0 issue other.test", "0 iodef mailto:a@b.test"],
    "another, and nobody": ["0 issue other.test", "0 issue ;"],
    "another, and a malformed one": ["0 issue other.test", "0 issue %%%%%"],
    "another, with an account of ours": [f"0 issue other.test; accounturi={URI}"],
}


@pytest.mark.parametrize("texts", FORBIDDEN.values(), ids=FORBIDDEN)
def test_another_ca_forbids_and_the_record_to_add_is_named(texts: list[str]) -> None:
    verdict = decide(*texts)
    assert (verdict.allowed, verdict.code) == (False, "caa_forbids")
    assert verdict.record == 'example.com. CAA 0 issue "ca.test"'
    assert verdict.record in verdict.text


NOBODY = {
    "a semicolon": ["0 issue ;"],
    "nothing": ["0 issue "],
    "twice": ["0 issue ;", "0 issue ;"],
    "white space": ["0 issue  ; \t"],
    "parameters of nobody": ["0 issue ; policy=ev"],
    "a malformed one beside it": ["0 issue ;", "0 issue %%%%%"],
}


@pytest.mark.parametrize("texts", NOBODY.values(), ids=NOBODY)
def test_a_set_that_names_nobody_on_purpose_has_words_of_its_own(texts: list[str]) -> None:
    verdict = decide(*texts)
    assert (verdict.allowed, verdict.code) == (False, "caa_forbids_everyone")
    assert verdict.record == 'example.com. CAA 0 issue "ca.test"'


MALFORMED = {
    "no domain at all": ["0 issue %%%%%"],
    "two domains": ["0 issue ca.test extra"],
    "a domain with a final dot": ["0 issue ca.test."],
    "an empty label": ["0 issue ca..test"],
    "a hyphen first": ["0 issue -ca.test"],
    "a parameter without equals sign": ["0 issue ca.test; policy"],
    "an underscore in a parameter": ["0 issue ca.test; a_b=1"],
    "white space in a parameter": ["0 issue ca.test; a=b c"],
    "no semicolon between parameters": ["0 issue ca.test; a=b c=d"],
    "an empty parameter before another": ["0 issue ca.test;; a=b"],
    "a semicolon after the last parameter": ["0 issue ca.test; a=b;"],
    "two semicolons": ["0 issue ca.test;;"],
    "quotes within": ['0 issue "ca.test"'],
    "beside another, but meant for us": ["0 issue other.test", "0 issue CA.test, other.test"],
    "more than ASCII": ["0 issue ca.test; a=\xe9"],
}


@pytest.mark.parametrize("texts", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_value_permits_nobody_and_is_told_as_that(texts: list[str]) -> None:
    verdict = decide(*texts)
    assert (verdict.allowed, verdict.code) == (False, "caa_malformed")
    assert verdict.record == 'example.com. CAA 0 issue "ca.test"'


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        (["0 issue ca.test"], ""),
        (["0 issue ca.test", "0 issuewild ;"], "caa_forbids_everyone"),
        (["0 issue ca.test", "0 issuewild other.test"], "caa_forbids"),
        (["0 issue other.test", "0 issuewild ca.test"], ""),
        (["0 issue ;", "0 issuewild ca.test"], ""),
        (["0 issue other.test"], "caa_forbids"),
        (["0 issue ;"], "caa_forbids_everyone"),
        (["0 issuewild ca.test"], ""),
        (["0 issuewild other.test", "0 issuewild ca.test"], ""),
        (["0 iodef mailto:a@b.test"], ""),
    ],
)
def test_a_wildcard_goes_by_issuewild_where_there_is_one(texts: list[str], code: str) -> None:
    assert decide(*texts, name="*.example.com").code == code


def test_the_record_to_add_for_a_wildcard_is_issuewild_only_where_there_is_one() -> None:
    there = decide("0 issue ca.test", "0 issuewild other.test", name="*.example.com")
    assert there.record == 'example.com. CAA 0 issuewild "ca.test"'
    assert decide("0 issue other.test", name="*.example.com").record == 'example.com. CAA 0 issue "ca.test"'


@pytest.mark.parametrize(("flags", "allowed"), [(128, False), (1, False), (129, False), (2, True), (126, True)])
def test_an_unknown_tag_forbids_only_when_it_is_critical(flags: int, allowed: bool) -> None:
    verdict = decide(f"{flags} tbs Unknown", "0 issue ca.test")
    assert verdict.allowed is allowed
    assert (verdict.code, verdict.record) == ("" if allowed else "caa_critical", "")


# --- conditions (RFC 8657)

MET = {
    "the account": [f"0 issue ca.test; accounturi={URI}"],
    "the method": ["0 issue ca.test; validationmethods=http-01"],
    "the method among others": ["0 issue ca.test; validationmethods=dns-01,http-01"],
    "the method beside one that nobody knows": ["0 issue ca.test; validationmethods=magic-99,http-01"],
    "both": [f"0 issue ca.test; accounturi={URI}; validationmethods=http-01"],
    "one record of two": [f"0 issue ca.test; accounturi={OTHER}", f"0 issue ca.test; accounturi={URI}"],
    "one record without": [f"0 issue ca.test; accounturi={OTHER}", "0 issue ca.test"],
}


@pytest.mark.parametrize("texts", MET.values(), ids=MET)
def test_conditions_that_are_met_allow(texts: list[str]) -> None:
    assert decide(*texts) == CaaVerdict(True)


UNMET = {
    "another account": ([f"0 issue ca.test; accounturi={OTHER}"], f"ca.test; accounturi={URI}", "another account"),
    "an account twice": (
        [f"0 issue ca.test; accounturi={URI}; accounturi={URI}"],
        f"ca.test; accounturi={URI}", "accounturi is given twice",
    ),
    "another method": (
        ["0 issue ca.test; validationmethods=dns-01"], "ca.test; validationmethods=http-01", "does not list http-01",
    ),
    "methods twice": (
        ["0 issue ca.test; validationmethods=http-01; validationmethods=http-01"],
        "ca.test; validationmethods=http-01", "validationmethods is given twice",
    ),
    "no method": (["0 issue ca.test; validationmethods="], "ca.test; validationmethods=http-01", "does not list"),
    "a longer method": (
        ["0 issue ca.test; validationmethods=http-010"], "ca.test; validationmethods=http-01", "does not list",
    ),
    "a method in capitals": (
        ["0 issue ca.test; validationmethods=HTTP-01"], "ca.test; validationmethods=http-01", "does not list",
    ),
    "a malformed list": (
        ["0 issue ca.test; validationmethods=http_01,http-01"], "ca.test; validationmethods=http-01", "malformed",
    ),
    "a list with a gap": (
        ["0 issue ca.test; validationmethods=http-01,"], "ca.test; validationmethods=http-01", "malformed",
    ),
    "the account right, the method wrong": (
        [f"0 issue ca.test; accounturi={URI}; validationmethods=dns-01"],
        f"ca.test; accounturi={URI}; validationmethods=http-01", "does not list http-01",
    ),
    "each in a record of its own": (
        [f"0 issue ca.test; accounturi={OTHER}", "0 issue ca.test; validationmethods=dns-01"],
        f"ca.test; accounturi={URI}; validationmethods=http-01", "another account, validationmethods",
    ),
}


@pytest.mark.parametrize(("texts", "added", "said"), UNMET.values(), ids=UNMET)
def test_unmet_conditions_are_named_and_the_record_to_add_is_as_narrow(texts: list[str], added: str, said: str) -> None:
    verdict = decide(*texts)
    assert (verdict.allowed, verdict.code) == (False, "caa_conditions")
    assert said in verdict.text
    assert verdict.record == f'example.com. CAA 0 issue "{added}"'


def test_a_record_for_an_account_forbids_while_there_is_no_account_and_nothing_wider_is_named() -> None:
    verdict = decide(f"0 issue ca.test; accounturi={URI}", uri=None)
    assert (verdict.code, verdict.record) == ("caa_conditions", "")
    assert "there is no account yet" in verdict.text


def test_an_account_whose_url_would_break_the_record_is_not_written() -> None:
    for uri in ('https://ca.test/"x', "https://ca.test/a;b", "https://ca.test/a b", "https://ca.test/\\034"):
        assert decide(f"0 issue ca.test; accounturi={OTHER}", uri=uri).record == ""


def test_a_record_for_an_account_that_we_had_has_words_of_its_own() -> None:
    verdict = decide(f"0 issue ca.test; accounturi={OTHER}", former=(OTHER,))
    assert verdict.code == "caa_account_changed"
    assert verdict.record == f'example.com. CAA 0 issue "ca.test; accounturi={URI}"'


# --- where CAs differ


@pytest.mark.parametrize("text", ["0 issue CA.Test", "0 issue ca.test; my-own=1"])
def test_what_some_cas_take_more_strictly_is_allowed_with_a_word(text: str) -> None:
    verdict = decide(text)
    assert verdict.allowed and verdict.warning is not None and verdict.warning.code == "caa_odd"
    assert decide(text, "0 issue ca.test") == CaaVerdict(True)


def test_a_ca_that_does_not_name_itself_is_let_through_with_a_word_unless_everybody_is_forbidden() -> None:
    verdict = decide("0 issue other.test", identities=())
    assert verdict.allowed and verdict.warning is not None and verdict.warning.code == "caa_identity_unknown"
    assert "other.test" in verdict.warning.text
    assert decide("0 issue ;", identities=()).code == "caa_forbids_everyone"


def test_any_identity_of_the_ca_counts_and_the_first_one_is_written() -> None:
    assert decide("0 issue second.test", identities=("ca.test", "second.test")).allowed
    assert decide("0 issue other.test", identities=("ca.test", "second.test")).record.endswith('"ca.test"')


@pytest.mark.parametrize(
    ("named", "table", "expected"),
    [
        ((), ("ca.test",), ("ca.test",)),
        (("a.test", "b.test"), (), ("a.test", "b.test")),
        (("a.test", "B.test."), ("b.test",), ("b.test", "a.test")),
        (("a.test", "a.test"), ("c.test",), ("a.test",)),
        (('x"; issue', "no domain", "a.test"), (), ("a.test",)),
    ],
)
def test_what_the_directory_names_wins_and_what_we_know_of_it_comes_first(
    named: tuple[str, ...], table: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert preferred(named, table) == expected


def test_what_a_hostile_record_says_is_shown_clean_and_short() -> None:
    shown = str(CaaRecord(0, "issue", "x\n\x1b[31m" + "y" * 1000))
    assert shown.isprintable() and shown.isascii() and len(shown) <= 200
    for code in (("ca.test",), ()):
        verdict = decide("0 issue x\n\x1b[31m" + "y" * 1000, identities=code)
        assert verdict.text.isprintable() and len(verdict.text) < 600
