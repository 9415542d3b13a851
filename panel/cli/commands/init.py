"""`autossl init`."""

from __future__ import annotations

import click

from panel.cli import passwords
from panel.cli.output import Answer
from panel.cli.session import Session, answering


@click.command("init")
@click.option("--admin", "name", required=True, metavar="NAME", help="The administrator who may log in to the panel.")
@passwords.password_options
@answering
def command(session: Session, name: str, password_file: str | None, link: bool) -> Answer:
    """Make the installation and its first administrator. Twice changes nothing."""
    import models
    from jobs.config import load
    from jobs.policy.access import Role
    from jobs.wiring import people
    from jobs.wiring.instance import config_path, create

    people.check_name(name)
    password = passwords.given(password_file, link)
    session.become_owner()
    directory = session.directory.absolute()
    data = {"instance": str(directory), "created": False, "admin": name}
    if (directory / "panel.sqlite3").exists():
        session.instance()
        former = people.administrators()
        if former:
            session.opened = False  # nothing is done, so nothing is told
            text = f"{directory} is an installation already (administrator: {', '.join(former)}). Nothing was changed."
            return Answer({**data, "admin": former[0]}, text)
    chosen = passwords.choose(session, password, link)
    if chosen.password is not None:
        people.check_password(chosen.password)
    created = create(directory)
    session.opened = True
    click.get_current_context().call_on_close(models.database.close)
    user = people.create(name, chosen.password, Role.ADMIN)
    shown, told = passwords.told(chosen, user, load(config_path(directory)).panel)
    lines = [
        f"{'Made' if created else 'Completed'} the installation {directory}.",
        f"Administrator: {name}",
        *told,
        f"Next: autossl --instance {directory} setup --plan",
    ]
    return Answer({**data, "created": True, **shown}, "\n".join(lines))
