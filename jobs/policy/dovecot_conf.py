"""Dovecot's configuration: the one file of ours, written and read back strictly, and what `doveconf -n` says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter

from jobs.policy.name_map import NameMap
from jobs.policy.names import covers

MANY_NAMES = 500
"""From so many names on, the config process needs more than its 256 MB: a reload at 800 names ran out of memory."""

_BLOCK = re.compile(
    r'local_name "(?P<names>[^"\n]+)" \{\n'
    r"  ssl_cert = <(?P<directory>/[^\n]*)/fullchain\.pem\n"
    r"  ssl_key = <(?P=directory)/privkey\.pem\n"
    r"\}\n"
)
_DEFAULT = re.compile(
    r"(?P<enable>ssl = yes\n)?ssl_cert = <(?P<directory>/[^\n]*)/fullchain\.pem\n"
    r"ssl_key = <(?P=directory)/privkey\.pem\n"
)
_SETTING = re.compile(r"\s*([A-Za-z0-9_]+) = ?(.*)\Z")


@dataclass(frozen=True)
class SiteBlock:
    """The names for which the set of `directory` (a link of ours) is presented."""

    names: tuple[str, ...]
    directory: str

    def of_kind(self, wild: bool) -> SiteBlock:
        """With its wildcards only, or with its other names only."""
        return SiteBlock(tuple(name for name in self.names if name.startswith("*") is wild), self.directory)

    @property
    def text(self) -> str:
        return f'local_name "{" ".join(self.names)}" {{\n{_pair(self.directory, "  ")}}}\n'


@dataclass
class OurFile:
    """`names`: the directory of the set that is presented for each; `default`: that of the set presented to a client
    that names nobody, where the host has no certificate for that; `enable`: TLS had been switched off."""

    names: NameMap = field(default_factory=NameMap)
    default: str = ""
    enable: bool = False

    @property
    def blocks(self) -> Iterator[SiteBlock]:
        return (SiteBlock(self.names.names_of(directory), directory) for directory in self.names.owners)

    def without(self, directory: str) -> bool:
        """Present the set of `directory` for no name. As the default it gives way to another one, if there is any.
        Whether that changed anything."""
        own = self.names.names_of(directory)
        self.names.release(own)
        other = next(iter(self.names.owners), self.default)
        moved = self.default == directory != other
        if moved:
            self.default = other
        return bool(own) or moved


@dataclass(frozen=True)
class LocalName:
    """A local_name block of the running configuration, and the file of its certificate, if it names one."""

    names: tuple[str, ...]
    certificate: str


@dataclass(frozen=True)
class Effective:
    """What `doveconf -n` says. `ssl` is "no", "yes" or "required"; paths are empty where nothing is set."""

    ssl: str = "yes"
    certificate: str = ""
    local_names: tuple[LocalName, ...] = field(default=())

    def presenting(self, name: str) -> LocalName | None:
        """The block that a client asking for `name` gets, without ours taken into account."""
        return next((block for block in self.local_names if covers(block.names, name)), None)


def as_written(file: OurFile) -> list[SiteBlock]:
    """The blocks as they stand in the file. Dovecot takes the first one that matches, so the names of all websites come
    before the wildcards of any (a wildcard matches one label, so their own order says nothing)."""
    blocks = sorted(file.blocks, key=attrgetter("directory"))
    parts = [block.of_kind(wild) for wild in (False, True) for block in blocks]
    return [part for part in parts if part.names]


def render(file: OurFile) -> str:
    """The text of our file below its first line. Names and paths must have passed the grammar of what is rendered."""
    parts = []
    if file.default:
        parts.append(("ssl = yes\n" if file.enable else "") + _pair(file.default, ""))
    if len(file.names) >= MANY_NAMES:
        parts.append("service config {\n  vsz_limit = 2G\n}\n")
    parts += [block.text for block in as_written(file)]
    return "".join(parts)


def parse(text: str) -> OurFile:
    """Our file as it was rendered. Raises ValueError when anything in it was not written by us: what somebody
    added would be lost, and what somebody took away would be missed by websites that this run doesn't touch."""
    body = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))
    default = _DEFAULT.match(body)
    names = NameMap({name: found["directory"] for found in _BLOCK.finditer(body) for name in found["names"].split()})
    file = OurFile(names, default["directory"] if default else "", bool(default and default["enable"]))
    if render(file) != body:
        raise ValueError("it was changed by hand")
    return file


def read_doveconf(text: str) -> Effective:
    """The certificates in the output of `doveconf -n`, which prints what was set and differs from the defaults."""
    settings: dict[str, str] = {}
    found: list[LocalName] = []
    inside: list[str] = []
    for line in text.splitlines():
        setting = _SETTING.match(line)
        if setting and not inside:
            settings[setting[1]] = setting[2].strip()
        elif setting and len(inside) == 1 and inside[0].startswith("local_name ") and setting[1] == "ssl_cert":
            found.append(LocalName(tuple(inside[0].lower().replace('"', "").split()[1:]), _file(setting[2])))
        elif not setting and line.rstrip().endswith("{"):
            inside.append(line.strip().removesuffix("{").strip())
        elif line.strip() == "}" and inside:
            inside.pop()
    return Effective(settings.get("ssl", "yes"), _file(settings.get("ssl_cert", "")), tuple(found))


def _pair(directory: str, indent: str) -> str:
    return f"{indent}ssl_cert = <{directory}/fullchain.pem\n{indent}ssl_key = <{directory}/privkey.pem\n"


def _file(value: str) -> str:
    """`</path` names a file; anything else is the text of a certificate itself."""
    return value.strip().removeprefix("<").strip() if value.strip().startswith("<") else ""
