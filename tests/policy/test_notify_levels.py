"""Who hears of what: never more than the level says, never louder than the cap, never of other people's accounts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.policy.notify import OF_THE_HOST, WEIGHTS, Audience, Event, Kind, Weight
from jobs.policy.notify_recipients import MAIL, Owner, Reader, readers, wanted
from jobs.policy.options import NotifyLevel, Options, capped

ACCOUNTS = ("alice", "bob", "carol")
LOUDNESS = list(NotifyLevel)
levels = st.sampled_from(NotifyLevel)
events = st.lists(
    st.builds(
        lambda kind, account, number: Event(kind, f"{kind}:{account}:{number}", account=account, website="a.example"),
        st.sampled_from(Kind), st.sampled_from(("", *ACCOUNTS)), st.integers(0, 3),
    ),
    max_size=12,
)
owners = st.lists(
    st.builds(
        Owner, st.sampled_from(ACCOUNTS),
        st.sampled_from((None, "a@a.example", "A@a.example", "root@host.example", "bad")),
        st.sampled_from((None, "rita")), st.one_of(st.none(), levels),
    ),
    max_size=4, unique_by=lambda owner: owner.account,
)
chosen = st.builds(
    Options, notify_user=levels, notify_admin=levels, resellers=st.booleans(),
    admin_addresses=st.sampled_from(((), ("root@host.example",), ("root@host.example", "ops@host.example"))),
)
RESELLERS = {"rita": "rita@resell.example"}


def told(options: Options, accounts: list[Owner], happened: list[Event]) -> dict[str, tuple[Reader, list[Event]]]:
    everybody = readers(options, True, ["apprise"], accounts, RESELLERS)
    return {reader.recipient.key: (reader, list(found)) for reader, found in wanted(everybody, happened)}


@given(options=chosen, accounts=owners, happened=events)
def test_where_it_is_off_nobody_is_told(options: Options, accounts: list[Owner], happened: list[Event]) -> None:
    silent = replace(options, notify_user=NotifyLevel.OFF, notify_admin=NotifyLevel.OFF)
    assert told(silent, accounts, happened) == {}
    by_themselves = [replace(owner, level=NotifyLevel.OFF) for owner in accounts]
    no_admins = replace(options, notify_admin=NotifyLevel.OFF, resellers=False)
    assert told(no_admins, by_themselves, happened) == {}


@given(level=st.one_of(st.none(), levels), cap=levels)
def test_nobody_is_louder_than_the_cap(level: NotifyLevel | None, cap: NotifyLevel) -> None:
    assert LOUDNESS.index(capped(level, cap)) >= LOUDNESS.index(cap)


@given(options=chosen, accounts=owners, happened=events)
def test_a_lower_cap_never_adds_a_message(options: Options, accounts: list[Owner], happened: list[Event]) -> None:
    quieter = LOUDNESS[min(LOUDNESS.index(options.notify_user) + 1, len(LOUDNESS) - 1)]
    before, after = told(options, accounts, happened), told(replace(options, notify_user=quieter), accounts, happened)
    for key, (_, found) in after.items():
        assert set(event.key for event in found) <= {event.key for event in before[key][1]}


@given(options=chosen, accounts=owners, happened=events)
def test_an_owner_hears_of_his_own_accounts_only_and_nothing_of_the_host(
    options: Options, accounts: list[Owner], happened: list[Event]
) -> None:
    addresses = {address.lower() for address in options.admin_addresses}
    for key, (reader, found) in told(options, accounts, happened).items():
        if reader.audience is Audience.ADMIN:
            assert key == "apprise:" or key.removeprefix("mail:") in addresses
            continue
        theirs = {owner.account for owner in accounts if (owner.contact or "").lower() == reader.recipient.to.lower()}
        theirs |= {owner.account for owner in accounts
                   if options.resellers and RESELLERS.get(owner.reseller or "") == reader.recipient.to}
        assert {event.account for event in found} <= theirs
        assert not {event.kind for event in found} & OF_THE_HOST


@given(options=chosen, accounts=owners, happened=events)
def test_everybody_gets_one_message_at_most(options: Options, accounts: list[Owner], happened: list[Event]) -> None:
    everybody = [reader for reader, _ in wanted(readers(options, True, ["apprise"], accounts, RESELLERS), happened)]
    assert len({reader.recipient.key for reader in everybody}) == len(everybody)
    assert all(reader.recipient.channel != MAIL or "@" in reader.recipient.to for reader in everybody)


@pytest.mark.parametrize(
    ("level", "weights"),
    [
        (NotifyLevel.ALL, set(Weight)),
        (NotifyLevel.WARNINGS, {Weight.WARNING, Weight.FAILURE}),
        (NotifyLevel.FAILURES, {Weight.FAILURE}),
        (NotifyLevel.OFF, set()),
    ],
)
def test_each_level_lets_through_what_its_name_says(level: NotifyLevel, weights: set[Weight]) -> None:
    happened = [Event(kind, kind, account="alice", website="a.example") for kind in Kind]
    options = Options(notify_admin=level, notify_user=level, admin_addresses=("root@host.example",))
    found = told(options, [Owner("alice", "a@a.example")], happened)
    got = {key: {event.kind for event in events} for key, (_, events) in found.items()}
    everything = {kind for kind in Kind if WEIGHTS[kind] in weights}
    assert got.get("mail:root@host.example", set()) == got.get("apprise:", set()) == everything
    assert got.get("mail:a@a.example", set()) == everything - OF_THE_HOST


def test_an_owner_who_is_an_administrator_too_gets_one_message_in_an_administrators_words() -> None:
    options = Options(admin_addresses=("a@a.example",), notify_admin=NotifyLevel.FAILURES, notify_user=NotifyLevel.ALL)
    happened = [Event(Kind.INSTALLED, "i", account="alice"), Event(Kind.INSTALLED, "j", account="bob"),
                Event(Kind.TERMS, "t")]
    found = told(options, [Owner("alice", "A@A.example")], happened)
    reader, events = found["mail:a@a.example"]
    assert reader.audience is Audience.ADMIN and {event.key for event in events} == {"i", "t"}


def test_without_a_notifier_for_mail_only_the_others_are_told() -> None:
    options = Options(admin_addresses=("root@host.example",))
    found = readers(options, False, ["apprise"], [Owner("alice", "a@a.example")], RESELLERS)
    assert [reader.recipient.key for reader in found] == ["apprise:"]
