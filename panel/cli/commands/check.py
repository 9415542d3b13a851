"""`autossl check`, and the same as the script `autossl_check`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from panel.cli.guard import Guarded
from panel.cli.output import Answer, count, day, plain, table
from panel.cli.session import Session, answering, instance_option

if TYPE_CHECKING:
    from jobs.runlog import Event
    from jobs.wiring.instance import Instance

SENDING = 30.0
"""Seconds after which no further message is begun."""


class _Script(Guarded, click.Command):
    """The check as a script of its own."""


def _flags(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--stop", is_flag=True, help="Have the running check end after the account that it works on."),
        click.option("--plan", is_flag=True, help="Show what would be ordered and why; order nothing."),
        click.option("--user", metavar="NAME", help="Check one account, now, whatever failed there before."),
        click.option("--all", "everyone", is_flag=True, help="Check every account."),
    ):
        function = option(function)
    return function


@click.command("check")
@_flags
@answering
def command(session: Session, everyone: bool, user: str | None, plan: bool, stop: bool) -> Answer:
    """Check websites: order what is missing or due, install it, prove that it is served."""
    if stop:
        if everyone or user is not None or plan:
            raise click.UsageError("expected --stop alone")
        return _stop(session)
    return _check(session, everyone, user, plan)


@click.command("autossl_check", cls=_Script, context_settings={"max_content_width": 100})
@instance_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@_flags
@click.pass_context
def script(context: click.Context, instance: Path, as_json: bool, **options: Any) -> None:
    """The same as `autossl check`."""
    context.obj = Session(instance)
    context.invoke(command, as_json=as_json, **options)


def _check(session: Session, everyone: bool, user: str | None, plan: bool) -> Answer:
    if everyone == (user is not None):
        raise click.UsageError("expected either --all or --user NAME")
    instance = session.instance()
    if not plan:
        session.need_root()
    from jobs.wiring import checks
    from jobs.wiring.collecting import collect_seldom

    collect_seldom()
    listener, accounts = None if session.json else _say, None if user is None else [user]
    perform = checks.plan if plan else checks.check
    try:
        result = perform(instance, accounts, user is not None, listener)
    finally:
        if not plan:
            _send(instance)
    return Answer(result, _text(result, plan), bool(result["ok"]) or plan)


def _send(instance: Instance) -> None:
    """Where no server runs, nobody else would send what there is to tell. What can't be sent now waits for the next
    check, or for a server."""
    from jobs.policy.failure import Failure
    from jobs.wiring.sending import send_due
    from panel.mail import render

    try:
        send_due(instance, render, SENDING)
    except Failure as failure:
        click.echo(f"autossl: nothing could be sent: {plain(failure.detail)}", err=True)


def _stop(session: Session) -> Answer:
    session.instance()
    from jobs.wiring.instance import now
    from jobs.wiring.performing import stop_running

    stopping = stop_running(now())
    text = "The check ends after the account that it works on."
    nothing = "No check is running that was not asked to stop already. Nothing was changed."
    return Answer({"stopping": stopping}, text if stopping else nothing)


def _say(event: Event) -> None:
    click.echo(plain(event.as_text()))


def _text(result: dict[str, Any], plan: bool) -> str:
    websites = result["websites"]
    parts = [""]
    if websites:
        parts.append(_plan(websites) if plan else _outcomes(websites))
    left_off = [(left["name"], left["code"], left["text"]) for site in websites for left in site["left_off"]]
    if left_off:
        parts.append(table(("left off", "code", "why"), left_off))
    done = ", ".join(f"{value} {key.replace('_', ' ')}" for key, value in result["totals"].items() if value)
    parts.append(f"{'Plan' if plan else 'Run'} {result['run']} with {result['provider']}: {done or 'no websites'}.")
    if plan:
        parts.append("Nothing was ordered or installed.")
    return "\n\n".join(parts).removeprefix("\n\n" if plan else "\n")


def _plan(websites: list[dict[str, Any]]) -> str:
    rows = [(s["account"], s["website"], s["decision"], s["reason"], count(len(s["names"]), "name")) for s in websites]
    return table(("account", "website", "decision", "why", "covered"), rows)


def _outcomes(websites: list[dict[str, Any]]) -> str:
    rows = [
        (s["account"], s["website"], s["outcome"] or s["decision"], len(s["names"]), day(s["not_after"]), _why(s))
        for s in websites
    ]
    return table(("account", "website", "outcome", "names", "expires", "why, and services"), rows)


def _why(site: dict[str, Any]) -> str:
    """The problem, or the reason unless it was done away with; then the services, those that failed by their words."""
    problem, services = site.get("problem"), site["services"]
    said = [problem["text"] if problem else "" if site["outcome"] == "installed" else site["reason"]]
    for state in dict.fromkeys(service["state"] for service in services.values()):
        names = [name for name, service in services.items() if service["state"] == state]
        if state == "failed":
            said += [f"{name} failed: {services[name]['text']}" for name in names]
        else:
            said.append(f"{state} on {', '.join(names)}")
    return "; ".join(part for part in said if part)
