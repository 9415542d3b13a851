"""Exim's configuration: the map of names, the two TLS options that read it, and the texts they stand in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from jobs.policy.marked_lines import at_the_end, at_the_top, kept, marked, unmarked

CERTIFICATE, PRIVATEKEY = "tls_certificate", "tls_privatekey"
_FILES = {CERTIFICATE: "fullchain.pem", PRIVATEKEY: "privkey.pem"}
_MACROS = {CERTIFICATE: "MAIN_TLS_CERTIFICATE", PRIVATEKEY: "MAIN_TLS_PRIVATEKEY"}

_MAP_LINE = re.compile(r"(?P<name>[a-z0-9*.-]+): (?P<directory>/[^\n]*)\Z")
_LOOKUP = re.compile(
    r"\$\{if exists\{(?P<map>[^{}$]+)\}\{"
    r"\$\{lookup\{\$tls_in_sni\}nwildlsearch\{(?P=map)\}\{\$value/[a-z]+\.pem\}\{(?P<fallback>.*)\}\}"
    r"\}\{(?P=fallback)\}\}\Z"
)
_GUARDED = re.compile(r"\$\{if exists\{(?P<directory>/[^{}$]+)/fullchain\.pem\}\{(?P=directory)/fullchain\.pem\}\}\Z")
_MACRO_LINE = re.compile(r"\s*MAIN_TLS_(ENABLE|CERTIFICATE|PRIVATEKEY|CERTKEY)\s*==?")
_OPTION_LINE = re.compile(r"\s*(hide\s+)?(tls_certificate|tls_privatekey)\s*=")
_NOT_ADVERTISED = re.compile(r"\s*(hide\s+)?tls_advertise_hosts\s*=\s*(\"\s*\")?\s*\Z")
_BEGIN = re.compile(r"\s*begin\s+[a-z]+\s*\Z")
_SPLIT = re.compile(r"^\s*dc_use_split_config=(['\"]?)(\w*)\1\s*$", re.MULTILINE)
_OPTION = re.compile(r"([a-z_]+) = ?(.*)\Z")


@dataclass(frozen=True)
class Pair:
    """The values of the two options: paths, or what Exim expands to paths."""

    certificate: str
    privatekey: str


def render_map(names: Mapping[str, str]) -> str:
    """A line a name. Exim takes the first one that matches, so a name comes before a wildcard that matches it too,
    and a narrow wildcard before a wider one. Names and directories must have passed the grammar of what is rendered."""

    wild = sorted((name for name in names if name[0] == "*"), key=lambda name: (-name.count("."), name))
    plain = sorted(names.keys() - set(wild)) if wild else sorted(names)
    return "".join([f"{name}: {names[name]}\n" for name in (*plain, *wild)])


def parse_map(text: str) -> dict[str, str]:
    """The directory of each name. Raises ValueError for what was not written by us."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("#"):
            continue
        match = _MAP_LINE.match(line)
        if match is None or match["name"] in found:
            expected = "expected `name: /directory`, each name once"
            raise ValueError(f"line {number} was changed by hand: {expected}; got {line!r}")
        found[match["name"]] = match["directory"]
    return found


def by_sni(map_path: str, fallback: Pair) -> Pair:
    """The options' values: the map's answer for the name that the client asks for, else `fallback`.

    `$tls_in_sni` in both makes Exim expand them for every connection; a constant path is read once at start. Without
    the map file a lookup would fail, and every handshake with it: so its existence is asked for first.
    """

    def value(option: str, otherwise: str) -> str:
        found = f"${{lookup{{$tls_in_sni}}nwildlsearch{{{map_path}}}{{$value/{_FILES[option]}}}{{{otherwise}}}}}"
        return f"${{if exists{{{map_path}}}{{{found}}}{{{otherwise}}}}}"

    return Pair(value(CERTIFICATE, fallback.certificate), value(PRIVATEKEY, fallback.privatekey))


def overruled(expected: Pair, found: Mapping[str, str], where: str) -> str:
    """Why Exim takes others than our lines in `where`, or offers TLS to nobody; empty when it does what they say.
    `found`: the options as Exim itself understands them."""
    values = {CERTIFICATE: expected.certificate, PRIVATEKEY: expected.privatekey}
    wrong = [option for option, value in values.items() if found.get(option) != value]
    if wrong:
        words = f"{wrong[0]}: expected the value in {where}, got {found.get(wrong[0])!r}"
        return f"{words}; it is set elsewhere as well"
    if not found.get("tls_advertise_hosts"):
        words = "tls_advertise_hosts: expected hosts to offer TLS to, got an empty list"
        return f"{words} (Debian's macro is MAIN_TLS_ADVERTISE_HOSTS)"
    return ""


def fallback_of(pair: Pair) -> Pair | None:
    """What `by_sni` was given, whichever the map; None for values of somebody else's."""
    certificate, privatekey = _LOOKUP.match(pair.certificate), _LOOKUP.match(pair.privatekey)
    if certificate is None or privatekey is None:
        return None
    return Pair(certificate["fallback"], privatekey["fallback"])


def if_it_exists(directory: str) -> Pair:
    """A set of ours as the fallback; should it go, Exim presents a certificate that it makes itself, as for an empty
    value."""
    condition = f"exists{{{directory}/{_FILES[CERTIFICATE]}}}"
    return Pair(*(f"${{if {condition}{{{directory}/{file}}}}}" for file in _FILES.values()))


def set_of(fallback: Pair) -> str | None:
    """The directory that `if_it_exists` was given; None for a fallback of the host's own."""
    match = _GUARDED.match(fallback.certificate)
    return match["directory"] if match else None


def nestable(value: str) -> bool:
    """Whether a value of the host's own may stand between braces of ours and mean the same."""
    depth = 0
    for sign in value:
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if depth < 0 or sign in "\\\n\"":
            return False
    return depth == 0


def pair_in(text: str, macros: bool) -> Pair | None:
    """The values that our lines in `text` set; None without such lines. Raises ValueError when they were changed."""
    ours = marked(text)
    if ours is None:
        return None
    values = dict(line.split(" = ", 1) for line in ours if " = " in line)
    names = _MACROS if macros else {option: option for option in _MACROS}
    try:
        return Pair(values[names[CERTIFICATE]], values[names[PRIVATEKEY]])
    except KeyError as error:
        raise ValueError(f"our lines were changed by hand: expected one that sets {error}") from error


def with_macros(text: str, pair: Pair) -> str:
    """The macros that Debian's generated configuration takes its TLS options from, in `text`; former ones are kept
    as comments. One of them, MAIN_TLS_CERTKEY, would win over ours."""
    former = unmarked(text)
    replaced = {number for start, lines in _logical(former) if _MACRO_LINE.match(start) for number in lines}
    values = (f"{_MACROS[CERTIFICATE]} = {pair.certificate}", f"{_MACROS[PRIVATEKEY]} = {pair.privatekey}")
    return at_the_end(kept(former, replaced), ["MAIN_TLS_ENABLE = yes", *values])


def with_options(text: str, pair: Pair) -> str:
    """The two options in the main section of a hand-written configuration; former lines are kept as comments.

    STARTTLS is offered to everybody where the file offers it to nobody; any other choice of the file's stays.
    """
    former = unmarked(text)
    replaced: set[int] = set()
    ours = [f"{CERTIFICATE} = {pair.certificate}", f"{PRIVATEKEY} = {pair.privatekey}"]
    for start, lines in _logical(former):
        if _BEGIN.match(start):
            break
        if _OPTION_LINE.match(start):
            replaced.update(lines)
        elif _NOT_ADVERTISED.match(start):
            replaced.update(lines)
            ours.append("tls_advertise_hosts = *")
    return at_the_top(kept(former, replaced), ours)


def read_options(text: str) -> dict[str, str]:
    """The output of `exim4 -bP option...`, as option -> value."""
    return {match[1]: match[2].strip() for line in text.splitlines() if (match := _OPTION.match(line))}


def is_split(text: str) -> bool:
    """Whether update-exim4.conf.conf, which is read by a shell, chooses many small files over one template."""
    found = _SPLIT.findall(text)
    return bool(found) and found[-1][1].lower() == "true"


def _logical(text: str) -> list[tuple[str, list[int]]]:
    """Each logical line: its first physical line, and the numbers of all that belong to it. A backslash at the end
    goes on in the next line that is no comment (Exim specification, chapter 6.2)."""
    found: list[tuple[str, list[int]]] = []
    going_on = False
    for number, line in enumerate(text.split("\n")):
        if line.lstrip().startswith("#"):
            continue
        if going_on:
            found[-1][1].append(number)
        else:
            found.append((line, [number]))
        going_on = line.rstrip().endswith("\\")
    return found
