"""What the catalogue of problems, and the doctor, tell a person to type exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from jobs.policy.problems import CATALOGUE, problem
from panel.cli import main

_COMMAND = re.compile(r"`autossl ([^`]*)`")

_ROOT = Path(__file__).resolve().parents[1]


def doctors_words() -> Iterator[tuple[str, str]]:
    """Every text in the source of the doctor, with its file."""
    for path in (*sorted((_ROOT / "jobs/doctor").glob("*.py")), _ROOT / "jobs/policy/doctor.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield path.name, node.value


TOLD = [
    (code, match.group(1)) for code in sorted(CATALOGUE)
    for match in _COMMAND.finditer(f"{problem(code).text} {problem(code).remedy}")
] + [(name, match.group(1)) for name, text in doctors_words() for match in _COMMAND.finditer(text)]


def test_there_are_such_remedies() -> None:
    assert len(TOLD) > 20


@pytest.mark.parametrize(("code", "words"), TOLD, ids=[f"{code}: {words}" for code, words in TOLD])
def test_a_command_in_a_remedy_is_one_with_its_options(code: str, words: str) -> None:
    at: click.Command = main
    context = click.Context(main)
    for word in words.split():
        if isinstance(at, click.Group):
            found = at.get_command(context, word)
            assert found is not None, f"{code}: there is no `autossl {words}`"
            at = found
        elif word.startswith("--"):
            known = {option for parameter in at.params for option in parameter.opts}
            assert word in known, f"{code}: `autossl {words}` has no {word}"
    assert not isinstance(at, click.Group) or at is main
