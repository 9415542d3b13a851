"""What Apache needs once for all websites: mod_ssl, mod_lua, a port for https, and the rule that answers challenges.

The rule is a quick handler of mod_lua: it runs before any redirect, rewrite, proxy or access rule. Its script
lies with Apache's own configuration, because Apache answers every request with an error when it can't read it.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs import privileged
from jobs.policy import apache_config
from jobs.policy.apache_config import Directive
from jobs.policy.failure import Failure
from jobs.policy.file_change import FileChange
from jobs.services.httpd.view import View
from jobs.services.system import MARK, refuse_link, rendered_path

MODULES = ("ssl", "lua")
_DEPENDS = re.compile(r"^#\s*Depends:(.*)$", re.MULTILINE)
_LOAD = re.compile(r"^\s*LoadModule\s+(\w+)\s+(/\S+)\s*$", re.MULTILINE)
_MODULE_NAME = re.compile(r"\A[a-z0-9_]+\Z")
_LUA = """\
-- {mark}
-- Answers http-01 challenges (RFC 8555 section 8.3) whose token lies in our directory; all else goes its usual way.
-- Only a key authorization of that very token is ever sent: whoever may write there could lay a link to another file.
require "apache2"
local REGULAR, LONGEST = 1, 512
local THUMBPRINT = "^%." .. ("[A-Za-z0-9_-]"):rep(43) .. "$"

function answer(r)
  local token = r.uri:match("^/%.well%-known/acme%-challenge/([A-Za-z0-9_-]+)$")
  if not token then return apache2.DECLINED end
  local path = "{challenges}/" .. token
  local facts = r:stat(path)
  if not facts or facts.filetype ~= REGULAR or facts.size > LONGEST then return apache2.DECLINED end
  local file = io.open(path, "r")
  if not file then return apache2.DECLINED end
  local text = file:read(LONGEST)
  file:close()
  if not text or text:sub(1, #token) ~= token then return apache2.DECLINED end
  if not text:sub(#token + 1):match(THUMBPRINT) then return apache2.DECLINED end
  r.content_type = "text/plain"
  r:puts(text)
  return apache2.OK
end
"""


@dataclass(frozen=True)
class Once:
    """Where things lie. `snippet` and `script` are files of ours; the directories are Debian's."""

    mods_available: Path
    mods_enabled: Path
    snippet: Path
    script: Path
    challenges: Path
    https_port: int


@dataclass(frozen=True)
class _Module:
    """One file of mods-available: the module's name and program, and whether it has configuration of its own."""

    file: str
    name: str
    program: str
    configured: bool


def once(where: privileged.WhereApacheIs, view: View, places: Once) -> list[FileChange]:
    """The changes; none when all is there. Raises Failure("program_missing"), Failure("port_taken"),
    Failure("challenges_unreachable") before anything is changed."""
    refuse_link(places.challenges)
    user = apache_config.global_value(view.tree, "User") or "www-data"
    for directory in (places.challenges, places.script.parent):
        _refuse_unreachable(directory, user)
    loaded = privileged.apache_modules(where)
    late = list(dict.fromkeys(module for file in MODULES for module in _needed(places, file, loaded)))
    listens = _listens(where, view, places, late)
    links = [change for module in late for change in _enabling(places, module)]
    script = _LUA.format(mark=MARK.removeprefix("# "), challenges=rendered_path(places.challenges))
    wanted = ((places.script, script), (places.snippet, _snippet(view.tree, places, listens)))
    return [*links, *(change for path, text in wanted for change in difference(path, text))]


def difference(path: Path, text: str | None) -> list[FileChange]:
    """The change that gives a file of ours this content (None: takes it away), if it has another one."""
    content = None if text is None else text.encode()
    if privileged.read(path) == content:
        return []
    return [FileChange(path, content, mode=None if content is None else 0o644)]


def _snippet(tree: Sequence[Directive], places: Once, listens: bool) -> str:
    """`LuaScope server` keeps the script in memory; where somebody else uses mod_lua, the scope is his choice."""
    script = rendered_path(places.script)
    theirs = (item for item in apache_config.walk(tree) if item.file != str(places.snippet))
    others = any(item.name.lower().startswith("lua") for item in theirs)
    scope = "" if others else "        LuaScope server\n"
    protocol = "" if places.https_port == 443 else " https"
    listen = f"<IfModule ssl_module>\n    Listen {places.https_port}{protocol}\n</IfModule>\n" if listens else ""
    return (
        f'{MARK}\n<IfModule lua_module>\n    <IfFile "{script}">\n{scope}'
        f'        LuaQuickHandler "{script}" answer\n    </IfFile>\n</IfModule>\n{listen}'
    )


def _listens(where: privileged.WhereApacheIs, view: View, places: Once, late: Sequence[_Module]) -> bool:
    """Whether our own `Listen` is needed for https: not where another file has one once mod_ssl is on.
    A port that somebody else has would be the end of Apache, so it is refused. Raises Failure("port_taken")."""
    port = places.https_port
    if port not in _ports(view.tree) and not privileged.port_is_free(port):
        words = f"port {port} is taken by another program, so Apache can't listen there for https"
        raise Failure("port_taken", f"{words}; give it to Apache, or set services.apache.https_port", permanent=True)
    then = privileged.apache_configuration(where, [(module.name, module.program) for module in late])
    return port not in _ports([item for item in then.tree or () if item.file != str(places.snippet)])


def _ports(tree: Sequence[Directive]) -> set[int]:
    return {port for _, port, _ in apache_config.listens(tree)}


def _needed(places: Once, file: str, loaded: frozenset[str]) -> Iterator[_Module]:
    """The module of `file`.load and, before it, those that it depends on, as far as they are not loaded."""
    if f"{file}_module" in loaded:
        return
    path = places.mods_available / f"{file}.load"
    text = (privileged.read(path) or b"").decode("utf-8", "replace")
    load = _LOAD.search(text)
    if load is None or not Path(load[2]).exists():
        words = f"mod_{file} is not loaded, and {load[2] if load else path} is not there"
        remedy = f"Install it (Debian: apt-get install apache2-bin), or load it by hand (mod_{file})"
        raise Failure("program_missing", f"{words}. {remedy}", permanent=True)
    depends = _DEPENDS.search(text)
    for name in depends[1].split() if depends else ():
        if _MODULE_NAME.match(name):
            yield from _needed(places, name, loaded)
    yield _Module(file, load[1], load[2], path.with_suffix(".conf").exists())


def _enabling(places: Once, module: _Module) -> Iterator[FileChange]:
    """The links that a2enmod would make."""
    for suffix in (".load", ".conf") if module.configured else (".load",):
        target = os.path.relpath(places.mods_available / f"{module.file}{suffix}", places.mods_enabled)
        yield FileChange(places.mods_enabled / f"{module.file}{suffix}", link=target)


def _refuse_unreachable(directory: Path, user: str) -> None:
    """Apache's processes must come to the script and the challenges. Raises Failure("challenges_unreachable")."""
    for path in (directory, *directory.parents):
        try:
            facts = path.stat()
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not directory.parent.exists():
                continue  # only a plan: the installation is made before anything is written, for everybody to enter
            words = f"{path}: {error.strerror}"
            raise Failure("challenges_unreachable", words, permanent=True) from error
        if not _may_enter(facts, user):
            words = f"{path}: Apache's user {user} may not enter it on the way to {directory}"
            raise Failure("challenges_unreachable", f"{words}; allow it: chmod o+x {path}", permanent=True)


def _may_enter(facts: os.stat_result, user: str) -> bool:
    try:
        entry = pwd.getpwuid(int(user[1:])) if user.startswith("#") else pwd.getpwnam(user)
    except (KeyError, ValueError):
        return bool(facts.st_mode & stat.S_IXOTH)
    if facts.st_uid == entry.pw_uid:
        return bool(facts.st_mode & stat.S_IXUSR)
    groups = {entry.pw_gid, *(group.gr_gid for group in grp.getgrall() if entry.pw_name in group.gr_mem)}
    return bool(facts.st_mode & (stat.S_IXGRP if facts.st_gid in groups else stat.S_IXOTH))

