"""`autossl setup`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from panel.cli.eab import eab_flags
from panel.cli.output import Answer
from panel.cli.session import Session, answering

if TYPE_CHECKING:
    from panel.cli.setup.steps import Steps

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("setup")
@click.option("--plan", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--undo", is_flag=True, help="Put every file of a service that was changed back as it stood before.")
@click.option("--yes", is_flag=True, help="Ask nothing: what no flag says is as Enter would have it.")
@click.option("--admin", metavar="NAME", help="The administrator who may log in to the panel. Default: admin.")
@click.option("--password-file", metavar="F", help="File with the password on its first line; - reads stdin. Without"
              " it, a link is printed in the end by which it is chosen.")
@click.option("--hostname", metavar="FQDN", help="The name under which the panel is opened. Default: this system's, if"
              " it leads here.")
@click.option("--provider", metavar="NAME", help="The CA. Default: letsencrypt_staging, to try everything first.")
@click.option("--directory", metavar="URL", help="ACME directory of a CA of one's own.")
@click.option("--ca-bundle", type=_FILE, metavar="F", help="PEM certificates that its HTTPS is trusted by.")
@eab_flags
@click.option("--contact", metavar="ADDRESS", help="Mail address for the CA.")
@click.option("--accept-terms", is_flag=True, help="The CA's terms of service were read and are accepted.")
@click.option("--no-provider", is_flag=True, help="Choose no CA for now.")
@click.option("--no-doctor", is_flag=True, help="Don't look at everything in the end.")
@answering
def command(session: Session, plan: bool, undo: bool, kid: str | None, hmac_file: Path | None, **given: Any) -> Answer:
    """Make the installation, write once what services need, choose a CA; or take the services' files back.

    Asks at a terminal what no flag says, and says what it would do before it does it. Run again, it goes on where it
    was stopped. Where nobody can be asked, --yes begins; on an installation that has its administrator it writes what
    services need, and does what flags say.
    """
    if not plan:
        session.need_root()
    if undo:
        if any(given.values()) or kid or hmac_file:
            raise click.UsageError("expected --undo alone, or with --plan")
        return _undo(session, plan)
    from panel.cli.setup.answers import Answers, Flags, manner
    from panel.cli.setup.conversation import Conversation

    steps = _steps(session)
    flags = Flags(eab_kid=kid, eab_hmac_file=hmac_file, **given)
    standing = steps.standing()
    answers = Answers(flags, manner(flags, session.json, plan), standing)
    answers.check(plan)
    conversation = Conversation(steps, standing, answers, session.json)
    if plan:
        return conversation.plan()
    try:
        return conversation.hold()
    finally:
        steps.end(session)
        # what was answered is told to the audit log as if it had been typed
        click.get_current_context().params.update(conversation.said)


def _undo(session: Session, plan: bool) -> Answer:
    from panel.cli.setup import words

    steps = _steps(session)
    result = steps.undo(plan)
    steps.end(session)
    return Answer(result, words.services(result, undo=True, plan=plan), not result["failed"])


def _steps(session: Session) -> Steps:
    """Those of one process, or, typed by root on a host whose panel has no root, those of two sides."""
    from jobs.config import load
    from jobs.wiring.instance import config_path
    from jobs.wiring.owner import owner_apart
    from panel.cli.setup.steps import Here
    from panel.cli.setup.two_sides import TwoSides

    owner = owner_apart(session.directory) if load(config_path(session.directory)).root.socket else None
    return Here(session, _say_waiting) if owner is None else TwoSides(session.directory, owner, _say_waiting)


def _say_waiting() -> None:
    click.echo("A check is under way; waiting for its end.", err=True)
