"""dns-persist-01: the record that a name needs, and what a CA makes of those that stand there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.policy.persist import Holder, Offer, Standing, Wanted, advertised, judge, offered, wanted

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
THUMBPRINT = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
HOLDER = Holder("https://ca.example/acct/123", THUMBPRINT)
BY_URL = Offer(("authority.example", "ca.example.net"))
BY_HASH = Offer(("authority.example",), "https://ca.example/account-hash/")
URL = "accounturi=https://ca.example/acct/123"
GOOD = f"authority.example; {URL}"


def want(name: str = "example.com", offer: Offer = BY_URL) -> Wanted:
    found = wanted(name, offer, HOLDER)
    assert found is not None
    return found


def stamp(days: float) -> int:
    return int((NOW + timedelta(days=days)).timestamp())


def judged(*values: str, name: str = "example.com") -> Standing:
    return judge(want(name), values, NOW)


def code(standing: Standing) -> str:
    return standing.finding.code if standing.finding else ""


# --- the record


def test_an_account_by_its_url_as_in_the_drafts_up_to_01() -> None:
    assert want().owner == "_validation-persist.example.com"
    assert str(want()) == f'_validation-persist.example.com. TXT "{GOOD}"'


def test_an_account_by_its_hash_is_the_example_of_draft_02() -> None:
    uri = "https://ca.example/account-hash/sha-256/"
    found = want(offer=BY_HASH)
    assert found.value == f"authority.example; accounturi={uri}5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw"
    assert found.accounts[1] == f"{uri}NpDnSwUthQK8zCgFdefYxAdAVPnygMLbs9US6oO-5ug"


def test_a_wildcard_is_validated_at_its_base_and_needs_the_policy() -> None:
    found = want("*.example.com")
    assert (found.owner, found.value) == ("_validation-persist.example.com", f"{GOOD}; policy=wildcard")
    assert want("*.example.com", BY_HASH).accounts == want("example.com", BY_HASH).accounts


def test_a_long_record_is_written_in_several_strings() -> None:
    holder = Holder("https://ca.example/" + "a" * 600, THUMBPRINT)
    found = wanted("example.com", BY_URL, holder)
    assert found is not None
    parts = str(found).split(" TXT ")[1].strip('"').split('" "')
    assert [len(part) for part in parts] == [255, 255, len(found.value) - 510]
    assert "".join(parts) == found.value


@pytest.mark.parametrize("url", ["https://ca.example/a;policy=wildcard", "https://ca.example/a b", 'https://ca/"'])
def test_an_account_whose_url_can_not_stand_in_a_record_has_none(url: str) -> None:
    assert wanted("example.com", BY_URL, Holder(url, THUMBPRINT)) is None
    assert wanted("example.com", BY_HASH, Holder("https://ca.example/a;b", THUMBPRINT)) is not None


def test_a_name_that_leaves_no_room_for_the_label_has_none() -> None:
    assert wanted(".".join(["a" * 63] * 3 + ["b" * 50]), BY_URL, HOLDER) is None


# --- what a CA offers


PREFIX = "https://ca.example/h/"


@pytest.mark.parametrize(
    ("issuers", "prefix"),
    [
        (["ca.example"], None),
        (["ca.example"], 7),
        (["ca.example"], "http://ca.example/"),
        (["ca.example"], "https://ca.example/;x="),
        (["ca.example"], 'https://ca.example/"'),
        (["ca.example"], "https://ca.example/\n"),
        *((issuers, PREFIX) for issuers in (
            None, [], "ca.example", ["ca.example"] * 11, ["CA.example"], ["ca.example."], ["*.ca.example"], [7],
            ["ca.example; policy=wildcard"],
        )),
    ],
)
def test_a_directory_that_does_not_conform_offers_nothing(issuers: Any, prefix: Any) -> None:
    assert advertised({"issuerDomainNames": issuers, "accountHashPrefix": prefix}) is None


def test_a_directory_that_conforms_does() -> None:
    meta = {"issuerDomainNames": ["ca.example", "ca2.example"], "accountHashPrefix": PREFIX}
    assert advertised(meta) == Offer(("ca.example", "ca2.example"), PREFIX)
    assert advertised({}) is None


@pytest.mark.parametrize(
    "challenge",
    [
        {"type": "dns-01", "issuer-domain-names": ["ca.example"]},
        {"type": "dns-persist-01", "issuerDomainNames": ["ca.example"]},
        {"type": "dns-persist-01", "issuer-domain-names": []},
        {"type": "dns-persist-01"},
    ],
)
def test_a_challenge_of_another_kind_or_draft_offers_nothing(challenge: dict[str, Any]) -> None:
    assert offered(challenge) is None


def test_a_challenge_of_the_drafts_up_to_01_names_accounts_by_their_url() -> None:
    assert offered({"type": "dns-persist-01", "issuer-domain-names": ["ca.example"]}) == Offer(("ca.example",))


# --- what stands there


@pytest.mark.parametrize(
    "value",
    [
        GOOD,
        f"Authority.EXAMPLE. ;\t{URL}",
        f"ca.example.net;{URL}",
        f"authority.example; {URL.replace('=', ' = ')}",
        f"authority.example; ACCOUNTURI={URL.partition('=')[2]}; future=1; future=2",
        f"{GOOD}; policy=wildcard",
        f"{GOOD}; policy=else",
        f"{GOOD}; persistUntil=99999999999999999999",
    ],
)
def test_a_record_that_validates(value: str) -> None:
    assert judged(value) == Standing(True)
    assert judged("v=spf1 -all", "other.example; accounturi=https://other.example/1", value) == Standing(True)


@pytest.mark.parametrize("value", [f"{GOOD}; policy=WildCard", f"{GOOD};policy = wildcard"])
def test_a_wildcard_is_validated_where_the_policy_says_so(value: str) -> None:
    assert judged(value, name="*.example.com").stands


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("other.example; accounturi=https://ca.example/acct/123", "persist_missing"),
        ("v=spf1 -all", "persist_missing"),
        ("", "persist_missing"),
        ("authority.example", "persist_malformed"),
        ("authority.example; accounturi=", "persist_malformed"),
        (f"{GOOD};", "persist_malformed"),
        (f"{GOOD}; {URL}", "persist_malformed"),
        (f"{GOOD}; policy", "persist_malformed"),
        (f"{GOOD}; policy=wild card", "persist_malformed"),
        (f"{GOOD}; persistUntil=-1", "persist_malformed"),
        (f"{GOOD}; persistUntil=2027-01-01", "persist_malformed"),
        (f"{GOOD}; persistUntil=1; persistuntil=2", "persist_malformed"),
        (GOOD.replace("/123", "/124"), "persist_other_account"),
        (GOOD.replace("https", "HTTPS"), "persist_other_account"),
        (f"{GOOD}; persistUntil={stamp(0)}", "persist_ended"),
        (f"{GOOD}; persistUntil=0", "persist_ended"),
    ],
)
def test_a_record_that_does_not(value: str, expected: str) -> None:
    standing = judged(value)
    assert (standing.stands, code(standing)) == (False, expected)
    assert standing.finding and f'"{GOOD}"' in standing.finding.text, "the exact record is in the sentence"


def test_without_the_policy_a_wildcard_is_not_validated() -> None:
    assert code(judged(GOOD, name="*.example.com")) == "persist_no_wildcard"


def test_a_record_that_ends_within_thirty_days_is_warned_of() -> None:
    standing = judged(f"{GOOD}; persistUntil={stamp(29.9)}")
    assert (standing.stands, code(standing)) == (True, "persist_ends_soon")
    assert standing.until == NOW + timedelta(days=29.9)
    assert judged(f"{GOOD}; persistUntil={stamp(30.1)}").finding is None


def test_of_several_that_fit_the_longest_counts() -> None:
    assert judged(f"{GOOD}; persistUntil={stamp(1)}", f"{GOOD}; persistUntil={stamp(90)}").finding is None
    assert judged(f"{GOOD}; persistUntil={stamp(1)}", GOOD) == Standing(True)


def test_of_several_that_do_not_fit_the_nearest_is_told() -> None:
    ended, stranger = f"{GOOD}; persistUntil={stamp(-1)}", GOOD.replace("123", "9")
    assert code(judged(stranger, ended, "authority.example")) == "persist_ended"
    assert code(judged("authority.example", stranger)) == "persist_other_account"


def test_an_account_by_its_hash_may_also_be_bound_to_no_domain() -> None:
    found = want(offer=BY_HASH)
    for account in found.accounts:
        assert judge(found, [f"authority.example; accounturi={account}"], NOW).stands
    assert code(judge(found, [GOOD], NOW)) == "persist_other_account"


def test_what_a_stranger_wrote_is_told_without_what_steers_a_terminal() -> None:
    finding = judged("authority.example; \x1b[31m" + "x" * 500).finding
    assert finding and finding.code == "persist_malformed"
    assert finding.text.isprintable() and len(finding.text) < 400
