"""`autossl admin`: who may log in to the panel, and what helps when somebody can't any more."""

from __future__ import annotations

import click

from panel.cli import passwords
from panel.cli.output import Answer, count, table, yes
from panel.cli.session import Session, answering


@click.group("admin")
def command() -> None:
    """Administrators of the panel; and the ways back in, for everybody who may log in."""


@command.command("list")
@answering
def listed(session: Session) -> Answer:
    """List the administrators."""
    session.instance()
    from jobs.policy.access import Role
    from jobs.wiring import people

    found = [one for one in people.people() if one["role"] == Role.ADMIN]
    rows = [(one["name"], yes(one["password"]), yes(one["totp"])) for one in found]
    return Answer({"administrators": found}, table(("name", "password", "two-step"), rows))


@command.command("add")
@click.argument("name")
@passwords.password_options
@answering
def add(session: Session, name: str, password_file: str | None, link: bool) -> Answer:
    """Add an administrator."""
    password = passwords.given(password_file, link)
    instance = session.instance()
    from jobs.policy.access import Role
    from jobs.wiring import people

    people.check_name(name)
    chosen = passwords.choose(session, password, link)
    user = people.create(name, chosen.password, Role.ADMIN)
    shown, told = passwords.told(chosen, user, instance.config.panel)
    return Answer({**people.facts(user), **shown}, "\n".join([f"Added the administrator {name}.", *told]))


@command.command("reset-password")
@click.argument("name")
@passwords.password_options
@answering
def reset_password(session: Session, name: str, password_file: str | None, link: bool) -> Answer:
    """Set a new password for anybody who may log in, end the sessions, and forget wrong attempts."""
    password = passwords.given(password_file, link)
    instance = session.instance()
    from jobs.wiring import attempts, people, sessions

    user = people.find(name)
    chosen = passwords.choose(session, password, link)
    if chosen.password is not None:
        people.set_password(user, chosen.password)
    ended = sessions.end_all(user)
    attempts.forget(user)
    shown, told = passwords.told(chosen, user, instance.config.panel)
    done = "gets a new password by the link; the former one holds until then" if link else "has a new password"
    text = "\n".join([f"{name} {done}. {count(ended, 'session')} ended.", *told])
    return Answer({"name": name, "ended": ended, **shown}, text)


@command.command("disable-totp")
@click.argument("name")
@answering
def disable_totp(session: Session, name: str) -> Answer:
    """Switch two-step sign-in off for somebody who lost the phone and the backup codes. The sessions end."""
    session.instance()
    from jobs.wiring import people, second_factor, sessions

    user = people.find(name)
    had = user.totp_secret is not None
    second_factor.switch_off(user)
    ended = sessions.end_all(user) if had else 0
    text = f"{name} signs in by the password alone now. {count(ended, 'session')} ended."
    nothing = f"{name} had no two-step sign-in. Nothing was changed."
    return Answer({"name": name, "changed": had, "ended": ended}, text if had else nothing)


@command.command("end-sessions")
@click.argument("name")
@answering
def end_sessions(session: Session, name: str) -> Answer:
    """Sign somebody out everywhere."""
    session.instance()
    from jobs.wiring import people, sessions

    ended = sessions.end_all(people.find(name))
    return Answer({"name": name, "ended": ended}, f"{count(ended, 'session')} of {name} ended.")
