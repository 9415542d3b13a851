"""Decides which website a name belongs to, when several vhosts or several sources list it.

Every name ends in exactly one website, because one handshake can show one certificate only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from jobs.policy.site import UNASSIGNED, InvalidName, Website, hostname

_SHOWN = 255
Key = str | int
"""A website while it is being put together: its main name, or the position of a claim that lost its main name."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One vhost (or one website of one source) that says: these names are mine.

    `addresses` and ports where it listens; `tls`: it speaks TLS there; `spare`: it only helps a website that is
    elsewhere (a Web Disk vhost on its own port); `priority`: of its source, lower wins.
    """

    website: Website
    addresses: tuple[tuple[str, int], ...] = ()
    tls: bool = False
    spare: bool = False
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Settled:
    """`remarks`: sentences about what could not become part of any website."""

    websites: tuple[Website, ...]
    remarks: tuple[str, ...] = ()


@dataclass(slots=True)
class _Case:
    """The state of one decision. `holder`: name -> position of the claim that won it; `homes`: position -> website."""

    claims: Sequence[Claim]
    holder: dict[str, int] = field(default_factory=dict)
    homes: dict[int, Key] = field(default_factory=dict)
    accounts: dict[Key, str] = field(default_factory=dict)


def read_names(texts: Iterable[str]) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Valid names (the first one that is no wildcard leads, each once), and the others with the reason."""
    names: dict[str, None] = {}
    rejected: dict[str, str] = {}
    for text in texts:
        try:
            names[hostname(text)] = None
        except InvalidName as error:
            rejected[printable(text)] = printable(str(error))
    ordered = sorted(names, key=lambda name: name.startswith("*."))
    main = ordered[:1]
    return (*main, *(name for name in names if name not in main)), tuple(rejected.items())


def printable(text: str) -> str:
    """Hostile text for logs and pages: control signs escaped, and cut at 255 characters."""
    shown = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text[:_SHOWN])
    return shown + ("…" if len(text) > _SHOWN else "")


def settle(claims: Sequence[Claim]) -> Settled:
    """Give each name to one claim, and make websites of the claims; their order is that of the claims.

    Claims of one main name are one website. At one address and port the first that lists a name has it (that is how
    the web server chooses). Of accounts that both reach a name elsewhere, the one whose main name it is has it, else
    the first. Within an account: rather a claim that speaks TLS, then the one whose main name it is, then the first.
    A claim that lost its main name within its account becomes part of the website that has it; a name that went to
    another account is `rejected` with the reason.
    """
    case = _Case([claim for claim in claims if claim.website.names])
    remarks = [f"{_place(claim.website)}: no name that a certificate could have; it says {_said(claim.website)}"
               for claim in claims if not claim.website.names and claim.website.rejected]
    for name, among in _contenders(case.claims).items():
        case.holder[name] = _winner(case.claims, name, among)
    for position in range(len(case.claims)):
        _settle_home(case, position)
    return _websites(case, remarks)


def _contenders(claims: Sequence[Claim]) -> dict[str, list[int]]:
    """Per name the claims that are reached by it: at each address and port only the first one is."""
    first: dict[tuple[str, tuple[str, int]], int] = {}
    found: dict[str, list[int]] = {}
    for position, claim in enumerate(claims):
        for name in claim.website.names:
            seen = [first.setdefault((name, address), position) == position for address in claim.addresses]
            if not claim.addresses or any(seen):
                found.setdefault(name, []).append(position)
    return found


def _winner(claims: Sequence[Claim], name: str, among: Sequence[int]) -> int:
    def by_account(position: int) -> tuple[bool, int, bool, int]:
        claim = claims[position]
        return claim.spare, claim.priority, claim.website.main != name, position

    def within_account(position: int) -> tuple[bool, bool, int, bool, bool, int]:
        claim = claims[position]
        unassigned = claim.website.account == UNASSIGNED
        return claim.spare, unassigned, claim.priority, not claim.tls, claim.website.main != name, position

    assigned = [position for position in among if claims[position].website.account != UNASSIGNED]
    if assigned:
        account = claims[min(assigned, key=by_account)].website.account
        among = [position for position in among if claims[position].website.account in (account, UNASSIGNED)]
    return min(among, key=within_account)


def _settle_home(case: _Case, position: int) -> None:
    """Follow a claim's main name to the website that has it (or stay alone), and note whose that website is."""
    mine = case.claims[position].website
    key: Key = mine.main
    seen = set()
    while isinstance(key, str) and key not in seen:
        seen.add(key)
        holder = case.claims[case.holder[key]].website
        account = case.accounts.get(key, holder.account)
        if mine.account not in (account, UNASSIGNED) and not (account == UNASSIGNED and holder.main == mine.main):
            key = position
        elif holder.main == key:
            break
        else:
            key = holder.main
    if isinstance(key, str) and case.claims[case.holder[key]].website.main != key:
        key = position  # two claims hold each other's main name
    case.homes[position] = key
    if case.accounts.get(key, UNASSIGNED) == UNASSIGNED:
        holder_account = case.claims[case.holder[key]].website.account if isinstance(key, str) else UNASSIGNED
        case.accounts[key] = mine.account if holder_account == UNASSIGNED else holder_account


def _websites(case: _Case, remarks: list[str]) -> Settled:
    members: dict[Key, list[int]] = {}
    for position, key in case.homes.items():
        members.setdefault(key, []).append(position)
    mains: dict[Key, str] = {}
    kept: dict[Key, dict[str, None]] = {}
    for key, positions in members.items():
        listed = [name for position in positions for name in case.claims[position].website.names]
        names = [name for name in listed if case.homes[case.holder[name]] == key]
        leading = [name for name in names if not name.startswith("*.")]
        if leading:
            mains[key] = str(key) if key in leading else leading[0]
            kept[key] = dict.fromkeys([mains[key], *names])
    found = []
    for key, positions in members.items():
        lost = _lost(case, key, positions, mains)
        if key in mains:
            found.append(_website(case, key, positions, tuple(kept[key]), lost))
        else:
            where = _place(case.claims[positions[0]].website)
            remarks.extend(f"{where}: {name}: {reason}" for name, reason in lost)
    return Settled(tuple(found), tuple(remarks))


def _lost(case: _Case, key: Key, positions: Sequence[int], mains: dict[Key, str]) -> tuple[tuple[str, str], ...]:
    """Names that these claims list and a website of another account has."""
    lost: dict[str, str] = {}
    for position in positions:
        for name in case.claims[position].website.names:
            holder = case.homes[case.holder[name]]
            account = case.accounts[holder]
            if holder == key and key not in mains:
                lost[name] = "a wildcard can't be the only name of a website"
            elif holder != key and account != case.accounts[key]:
                lost[name] = f"it belongs to the website {mains.get(holder, name)} of the account {account}"
    return tuple(lost.items())


def _website(
    case: _Case, key: Key, positions: Sequence[int], names: tuple[str, ...], lost: tuple[tuple[str, str], ...]
) -> Website:
    parts = [case.claims[position].website for position in positions if not case.claims[position].spare]
    parts = parts or [case.claims[position].website for position in positions]
    everything = [case.claims[position].website for position in positions]
    sources = dict.fromkeys(source for part in everything for source in part.source.split("+") if source)
    rejected = {text: reason for part in everything for text, reason in part.rejected if text not in names}
    return Website(
        account=case.accounts[key],
        names=names,
        docroot=next((part.docroot for part in parts if part.docroot), None),
        source="+".join(sources),
        file=parts[0].file,
        line=parts[0].line,
        rejected=tuple({**rejected, **dict(lost)}.items()),
    )


def _place(website: Website) -> str:
    return f"{website.source} {website.file}:{website.line}" if website.file else website.source


def _said(website: Website) -> str:
    return "; ".join(f"{text!r}: {reason}" for text, reason in website.rejected[:3])
