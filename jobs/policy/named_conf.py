"""What named's configuration says about its zones, from the normalised form that `named-checkconf -p` prints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(r'\s+|"((?:[^"\\]|\\.)*)"|([{};])|([^\s{};"]+)', re.DOTALL)
_INHERITED = ("allow-update", "check-integrity", "ixfr-from-differences", "masterfile-format")
_DEEPEST = 32


@dataclass(frozen=True, slots=True)
class Statement:
    """`words {block};` with the block's own statements."""

    words: tuple[str, ...]
    block: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone statement. `name`: lower case, no final dot. `view`: None outside of views. `file`: absolute where the
    configuration says enough for it, "" for a zone without one. `dynamic`: it takes updates by RFC 2136, or its words
    say so in a way that named alone can judge. `journal`: named keeps one for a static file as well. `integrity`: named
    checks whether what NS, MX and SRV records point to has addresses. `directory`: where relative names begin."""

    name: str
    view: str | None
    kind: str
    file: str
    dynamic: bool
    text: bool
    journal: bool
    integrity: bool
    directory: str

    @property
    def primary(self) -> bool:
        return self.kind in ("primary", "master")


def parse(text: str) -> tuple[Statement, ...]:
    """Raises ValueError for what is not made of statements."""
    tokens = list(_tokens(text))
    found, at = _statements(tokens, 0, 0)
    if at != len(tokens):
        raise ValueError("a closing brace too many")
    return found


def zones(statements: Sequence[Statement]) -> tuple[Zone, ...]:
    """The zones of class IN, those within views included. Raises ValueError."""
    options = _settings(_block(statements, "options"))
    found = [_zone(one, None, options) for one in _zone_statements(statements)]
    for view in statements:
        if view.words[0] == "view" and len(view.words) > 1:
            settings = options | _settings(view.block)
            found += [_zone(one, view.words[1], settings) for one in _zone_statements(view.block)]
    return tuple(found)


def _zone_statements(statements: Sequence[Statement]) -> Iterator[Statement]:
    for one in statements:
        if one.words[0] == "zone" and len(one.words) > 1 and (one.words[2:] or ("IN",))[0].upper() == "IN":
            yield one


def _zone(statement: Statement, view: str | None, inherited: dict[str, Statement]) -> Zone:
    own = {one.words[0]: one for one in statement.block}
    settings = inherited | own
    directory = _word(settings, "directory")
    file = _word(own, "file")
    if file and not file.startswith("/"):
        file = f"{directory}/{file}" if directory.startswith("/") else ""
    return Zone(
        name=statement.words[1].rstrip(".").lower(),
        view=view,
        kind="in-view" if "in-view" in own else _word(own, "type").lower(),
        file=file,
        dynamic="update-policy" in own or _anybody(settings.get("allow-update")),
        text=_word(settings, "masterfile-format", "text").lower() == "text",
        journal=_word(settings, "ixfr-from-differences", "no").lower() in ("yes", "true", "1", "primary", "master"),
        integrity=_word(settings, "check-integrity", "yes").lower() not in ("no", "false", "0"),
        directory=directory,
    )


def _anybody(allowed: Statement | None) -> bool:
    """Whether an address match list lets anybody in."""
    return allowed is not None and [one.words for one in allowed.block] not in ([], [("none",)])


def _settings(statements: Sequence[Statement]) -> dict[str, Statement]:
    return {one.words[0]: one for one in statements if one.words[0] in (*_INHERITED, "directory")}


def _block(statements: Sequence[Statement], name: str) -> tuple[Statement, ...]:
    return next((one.block for one in statements if one.words[0] == name), ())


def _word(statements: dict[str, Statement], name: str, default: str = "") -> str:
    found = statements.get(name)
    return found.words[1] if found is not None and len(found.words) > 1 else default


def _tokens(text: str) -> Iterator[str]:
    """Words as they are, strings without their quotes but with a mark before, so that none is taken for a sign."""
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"expected a word or a string, got {text[at : at + 40]!r}")
        at = match.end()
        if match[2]:
            yield match[2]
        elif match[3]:
            yield f"w{match[3]}"
        elif match[1] is not None:
            yield "w" + re.sub(r"\\(.)", r"\1", match[1], flags=re.DOTALL)


def _statements(tokens: Sequence[str], at: int, depth: int) -> tuple[tuple[Statement, ...], int]:
    if depth > _DEEPEST:
        raise ValueError(f"blocks are nested more than {_DEEPEST} deep")
    found: list[Statement] = []
    words: list[str] = []
    block: tuple[Statement, ...] = ()
    while at < len(tokens) and tokens[at] != "}":
        sign, at = tokens[at], at + 1
        if sign == "{":
            inner, at = _statements(tokens, at, depth + 1)
            if at >= len(tokens):
                raise ValueError("a block is never closed")
            block, at = block + inner, at + 1
        elif sign == ";":
            if words or block:
                found.append(Statement(tuple(words) or ("",), block))
            words, block = [], ()
        else:
            words.append(sign[1:])
    if words or block:
        raise ValueError(f"a statement has no end: {' '.join(words)[:80]!r}")
    return tuple(found), at
