"""The strict grammar of what may enter a service's configuration: a hostile name must not become a directive."""

from __future__ import annotations

import re
from pathlib import Path

from jobs.policy.failure import Failure
from jobs.policy.site import InvalidName, hostname

MARK = "# Written by AutoSSL Panel: changes are lost. `autossl setup --undo` takes it away."
"""The first line of every file of ours."""

_PATH = re.compile(r"\A/[A-Za-z0-9._/+@:~ -]*\Z")


def rendered_path(path: Path | str) -> str:
    """`path` as it may stand between double quotes. Raises Failure("path_invalid")."""
    text = str(path)
    if not _PATH.match(text) or ".." in text.split("/"):
        words = f"{text!r}: expected an absolute path of letters, digits and . _ / + @ : ~ - or spaces"
        raise Failure("path_invalid", words, permanent=True)
    return text


def rendered_name(name: str) -> str:
    """A host name (a leading `*.` allowed) exactly as `hostname` gives it. Raises Failure("name_invalid")."""
    try:
        good = hostname(name)
    except InvalidName as error:
        raise Failure("name_invalid", f"{name!r} can't stand in a configuration: {error}", permanent=True) from error
    if good != name:
        raise Failure("name_invalid", f"{name!r}: expected {good!r}", permanent=True)
    return name
