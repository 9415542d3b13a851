"""`autossl features`."""

from __future__ import annotations

from typing import Any

import click

from jobs.policy.keys import KeyType
from panel.cli.output import Answer, table, yes
from panel.cli.session import Session, answering

USUAL = "usual"


@click.group("features")
def command() -> None:
    """Feature lists: named sets of defaults for accounts."""


@command.command("list")
@answering
def listed(session: Session) -> Answer:
    """List the feature lists."""
    session.instance()
    from jobs.wiring import features

    found = features.list_feature_lists()
    return Answer({"feature_lists": found}, table(_HEAD, [_row(one) for one in found]))


@command.command("set")
@click.argument("name")
@click.option("--autossl/--no-autossl", default=True, show_default=True, help="Whether AutoSSL is on by default.")
@click.option("--service-name", "service_names", multiple=True, metavar="LABEL",
              help="A label that is tried below every name; may be given several times. Default: as config.toml says.")
@click.option("--no-service-names", is_flag=True, help="No such labels at all.")
@click.option("--wildcard/--no-wildcard", default=False, show_default=True, help="Whether a wildcard may be used.")
@click.option("--key-type", type=click.Choice([USUAL, *(str(kind) for kind in KeyType)]), default=USUAL,
              show_default=True, help="Key of new certificates.")
@answering
def keep(
    session: Session, name: str, autossl: bool, service_names: tuple[str, ...], no_service_names: bool,
    wildcard: bool, key_type: str,
) -> Answer:
    """Make a feature list, or change it."""
    if service_names and no_service_names:
        raise click.UsageError("expected either --service-name or --no-service-names")
    session.instance()
    from jobs.policy.features import FeatureList
    from jobs.wiring import features

    labels = service_names if service_names or no_service_names else None
    kind = None if key_type == USUAL else KeyType(key_type)
    found = features.keep_feature_list(FeatureList(name, autossl, labels, wildcard, kind))
    return Answer(found, table(_HEAD, [_row(found)]))


@command.command("remove")
@click.argument("name")
@answering
def remove(session: Session, name: str) -> Answer:
    """Remove a feature list that no package names."""
    session.instance()
    from jobs.wiring import features

    features.remove_feature_list(name)
    return Answer({"feature_list": name, "removed": True}, f"Removed the feature list {name}.")


_HEAD = ("feature list", "AutoSSL", "service names", "wildcard", "key type", "packages")


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    labels = one["service_names"]
    shown = USUAL if labels is None else " ".join(labels) or "none"
    return (one["feature_list"], "on" if one["autossl"] else "off", shown, yes(one["wildcard"]),
            one["key_type"] or USUAL, " ".join(one.get("packages", [])))
