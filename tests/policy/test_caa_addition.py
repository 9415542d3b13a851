"""What is added to a CAA set: never more than needed, never against a prohibition, and it helps."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from jobs.policy.caa import Addition, CaaRecord, CaaStep, CaaVerdict, climb, judge
from jobs.policy.caa_addition import always, amended, locks_out, missing, renewals
from jobs.policy.caa_value import read

URI, OLD = "https://ca.test/acct/7", "https://ca.test/acct/1"
OURS = ("ca.test", "ca-two.test")
METHODS = {"example.com": "http-01", "www.example.com": "dns-01", "*.example.com": "dns-01"}

values = st.one_of(
    st.sampled_from([
        "ca.test", "CA-two.test", "other.test", ";", "", "%%%", "ca.test; policy=ev", f"ca.test; accounturi={URI}",
        f"ca.test; accounturi={OLD}", f"ca.test; accounturi={OLD}; validationmethods=dns-01", "ca.test; a=b;",
        f"ca-two.test; policy=ev ; accounturi = {OLD}", "ca.test; validationmethods=tls-alpn-01",
        f"ca.test; accounturi={URI}; accounturi={URI}", "ca.test; validationmethods=dns-01,http-01",
        f"other.test; accounturi={OLD}",
    ]),
    st.text(max_size=30),
)
records = st.builds(
    CaaRecord, st.sampled_from([0, 0, 0, 1, 2, 128]),
    st.sampled_from(["issue", "issue", "issue", "issuewild", "issuewild", "iodef", "issuemail", "tbs"]), values,
)
owners = st.sampled_from(["example.com", "www.example.com", "target.example.net", "*.example.com"])
sets = st.lists(records, min_size=1, max_size=6, unique=True).map(tuple)


def verdicts(step: CaaStep) -> dict[str, CaaVerdict]:
    return {name: judge(name, [step], OURS, URI, method, (OLD,)) for name, method in METHODS.items()}


def additions(step: CaaStep) -> set[Addition]:
    return {one for one in missing(verdicts(step)).values() if isinstance(one, Addition)}


@given(sets, owners)
def test_what_is_decided_lets_the_ca_issue_for_every_name_that_needed_it(
    found: tuple[CaaRecord, ...], owner: str
) -> None:
    step = CaaStep("www.example.com", owner, found)
    wanted = missing(verdicts(step))
    (after,) = amended([step], additions(step))
    for name, one in wanted.items():
        assert judge(name, [after], OURS, URI, METHODS[name]).allowed is isinstance(one, Addition)


@given(sets, owners)
def test_nothing_that_stood_there_is_changed_and_a_set_grows_by_two_records_at_most(
    found: tuple[CaaRecord, ...], owner: str
) -> None:
    step = CaaStep("www.example.com", owner, found)
    (after,) = amended([step], additions(step))
    assert after.records[: len(found)] == found
    assert len(after.records) - len(found) == len(additions(step)) <= 2
    assert {one.owner for one in additions(step)} <= {owner} - {"*.example.com"}


@given(sets)
def test_nothing_is_added_for_a_name_that_is_allowed(found: tuple[CaaRecord, ...]) -> None:
    step = CaaStep("example.com", "example.com", found)
    assert set(missing(verdicts(step))) == {name for name, one in verdicts(step).items() if not one.allowed}


@given(sets)
def test_a_prohibition_and_an_unknown_critical_record_are_left_alone(found: tuple[CaaRecord, ...]) -> None:
    step = CaaStep("example.com", "example.com", found)
    added = {one.tag for one in (*additions(step), *always([step], "example.com", OURS))}
    if any(record.tag == "tbs" and record.flags in (1, 128) for record in found):
        assert not added
    for tag in ("issue", "issuewild"):
        texts = [record.value.strip(" \t") for record in found if record.tag == tag]
        if texts and all(text in ("", ";") for text in texts):
            assert tag not in added


@given(sets)
def test_the_first_issuewild_of_a_set_is_never_ours(found: tuple[CaaRecord, ...]) -> None:
    assume(not any(record.tag == "issuewild" for record in found))
    step = CaaStep("example.com", "example.com", found)
    assert {one.tag for one in (*additions(step), *always([step], "example.com", OURS))} <= {"issue"}


@given(sets)
def test_what_is_added_is_no_wider_than_what_the_owner_allowed_us(found: tuple[CaaRecord, ...]) -> None:
    step = CaaStep("example.com", "example.com", found)
    for one in additions(step):
        ours = [value for value in step.values(one.tag) if value.issuer in OURS]
        assert bool(one.account_uri) is any(value.all("accounturi") for value in ours)
        assert bool(one.methods) is any(value.all("validationmethods") for value in ours)
        assert read(one.record.value).issuer == "ca.test"


@given(sets)
def test_always_asks_for_nothing_twice(found: tuple[CaaRecord, ...]) -> None:
    step = CaaStep("example.com", "example.com", found)
    for one in always([step], "example.com", OURS):
        (after,) = amended([step], [one])
        assert one not in always([after], "example.com", OURS)


@given(sets)
def test_a_renewal_changes_the_account_and_nothing_else(found: tuple[CaaRecord, ...]) -> None:
    step = CaaStep("example.com", "example.com", found)
    renewed = renewals(step, OURS, URI, (OLD,))
    (after,) = amended([step], (), renewed)
    for one in renewed:
        before, now = read(one.old.value), read(one.new.value)
        assert (before.issuer, one.old.flags, one.old.tag) == (now.issuer, one.new.flags, one.new.tag)
        assert [pair if pair[1] != OLD else (pair[0], URI) for pair in before.parameters] == list(now.parameters)
    assert set(step.records) - {one.old for one in renewed} <= set(after.records)
    assert renewals(after, OURS, URI, (OLD,)) == ()


def stands(*texts: str, owner: str = "example.com") -> CaaStep:
    made = []
    for text in texts:
        flags, tag, value = text.split(" ", 2)
        made.append(CaaRecord(int(flags), tag, value))
    return CaaStep("example.com", owner, tuple(made))


def test_an_apex_and_its_wildcard_get_an_issue_each_only_where_wildcards_are_told_apart() -> None:
    one = missing(verdicts(stands("0 issue other.test")))
    assert {str(each) for each in one.values()} == {'example.com. CAA 0 issue "ca.test"'}
    two = missing(verdicts(stands("0 issue other.test", "0 issuewild other.test")))
    assert {name: str(each) for name, each in two.items()} == {
        "example.com": 'example.com. CAA 0 issue "ca.test"',
        "www.example.com": 'example.com. CAA 0 issue "ca.test"',
        "*.example.com": 'example.com. CAA 0 issuewild "ca.test"',
    }


def test_several_methods_of_one_set_share_a_record() -> None:
    found = missing(verdicts(stands("0 issue ca.test; validationmethods=tls-alpn-01")))
    wanted = 'example.com. CAA 0 issue "ca.test; validationmethods=dns-01,http-01"'
    assert {str(each) for each in found.values()} == {wanted}


def test_why_nothing_is_added_is_said() -> None:
    assert "on purpose" in str(missing(verdicts(stands("0 issue ;")))["example.com"])
    assert "critical" in str(missing(verdicts(stands("128 tbs x")))["example.com"])
    assert "wildcard" in str(missing(verdicts(stands("0 issue other.test", owner="*.example.com")))["example.com"])
    gone = judge("a.test", [CaaStep("a.test", "a.test", error="SERVFAIL")], OURS, URI)
    assert "can't be read" in str(missing({"a.test": gone})["a.test"])


def test_always_puts_the_first_record_at_the_apex_of_a_served_zone_only() -> None:
    bare = [CaaStep(at, at) for at in climb("www.example.com")]
    assert [str(one) for one in always(bare, "example.com", OURS)] == ['example.com. CAA 0 issue "ca.test"']
    assert always(bare, None, OURS) == () and always(bare, "example.com", ()) == ()
    assert locks_out(None, Addition("example.com", "issue", "ca.test"))
    failed = [CaaStep("www.example.com", "www.example.com", error="SERVFAIL")]
    assert always(failed, "example.com", OURS) == ()


def test_always_stands_beside_others_and_says_when_it_locks_them_out() -> None:
    both = stands("0 issue other.test", "0 issuewild other.test")
    added = always([both], "example.com", OURS)
    assert [(one.tag, locks_out(both, one)) for one in added] == [("issue", False), ("issuewild", False)]
    mail = stands("0 iodef mailto:a@example.com")
    assert [(one.tag, locks_out(mail, one)) for one in always([mail], "example.com", OURS)] == [("issue", True)]
    assert always([stands("0 issue ca.test; validationmethods=dns-01")], "example.com", OURS) == ()


def test_a_stranger_s_account_and_another_ca_s_are_not_renewed() -> None:
    step = stands("0 issue ca.test; accounturi=https://ca.test/acct/9", f"0 issue other.test; accounturi={OLD}",
                  f'0 issue ca.test; accounturi={OLD}; note="x"')
    assert renewals(step, OURS, URI, (OLD,)) == ()
    assert [str(one) for one in renewals(stands(f"128 issue ca.test;a=b; AccountURI={OLD} "), OURS, URI, (OLD,))] == [
        f'example.com. CAA 128 issue "ca.test;a=b; AccountURI={URI} "'
    ]
