"""`autossl dns`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from panel.cli.output import Answer, count, facts, plain, table, yes
from panel.cli.session import Session, answering


@click.group("dns")
def command() -> None:
    """Zones that this host may change, and what DNS says of a name. Backends are set up by `autossl plugin`."""


@command.command("zones")
@click.option("--user", "account", metavar="NAME", help="Only the names of this account.")
@answering
def zones(session: Session, account: str | None) -> Answer:
    """List the zones of the websites' names, and which DNS backend serves them."""
    instance = session.instance()
    from jobs.wiring import dns

    found = dns.served(instance, account)
    return Answer(found, _zones(found))


@command.command("show")
@click.argument("name")
@answering
def show(session: Session, name: str) -> Answer:
    """Ask DNS about one name: who serves it, CAA, and the records that its owner may add."""
    instance = session.instance()
    from jobs.wiring import dns

    found = dns.show(instance, name)
    return Answer(found, _name(found))


@command.command("assign")
@click.argument("domain")
@click.argument("account")
@answering
def assign(session: Session, domain: str, account: str) -> Answer:
    """Say that a domain, with what is below it, is an account's.

    Zones are changed for names of the account whose website is at the zone's top and leads here. Where there is none,
    such as for a domain whose website is elsewhere, this says whose it is.
    """
    instance = session.instance()
    from jobs.wiring import zone_rights

    given = zone_rights.assign(instance, domain, account)
    return Answer({"domain": given, "account": account}, f"{given} is {account}'s now.")


@command.command("unassign")
@click.argument("domain")
@answering
def unassign(session: Session, domain: str) -> Answer:
    """Take that back."""
    session.instance()
    from jobs.wiring import zone_rights

    had = zone_rights.unassign(domain)
    text = "It is nobody's by word any more." if had else "It was given to nobody."
    return Answer({"domain": domain, "changed": had}, text)


@command.command("records")
@answering
def records(session: Session) -> Answer:
    """List what was put into zones from here: answers to challenges, and CAA records."""
    session.instance()
    from jobs.wiring import dns

    found = dns.put()
    rows = [(one["zone"], one["backend"], _record(one), one["purpose"], one["put_at"]) for one in found]
    text = table(("zone", "backend", "record", "purpose", "since"), rows)
    return Answer({"records": found}, text if rows else "Nothing of ours stands in any zone.")


@command.command("test")
@click.argument("zone")
@answering
def test(session: Session, zone: str) -> Answer:
    """Write a random value into a zone, see it at every name server, and take it away again."""
    instance = session.instance()
    from jobs.wiring import zone_changes

    found = zone_changes.prove(instance, zone, _say(session))
    where = f"{found['zone']}, by {found['backend']}"
    text = f"It works: {where}." if found["ok"] else f"It does not work: {where}."
    return Answer(found, text, found["ok"])


@command.command("undo")
@answering
def undo(session: Session) -> Answer:
    """Take away everything that was put into zones from here.

    A check adds CAA records again where they are needed, unless `autossl option set caa never` was said.
    """
    instance = session.instance()
    from jobs.wiring import zone_changes

    found = zone_changes.undo(instance, _say(session))
    lines = [f"taken away: {plain(_record(one))}" for one in found["taken"]]
    lines += [f"left: {plain(one['text'])}" for one in found["left"]]
    return Answer(found, "\n".join(lines) or "Nothing of ours stands in any zone.", not found["left"])


def _say(session: Session) -> Callable[[str], None]:
    """Tells each step at once, but only to a person."""
    return (lambda text: None) if session.json else (lambda text: click.echo(plain(text)))


def _record(one: Mapping[str, Any]) -> str:
    value = f'"{one["value"]}"' if one["kind"] == "TXT" else one["value"]
    return f"{one['name']}. {one['kind']} {value}"


def _zones(found: Mapping[str, Any]) -> str:
    by_zone: dict[tuple[str, str], int] = {}
    outside = []
    for one in found["names"]:
        if one["backend"] is None:
            outside.append(one["name"])
        else:
            key = one["zone"], one["backend"]
            by_zone[key] = by_zone.get(key, 0) + 1
    parts = []
    if by_zone:
        parts.append(table(("zone", "backend", "names"), [(*key, number) for key, number in sorted(by_zone.items())]))
    if outside:
        parts.append(f"{count(len(outside), 'name')} in zones that no backend serves:\n{_short(outside)}")
    if found["assigned"]:
        parts.append(table(("domain", "given to"), sorted(found["assigned"].items())))
    parts += _troubles(found["troubles"])
    return "\n\n".join(parts) or "There is no website yet."


_MOST = 20


def _short(names: Sequence[str]) -> str:
    more = f"\n  and {len(names) - _MOST} more; --json lists all" if len(names) > _MOST else ""
    return "\n".join(f"  {plain(name)}" for name in names[:_MOST]) + more


def _name(found: Mapping[str, Any]) -> str:
    zone = f"{found['zone']}, by {found['backend']}" if found["zone"] else "elsewhere: no backend here serves its zone"
    parts = [facts([("name", found["name"]), ("zone", zone)])]
    if found["caa"]:
        parts.append(_caa(found["caa"]))
    if found["delegation"]:
        parts.append(_delegation(found["delegation"], bool(found["zone"])))
    parts += [_lasting(one) for one in found["lasting"]]
    parts += _troubles(found["troubles"])
    return "\n\n".join(parts)


def _caa(caa: Mapping[str, Any]) -> str:
    lines = ["CAA: the provider may issue." if caa["allowed"] else f"CAA: {plain(caa['text'])}."]
    lines += [f"  Add: {plain(caa['record'])}"] if caa["record"] and not caa["allowed"] else []
    lines += [f"  {plain(one['text'])}" for one in caa["remarks"]]
    return "\n".join(lines)


def _delegation(found: Mapping[str, Any], served: bool) -> str:
    lines = [f"Delegation of challenges: {plain(found['text'])}."]
    if not found["set"] and not served:
        lines.append(f"  Add: {found['record']}")
    if found["backend"] is None:
        lines.append(f"  But no backend here serves {found['target']}: set one up for the challenge zone.")
    return "\n".join(lines)


def _lasting(found: Mapping[str, Any]) -> str:
    until = f", until {found['until']}" if found["until"] else ""
    lines = [f"Lasting record (dns-persist-01) for {found['name']}: stands: {yes(found['stands'])}{until}"]
    if found["text"]:
        lines.append(f"  {plain(found['text'])}")
    return "\n".join(lines)


def _troubles(found: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"{one['of']} can't be asked: {plain(one['text'])}" for one in found]
