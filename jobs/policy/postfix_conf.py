"""Postfix's configuration: the table of names, and parameters of ours in main.cf."""

from __future__ import annotations

import re
from collections.abc import Mapping

from jobs.policy.marked_lines import at_the_end, kept, marked, unmarked

_SOURCE_LINE = re.compile(
    r"(?P<name>\.?[a-z0-9.-]+) (?P<directory>/[^\s,]+)/privkey\.pem (?P=directory)/fullchain\.pem\Z"
)
_PARAMETER = re.compile(r"\s*([A-Za-z0-9_]+)\s*=\s*(.*?)\s*\Z", re.DOTALL)


def render_source(names: Mapping[str, str]) -> str:
    """The table that `postmap -F` reads the files of: key, then chain. Postfix writes `.a.test` for `*.a.test`.
    Names and directories must have passed the grammar of what is rendered; directories have no spaces."""
    lines = (
        f"{name.removeprefix('*')} {directory}/privkey.pem {directory}/fullchain.pem\n"
        for name, directory in sorted(names.items())
    )
    return "".join(lines)


def parse_source(text: str) -> dict[str, str]:
    """The directory of each name. Raises ValueError for what was not written by us."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("#"):
            continue
        match = _SOURCE_LINE.match(line)
        name = re.sub(r"\A\.", "*.", match["name"]) if match else ""
        if match is None or name in found:
            expected = "expected `name /directory/privkey.pem /directory/fullchain.pem`, each name once"
            raise ValueError(f"line {number} was changed by hand: {expected}; got {line!r}")
        found[name] = match["directory"]
    return found


def our_parameters(text: str) -> dict[str, str]:
    """The parameters that our lines in main.cf set. Raises ValueError when they were changed."""
    found = {}
    for line in marked(text) or ():
        match = _PARAMETER.match(line)
        if match is None:
            raise ValueError(f"our lines were changed by hand: expected `parameter = value`, got {line!r}")
        found[match[1]] = match[2]
    return found


def former_value(text: str, parameter: str) -> str:
    """What main.cf says without us; the last entry counts (postconf(5)), and none means nothing."""
    values = [value for name, value, _ in _entries(unmarked(text)) if name == parameter]
    return values[-1] if values else ""


def with_parameters(text: str, parameters: Mapping[str, str]) -> str:
    """main.cf with our parameters at its end; the entries that they replace are kept as comments."""
    former = unmarked(text)
    replaced = {number for name, _, lines in _entries(former) if name in parameters for number in lines}
    return at_the_end(kept(former, replaced), [f"{name} = {value}" for name, value in parameters.items()])


def read_postconf(text: str) -> dict[str, str]:
    """The output of `postconf parameter...`, as parameter -> value."""
    matches = (_PARAMETER.match(line) for line in text.splitlines())
    return {match[1]: match[2] for match in matches if match}


def _entries(text: str) -> list[tuple[str, str, list[int]]]:
    """Each `name = value` of main.cf, with the numbers of its lines. A line that begins with a space goes on with the
    one before, across comments and empty lines, which belong to nothing (postconf(5))."""
    logical: list[tuple[str, list[int]]] = []
    for number, line in enumerate(text.split("\n")):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace() and logical:
            before, numbers = logical[-1]
            logical[-1] = (f"{before} {line.strip()}", [*numbers, number])
        else:
            logical.append((line, [number]))
    matches = [(_PARAMETER.match(line), numbers) for line, numbers in logical]
    return [(match[1], match[2], numbers) for match, numbers in matches if match]
