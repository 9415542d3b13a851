"""`autossl status`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from panel.cli.output import Answer, day, plain, table
from panel.cli.session import Session, answering

if TYPE_CHECKING:
    from jobs.policy.preflight_report import Report


@click.command("status")
@click.option("--user", metavar="NAME", help="Only this account.")
@answering
def command(session: Session, user: str | None) -> Answer:
    """Per name: covered, or why not. Per service: what is served now, and until when."""
    instance = session.instance()
    from jobs.wiring.status import status

    result = status(instance, user)
    blocks = [_account(account) for account in result["accounts"]]
    return Answer(result, "\n\n".join(blocks) or "There are no accounts. `autossl discover` looks for them.")


def _account(account: dict[str, Any]) -> str:
    websites = account["websites"]
    if not websites:
        return f"{account['account']} ({account['state']}): no websites"
    names = [
        (site["website"], name["name"], "yes" if name["covered"] else "no", name["text"])
        for site in websites for name in site["names"]
    ]
    parts = [f"{account['account']} ({account['state']})", table(("website", "name", "covered", "reason"), names)]
    served = [
        (site["website"], service, state["state"], day(state["not_after"]), state["text"])
        for site in websites for service, state in site["services"].items()
    ]
    if served:
        parts.append(table(("website", "service", "state", "expires", "served now"), served))
    theirs = [line for site in websites if (line := _theirs(site))]
    if theirs:
        parts.append("\n".join(theirs))
    asked = [line for site in websites if (line := _asked(site["website"], site["renewal"]))]
    if asked:
        parts.append("\n".join(asked))
    from jobs.policy.preflight_report import from_json

    for site in websites:
        parts += [_seen(name["name"], report) for name in site["names"] if (report := from_json(name["report"]))]
    return "\n\n".join(parts)


def _theirs(site: dict[str, Any]) -> str:
    """How a certificate of somebody else's is taken over, if the website has one."""
    if site["foreign"] is None:
        return ""
    of = f"its certificate is of {plain(site['foreign']['issuer'])}"
    how = site["foreign"]["how"]
    return f"{site['website']}: {of}; " + (how if site["foreign"]["takeover"] else f"to have it taken over: {how}")


def _asked(website: str, renewal: dict[str, Any] | None) -> str:
    """What the CA said of the renewal, if anything."""
    if renewal is None or renewal["start"] is None:
        return ""
    what = "an early renewal" if renewal["early"] else "renewal"
    why = f": {renewal['url']}" if renewal["url"] else ""
    return f"{website}: the CA asks for {what} between {renewal['start']} and {renewal['end']}{why}"


def _seen(name: str, report: Report) -> str:
    """What the last check saw of a name that it could not secure."""
    record = [f"add to the zone: {report.caa.record}"] if report.caa and report.caa.record else []
    return "\n  ".join((f"{name}, as the last check saw it:", *report.lines, *record))
