"""The name under which the panel is opened: a proposal, and `panel.hostname` of config.toml."""

from __future__ import annotations

import re
import socket
import tomllib
from pathlib import Path
from typing import Any

from jobs import privileged
from jobs.policy.failure import Failure
from jobs.policy.file_change import FileChange
from jobs.policy.site import InvalidName, hostname

_TABLE = re.compile(r"^[ \t]*\[[ \t]*panel[ \t]*\][ \t]*(#.*)?$", re.MULTILINE)
_KEY = re.compile(r"^[ \t]*hostname[ \t]*=.*$", re.MULTILINE)
_NEXT = re.compile(r"^[ \t]*\[", re.MULTILINE)


def checked(text: str) -> str:
    """A host name as it is kept. Raises Failure("name_invalid")."""
    try:
        name = hostname(text)
    except InvalidName as error:
        raise Failure("name_invalid", f"{text[:80]!r}: expected a host name: {error}", permanent=True) from error
    if name.startswith("*."):
        raise Failure("name_invalid", f"{name}: expected one host name, not a wildcard", permanent=True)
    return name


def proposed() -> str:
    """This system's full name, if it leads to this host; else empty."""
    try:
        name = checked(socket.getfqdn())
    except Failure:
        return ""
    return name if leads_here(name) else ""


def leads_here(name: str) -> bool:
    """Whether the system's resolver has an address of this host for it; 127.0.1.1 of /etc/hosts counts."""
    try:
        found = {str(entry[4][0]).partition("%")[0] for entry in socket.getaddrinfo(name, None)}
    except OSError:
        return False
    own = privileged.own_addresses()
    return any(address in own or address == "::1" or address.startswith("127.") for address in found)


def write(config: Path, name: str) -> bool:
    """Have config.toml say that name; every other line stays as it is. False: it says so already.

    The outcome is read before it is written: raises Failure("config_invalid") where it would say anything else, and
    Failure("publish_failed").
    """
    content = privileged.read(config)
    text, before = _read(config, content or b"")
    table = before.get("panel", {})
    if isinstance(table, dict) and table.get("hostname") == name:
        return False
    changed = _with_hostname(text, f'hostname = "{name}"')
    wanted = {**before, "panel": {**table, "hostname": name}} if isinstance(table, dict) else None
    try:
        fits = tomllib.loads(changed) == wanted
    except tomllib.TOMLDecodeError:
        fits = False
    if not fits:
        words = f'{config}: panel.hostname can\'t be put into it; write it there: hostname = "{name}" below [panel]'
        raise Failure("config_invalid", words, permanent=True)
    privileged.publish([FileChange(config, changed.encode("utf-8"), mode=None if content is not None else 0o644)])
    return True


def _read(config: Path, content: bytes) -> tuple[str, dict[str, Any]]:
    try:
        text = content.decode("utf-8")
        return text, tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise Failure("config_invalid", f"{config}: expected UTF-8 text: {error}", permanent=True) from error
    except tomllib.TOMLDecodeError as error:
        raise Failure("config_invalid", f"{config}: expected TOML: {error}", permanent=True) from error


def _with_hostname(text: str, line: str) -> str:
    table = _TABLE.search(text)
    if table is None:
        gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
        return f"{text}{gap}[panel]\n{line}\n"
    end = _NEXT.search(text, table.end())
    key = _KEY.search(text, table.end(), end.start() if end else len(text))
    if key is not None:
        return text[: key.start()] + line + text[key.end() :]
    return f"{text[: table.end()]}\n{line}{text[table.end() :]}"
