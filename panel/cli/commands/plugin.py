"""`autossl plugin`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from panel.cli.output import Answer, facts, table, yes
from panel.cli.secret_files import read_secret
from panel.cli.session import Session, answering

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0", "")


@click.group("plugin")
def command() -> None:
    """DNS backends and notifiers, and their options, as the panel's Options tab has them."""


@command.command("list")
@answering
def listed(session: Session) -> Answer:
    """List them."""
    instance = session.instance()
    from jobs.wiring import plugins

    found = [plugins.facts(instance, one) for one in plugins.every()]
    rows = [(one["name"], _KINDS[one["package"]], one["title"], _state(one)) for one in found]
    text = table(("name", "kind", "title", "in use"), rows)
    return Answer({"plugins": found}, text if rows else "None is installed.")


@command.command("show")
@click.argument("name")
@answering
def show(session: Session, name: str) -> Answer:
    """Show the options of one; of secrets only whether there is one."""
    instance = session.instance()
    from jobs.wiring import plugins

    found = plugins.facts(instance, plugins.found(name))
    return Answer(found, _text(found))


@command.command("set")
@click.argument("name")
@click.argument("values", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--secret-file", "files", multiple=True, metavar="KEY=F",
              help="Take a secret from the first line of a file; - reads stdin. There is no other way to give one.")
@answering
def keep(session: Session, name: str, values: tuple[str, ...], files: tuple[str, ...]) -> Answer:
    """Set options of one: `autossl plugin set rfc2136 server=192.0.2.1 zones=a.example,b.example`.

    A list is separated by commas. `KEY=` empties an option; that is also how a secret is taken away.
    """
    secrets = {key: read_secret(source, "secret") for key, source in _pairs(files).items()}
    instance = session.instance()  # from here on as a user who may not read those files
    from jobs.wiring import plugin_options, plugins

    plugin = plugins.found(name)
    options = _changed(plugin.options, plugin_options.load(instance, plugin), _pairs(values), secrets)
    plugin_options.save(instance, plugin, options)
    found = plugins.facts(instance, plugin)
    return Answer(found, _text(found))


_KINDS = {"dns_backends": "DNS backend", "notifiers": "notifier"}


def _changed(kind: type[Any], present: Any, values: Mapping[str, str], secrets: Mapping[str, str]) -> Any:
    """`present` with these values, read as strictly as the panel's form is. Raises Failure("option_invalid")."""
    import dataclasses

    from jobs.policy.failure import Failure
    from panel import forms

    fields = {one.name: one for one in forms.fields(kind, present)}
    unknown = next((key for key in (*values, *secrets) if key not in fields), None)
    if unknown is not None:
        known = ", ".join(fields) or "no option at all"
        raise click.UsageError(f"{unknown}: expected one of {known}")
    form = {name: one.value for name, one in fields.items()}
    form |= {key: _typed(fields[key], value) for key, value in values.items()}
    form |= {key: secret for key, secret in secrets.items() if _is_secret(fields[key])}
    read = forms.read(kind, form, present)
    if read.value is None:
        key, why = next(iter(read.errors.items()))
        raise Failure("option_invalid", f"{key}: {why}", permanent=True)
    return dataclasses.replace(read.value, **{key: "" for key in values if fields[key].kind == "secret"})


def _typed(field: Any, value: str) -> str:
    """As a form would send it. A secret must not stand on a command line, where everybody on the host may read it."""
    if field.kind == "secret" and value:
        raise click.UsageError(f"{field.name} is a secret: put it into a file, and say --secret-file {field.name}=FILE")
    if field.kind == "checkbox":
        if value.lower() not in (*_TRUE, *_FALSE):
            raise click.UsageError(f"{field.name}: expected yes or no, got {value!r}")
        return "1" if value.lower() in _TRUE else ""
    return value


def _is_secret(field: Any) -> bool:
    if field.kind != "secret":
        raise click.UsageError(f"{field.name} is no secret; say {field.name}=VALUE")
    return True


def _pairs(words: Sequence[str]) -> dict[str, str]:
    found = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not key or not equals:
            raise click.UsageError("expected KEY=VALUE, got a word without =")
        found[key] = value
    return found


def _state(found: Mapping[str, Any]) -> str:
    if found["trouble"]:
        return "options don't hold"
    return "-" if found["active"] is None else yes(found["active"])


def _text(found: Mapping[str, Any]) -> str:
    head: list[tuple[str, object]] = [
        ("plug-in", f"{found['name']}: {found['title']}"),
        ("kind", _KINDS[found["package"]]),
        ("in use", _state(found)),
    ]
    if found["trouble"]:
        head.append(("trouble", found["trouble"]))
    shown = [
        (key, ", ".join(map(str, value)) if isinstance(value, list) else _word(value))
        for key, value in found["options"].items()
    ]
    return facts([*head, *shown])


def _word(value: object) -> object:
    return yes(value) if isinstance(value, bool) else value
