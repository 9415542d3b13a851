"""`autossl package`."""

from __future__ import annotations

import click

from panel.cli.output import Answer, table
from panel.cli.session import Session, answering


@click.group("package")
def command() -> None:
    """Packages: each account has one, and each names a feature list."""


@command.command("list")
@answering
def listed(session: Session) -> Answer:
    """List the packages."""
    session.instance()
    from jobs.wiring import features

    found = features.list_packages()
    rows = [(one["package"], one["feature_list"], one["accounts"]) for one in found]
    return Answer({"packages": found}, table(("package", "feature list", "accounts"), rows))


@command.command("set")
@click.argument("name")
@click.option("--features", "feature_list", default="default", show_default=True, help="The feature list it names.")
@answering
def keep(session: Session, name: str, feature_list: str) -> Answer:
    """Make a package, or change its feature list."""
    session.instance()
    from jobs.wiring import features

    found = features.keep_package(name, feature_list)
    return Answer(found, f"The package {name} has the feature list {feature_list}.")


@command.command("remove")
@click.argument("name")
@answering
def remove(session: Session, name: str) -> Answer:
    """Remove a package that no account has."""
    session.instance()
    from jobs.wiring import features

    features.remove_package(name)
    return Answer({"package": name, "removed": True}, f"Removed the package {name}.")
