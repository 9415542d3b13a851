"""The manual pages and the shells' completion, made from the commands themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import click
from click.shell_completion import get_completion_class

from panel.cli import main

PROGRAM = "autossl"
SHELLS = {
    "bash": "usr/share/bash-completion/completions/autossl",
    "zsh": "usr/share/zsh/vendor-completions/_autossl",
    "fish": "usr/share/fish/vendor_completions.d/autossl.fish",
}
"""Where each shell looks for it."""

_FILES = """\
.SH FILES
.TP
.I /etc/autossl/config.toml
The configuration of both sides of the panel, the one that has root and the other. Only root may write here.
.TP
.I /var/lib/autossl
The installation, which belongs to the user autossl: database, account keys, logs, answers to challenges.
.TP
.I /var/lib/autossl\\-root
What services read: certificates with their keys, maps; and what stood in services' files before. Only root writes here.
.TP
.I /etc/default/autossl
Environment variables for the units, if it exists.
.SH ENVIRONMENT
.TP
.B AUTOSSL_INSTANCE
The installation; /var/lib/autossl unless set.
.TP
.B AUTOSSL_CONFIG
The file of the two sides; /etc/autossl/config.toml unless set.
.SH NOTES
A removal of the package leaves the certificates in place, and services go on serving them. A purge removes the two
directories as well, but never one that a configuration in /etc still leads to. To have every service's configuration
as it was before, run
.B autossl setup \\-\\-undo
while the package is installed.
.PP
The side that has root may write to the directories of the services that there are when it begins. The package has it
begin anew when one is installed; where that happens in another way, use
.B systemctl restart autossl\\-root.
What else it shall be allowed, say in
.B systemctl edit autossl\\-root.
.PP
A /var/lib/autossl that was there before the package and belongs to somebody else than the user autossl is left as it
is, and the panel can't work in it. Keep it with
.B autossl backup FILE,
move it away, and take it back with
.B autossl restore FILE.
"""


def page(version: str, epoch: int) -> str:
    """autossl(1), in man(7)'s language; its date is `epoch`."""
    day = datetime.fromtimestamp(epoch, UTC).date()
    head = f'.TH AUTOSSL 1 "{day}" "autossl {version}" "System administration"\n'
    name = ".SH NAME\nautossl \\- certificates for every website and service of this host\n"
    synopsis = f".SH SYNOPSIS\n.B autossl\n{_usage(main, click.Context(main, info_name=PROGRAM))}\n"
    about = f".SH DESCRIPTION\n{_paragraphs(main.help or '')}"
    return "".join([head, name, synopsis, about, _options(main), ".SH COMMANDS\n", *_commands(), _FILES])


def alias() -> str:
    """autossl_check(1) is the same page."""
    return ".so man1/autossl.1\n"


def completion(shell: str) -> str:
    """What that shell reads; it asks the program itself at each completion."""
    kind = get_completion_class(shell)
    if kind is None:
        raise RuntimeError(f"completion for {shell}: click knows no such shell")
    words = kind(main, {}, PROGRAM, "_AUTOSSL_COMPLETE")
    return str(words.source_template % words.source_vars()).strip() + "\n"


def _commands() -> Iterator[str]:
    for path, command in _leaves(main, click.Context(main, info_name=PROGRAM)):
        context = click.Context(command, info_name=path)
        usage = _usage(command, context)
        yield f".SS {_text(path)}\n.B {_text(path)}\n{usage}\n.PP\n{_paragraphs(command.help or '')}{_options(command)}"


def _leaves(group: click.Group, context: click.Context, path: str = PROGRAM) -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        if isinstance(command, click.Group):
            yield from _leaves(command, click.Context(command, info_name=name, parent=context), f"{path} {name}")
        else:
            yield f"{path} {name}", command


def _usage(command: click.Command, context: click.Context) -> str:
    return ".I " + _text(" ".join(command.collect_usage_pieces(context)))


def _options(command: click.Command) -> str:
    context = click.Context(command)
    records = [one.get_help_record(context) for one in command.params if isinstance(one, click.Option)]
    shown = [record for record in records if record is not None]
    return "".join(f".TP\n.B {_text(names)}\n{_text(words)}\n" for names, words in shown)


def _paragraphs(words: str) -> str:
    parts = [" ".join(part.split()) for part in re.split(r"\n\s*\n", words.replace("\b", "").strip())]
    return ".PP\n".join(f"{_text(part)}\n" for part in parts)


def _text(words: str) -> str:
    """Plain text for troff: no escape, no request at the beginning of a line, hyphens that can be copied."""
    safe = words.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{safe}" if safe.startswith((".", "'")) else safe
