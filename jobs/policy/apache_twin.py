"""Writes the https twin of a plain vhost: what Apache understood of that one, with our certificate.

Directives keep the text that Apache read as one line. Names, addresses and paths that we add passed a strict grammar;
everything else is refused unless it reads as one line again, so that no value can become a directive.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from jobs.policy.apache_answers import ANY
from jobs.policy.apache_config import Directive
from jobs.policy.apache_redirects import loops
from jobs.policy.failure import Failure
from jobs.policy.site import InvalidName, hostname

_PREFIX, _SUFFIX = "zz-autossl-", ".conf"
_LONGEST = 150
_DEEPEST = 50
_NAME = re.compile(r"\A[A-Za-z][A-Za-z0-9_]*\Z")
_REPLACED = frozenset({
    "servername", "serveralias", "sslengine", "sslcertificatefile", "sslcertificatekeyfile", "sslcertificatechainfile",
})
_ONCE_A_SERVER = frozenset({"wsgidaemonprocess"})
"""Directives that make something with a name, which vhosts of the same ServerName share."""

_STEP = "    "
_LOST = "�"
_ONLY_PLAIN = "RewriteCond %{HTTPS} off"
_FORWARDED = {"x-forwarded-proto": ("http", "https"), "x-forwarded-port": ("80", "443")}


@dataclass(frozen=True, slots=True)
class Pair:
    """Paths of a certificate (with its chain) and its key, as they may stand between double quotes."""

    certificate: str
    key: str

    def lines(self) -> tuple[str, str]:
        return f'SSLCertificateFile "{self.certificate}"', f'SSLCertificateKeyFile "{self.key}"'


def twin_files(main: str) -> tuple[str, str]:
    """The names of the file of a website's twins: without and with a wildcard among its names.

    They sort behind every ordinary file, so that no twin becomes the default of an address or stands before a vhost of
    somebody else; and those with a wildcard behind the others.
    """
    short = main if len(main) <= _LONGEST else f"{main[:_LONGEST]}-{hashlib.sha256(main.encode()).hexdigest()[:16]}"
    return f"{_PREFIX}{short}{_SUFFIX}", f"{_PREFIX}~{short}{_SUFFIX}"


def is_twin_file(path: str) -> bool:
    """Whether a vhost of this file is a twin of ours."""
    name = path.rpartition("/")[2]
    return name.startswith(_PREFIX) and name.endswith(_SUFFIX)


def twin_text(source: Directive, names: Sequence[str], addresses: Collection[str], port: int, pair: Pair) -> str:
    """The twin of the section `source`, for `names` (the first is its ServerName) at `addresses`.

    Raises Failure("https_not_possible") when something of `source` can't be written down safely.
    """
    where = f"{source.file}:{source.line}"
    good = [_name(name, where) for name in names]
    places = " ".join(f"{_address(address, where)}:{port}" for address in sorted(addresses))
    lines = [f"# The https twin of a vhost in {_comment(source.file)}", f"<VirtualHost {places}>"]
    lines += [f"{_STEP}ServerName {good[0]}"]
    lines += [f"{_STEP}ServerAlias {name}" for name in good[1:]]
    lines += [f"{_STEP}{line}" for line in ("SSLEngine on", *pair.lines())]
    lines += [_STEP + line for line in _rendered(source, good, port, 1)]
    return "\n".join([*lines, "</VirtualHost>", ""])


def _rendered(section: Directive, names: Collection[str], port: int, depth: int) -> Iterator[str]:
    """The directives of a section; a rule that would loop is bound to plain http by a condition of its own, so that
    skips and chains of rules still count as they did."""
    if depth > _DEEPEST:
        raise _refused(section, f"sections are nested more than {_DEEPEST} deep")
    conditions: list[str] = []
    for item in section.children:
        name = item.name.lower()
        if name in _REPLACED or name in _ONCE_A_SERVER:
            continue
        if name == "rewritecond":
            conditions.append(_line(item))
        elif name == "rewriterule":
            yield from [_ONLY_PLAIN, *conditions] if loops(item, names, port) else conditions
            yield _line(item)
            conditions = []
        elif not loops(item, names, port):
            yield from _section(item, names, port, depth) if item.section else [_line(_forwarded(item))]
    yield from conditions


def _section(item: Directive, names: Collection[str], port: int, depth: int) -> Iterator[str]:
    name = _directive_name(item)
    yield f"<{name} {_argument(item)}>" if item.raw else f"<{name}>"
    for line in _rendered(item, names, port, depth + 1):
        yield _STEP + line
    yield f"</{name}>"


def _line(item: Directive) -> str:
    """A backslash at the end would swallow the next line; before a space, which Apache takes away, it does not."""
    line = f"{_directive_name(item)} {_argument(item)}" if item.raw else _directive_name(item)
    return f"{line} " if line.endswith("\\") else line


def _directive_name(item: Directive) -> str:
    if not _NAME.match(item.name):
        raise _refused(item, f"{item.name!r} is no name of a directive")
    return item.name


def _argument(item: Directive) -> str:
    """The text behind the name, exactly as Apache read it, if it reads as one line again."""
    raw = item.raw
    if _LOST in raw:
        raise _refused(item, f"{item.name} holds bytes that are not UTF-8")
    if any(sign != "\t" and (ord(sign) < 32 or ord(sign) == 127) for sign in raw):
        raise _refused(item, f"{item.name} holds a line end or another control sign")
    return raw


def _forwarded(item: Directive) -> Directive:
    """A header that tells the application behind a proxy how the visitor came, told as it is true for the twin."""
    args = item.args
    if item.name.lower() == "requestheader" and len(args) == 3 and args[0].lower() == "set":
        plain, secure = _FORWARDED.get(args[1].lower(), ("", ""))
        if plain and args[2].lower() == plain:
            raw = f'set {args[1]} "{secure}"'
            return Directive(item.name, (args[0], args[1], secure), raw, item.file, item.line)
    return item


def _name(name: str, where: str) -> str:
    try:
        if hostname(name) == name:
            return name
    except InvalidName:
        pass
    raise Failure("https_not_possible", f"{where}: {name!r} is no host name", permanent=True)


def _address(address: str, where: str) -> str:
    if address == ANY:
        return ANY
    try:
        good = ipaddress.ip_address(address)
    except ValueError:
        words = f"{where}: expected an address in <VirtualHost>, got {address!r}"
        raise Failure("https_not_possible", words, permanent=True) from None
    return f"[{good}]" if good.version == 6 else str(good)


def _comment(text: str) -> str:
    return "".join(sign if sign.isprintable() and sign != "\\" else "?" for sign in text)


def _refused(item: Directive, why: str) -> Failure:
    words = f"{item.file}:{item.line}: {why}, so that the https twin can't be written; give it a TLS vhost by hand"
    return Failure("https_not_possible", words, permanent=True)
