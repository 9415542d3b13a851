"""Decides what exists: merges what the sources say, and compares it with what was known before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from jobs.policy.claims import Claim, settle
from jobs.policy.site import UNASSIGNED, Account, Website

PRIORITY = ("manifest", "apache", "nginx")
"""Whose word counts more for accounts and for names that several list; other sources follow by name."""


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """An account and who told of it ("apache", or several joined by `+`)."""

    account: Account
    source: str


@dataclass(frozen=True, slots=True)
class Found:
    """What one source that is on this machine said; `failure` is set when it could not be asked (then the rest is
    empty and means nothing)."""

    source: str
    accounts: tuple[Account, ...] = ()
    websites: tuple[Website, ...] = ()
    remarks: tuple[str, ...] = ()
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What exists, as it is kept between two discoveries."""

    accounts: tuple[KnownAccount, ...] = ()
    websites: tuple[Website, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """Accounts by name and websites by main name that are new, changed or gone."""

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """The outcome: `now` is to be stored; `accounts` and `websites` say how it differs from before.

    `failed`: source -> its own words; `kept_because_failed`: main names that stay only because their source failed.
    `remarks`: sentences about what could not become part of a website.
    """

    now: Known
    accounts: Change
    websites: Change
    failed: tuple[tuple[str, str], ...] = ()
    kept_because_failed: tuple[str, ...] = ()
    remarks: tuple[str, ...] = field(default=())

    @property
    def summary(self) -> str:
        """ "n new, n changed, n gone" of websites, then accounts if any differ, then what failed."""
        parts = [_count(self.websites)]
        if self.accounts.new or self.accounts.changed or self.accounts.gone:
            parts.append(f"accounts: {_count(self.accounts)}")
        for source, words in self.failed:
            kept = len(self.kept_because_failed)
            parts.append(f"{source} could not be asked, so nothing of it is taken for gone ({kept} kept): {words}")
        return "; ".join(parts)


def merge(found: Sequence[Found], former: Known) -> Difference:
    """Put together what the sources say. A failed source repeats what it said last, so nothing of it is gone;
    a source that is not among `found` is no longer on this machine, and its websites are gone.

    An account's facts come from the first source of PRIORITY that knows it. Websites of one main name are one: the
    account of the first source that can tell it, the names of all. Every name ends in one website (see `claims`).
    """
    said = sorted((_repeat(one, former) if one.failure is not None else one for one in found), key=_rank)
    claims = [
        Claim(replace(website, source=website.source or one.source), priority=_rank(one)[0])
        for one in said
        for website in one.websites
    ]
    settled = settle(claims)
    accounts = _accounts(said, settled.websites)
    now = Known(accounts, settled.websites)
    answered = {website.main for one in found if one.failure is None for website in one.websites}
    return Difference(
        now=now,
        accounts=_change(
            {one.account.name: one.account for one in former.accounts},
            {one.account.name: one.account for one in accounts},
        ),
        websites=_change(
            {one.main: _facts(one) for one in former.websites}, {one.main: _facts(one) for one in settled.websites}
        ),
        failed=tuple((one.source, one.failure) for one in found if one.failure is not None),
        kept_because_failed=_kept(found, former, settled.websites, answered),
        remarks=(*_told(said), *settled.remarks, *_moved(former, settled.websites)),
    )


def _told(said: Sequence[Found]) -> Iterator[str]:
    for one in said:
        yield from one.remarks


def _moved(former: Known, now: Iterable[Website]) -> Iterator[str]:
    """A name that goes from one account to another is nothing that may happen in silence."""
    before = {name: site for site in former.websites for name in site.names}
    for site in now:
        for name in site.names:
            was = before.get(name)
            if was is not None and was.account not in (site.account, UNASSIGNED):
                where = f"{site.file}:{site.line}" if site.file and site.line else site.file or site.source
                yield f"{name} went from the account {was.account} to {site.account}, which claims it in {where}"


def _repeat(one: Found, former: Known) -> Found:
    """What the failed source (or it among others) said last."""
    return Found(
        one.source,
        tuple(known.account for known in former.accounts if one.source in known.source.split("+")),
        tuple(replace(site, source=one.source) for site in former.websites if one.source in site.source.split("+")),
    )


def _rank(one: Found) -> tuple[int, str]:
    known = one.source in PRIORITY
    return (PRIORITY.index(one.source) if known else len(PRIORITY), one.source)


def _accounts(said: Sequence[Found], websites: Iterable[Website]) -> tuple[KnownAccount, ...]:
    """Each account once, with all its sources; one that only a website names exists as well."""
    found: dict[str, KnownAccount] = {}
    for one in said:
        for account in one.accounts:
            first = found.get(account.name)
            known = KnownAccount(first.account, f"{first.source}+{one.source}") if first else None
            found[account.name] = known or KnownAccount(account, one.source)
    for website in websites:
        found.setdefault(website.account, KnownAccount(Account(website.account), website.source))
    return tuple(found.values())


def _facts(website: Website) -> Website:
    """Without the line: a comment added above a vhost changes nothing that matters."""
    return replace(website, line=None)


def _change(before: dict[str, Account] | dict[str, Website], now: dict[str, Account] | dict[str, Website]) -> Change:
    return Change(
        new=tuple(name for name in now if name not in before),
        changed=tuple(name for name in now if name in before and now[name] != before[name]),
        gone=tuple(name for name in before if name not in now),
    )


def _kept(
    found: Sequence[Found], former: Known, now: Iterable[Website], answered: set[str]
) -> tuple[str, ...]:
    failed = {one.source for one in found if one.failure is not None}
    from_failed = {one.main for one in former.websites if failed & set(one.source.split("+"))}
    return tuple(one.main for one in now if one.main in from_failed and one.main not in answered)


def _count(change: Change) -> str:
    return f"{len(change.new)} new, {len(change.changed)} changed, {len(change.gone)} gone"
