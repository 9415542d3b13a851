"""The catalogue knows every code that the product uses, and none that it doesn't."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.policy.problems import CATALOGUE, Severity, problem, register

ROOT = Path(__file__).resolve().parents[2]

CODE_AT = {
    "Failure": 0,
    "Finding": 0,
    "_Stopped": 0,
    "RedirectRefused": 0,
    "LeftOff": 1,
    "CaaVerdict": 1,
    "NameTrouble": 0,
    "Verdict": 3,
    "Decision": 1,
    "Plan": 1,
    "Outcome": 3,
    "_failed": 2,
    "_forbidden": 0,
}
"""Calls that take a code, and its place among their arguments; everywhere else it is the keyword `code`."""

RETURNS_CODES = frozenset({"decision.py", "foreign.py"})
"""Files whose functions return (code, reason)."""

CODE_IN = frozenset({"code", "CODES", "NEAR", "_ODD", "UNUSED"})
"""Names that a code, or a table of codes, is assigned to."""


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for room in ("jobs", "panel"):
        for path in sorted((ROOT / room).rglob("*.py")):
            if "problem_entries" not in path.parts:
                yield path, ast.parse(path.read_text(encoding="utf-8"))


def codes_of(call: ast.Call) -> Iterator[str]:
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    place = CODE_AT.get(name)
    given = [keyword.value for keyword in call.keywords if keyword.arg == "code"]
    if place is not None:
        given += call.args[place : place + 1]
    yield from literals(given)


def literals(given: list[ast.expr]) -> Iterator[str]:
    """The texts that these expressions can be, as far as they are written out."""
    while given:
        node = given.pop()
        if isinstance(node, ast.IfExp):
            given += [node.body, node.orelse]
        elif isinstance(node, ast.Dict):
            given += node.values
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get":
            given += node.args[1:]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
            yield node.value


def codes_at(path: Path, node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call):
        yield from codes_of(node)
    elif isinstance(node, ast.Assign) and any(getattr(target, "id", "") in CODE_IN for target in node.targets):
        yield from literals([node.value])
    elif path.name in RETURNS_CODES and isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
        yield from literals(node.value.elts[:1])


def used() -> dict[str, str]:
    found: dict[str, str] = {}
    for path, tree in sources():
        for node in ast.walk(tree):
            for code in codes_at(path, node):
                found.setdefault(code, f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}")
    return found


def test_every_code_in_the_source_is_in_the_catalogue() -> None:
    missing = {code: place for code, place in used().items() if code not in CATALOGUE}
    assert not missing


def test_every_code_in_the_catalogue_is_somewhere_in_the_source() -> None:
    texts = {
        node.value
        for _, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert not set(CATALOGUE) - texts


def test_the_scan_sees_codes_in_each_of_their_places() -> None:
    text = 'Failure("a", "x"); LeftOff(n, "b", t); x.Finding("c" if y else "d", z); say("t", code="e", n=f["g"])'
    tree = ast.parse(text)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert sorted(code for call in calls for code in codes_of(call)) == ["a", "b", "c", "d", "e"]
    (choice,) = ast.parse('code = CODES.get(kind, "f" if kind else "g")').body
    assert sorted(codes_at(Path("x.py"), choice)) == ["f", "g"]
    assert {"no_certificate", "ca_refused", "ca_rate_limited", "address_private"} <= set(used())
    assert {"config_invalid", "caa_forbids", "dns_nxdomain", "http_redirect_refused"} <= set(used())


def test_a_code_can_not_be_entered_twice() -> None:
    entry = ("error", "Title", "Text.", "Remedy.")
    with pytest.raises(ValueError, match="'a' is entered twice"):
        register({"a": entry}, {"b": entry}, {"a": entry})
    for path in (ROOT / "jobs/policy/problem_entries").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Dict):
                keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
                assert len(keys) == len(set(keys))


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_an_entry_is_made_of_whole_sentences(code: str) -> None:
    entry = problem(code)
    assert entry.code == code and entry.severity in Severity
    assert entry.title[0].isupper() and not entry.title.endswith(".") and len(entry.title) <= 60
    assert entry.text.endswith(".") and entry.remedy.endswith(".")


def test_a_code_of_another_version_is_shown_as_unknown() -> None:
    assert problem("from_the_future").code == "from_the_future"
    assert problem("from_the_future").severity is Severity.ERROR
