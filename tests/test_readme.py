"""The README's table of commands is the command line's own list."""

from __future__ import annotations

import re
from pathlib import Path

from panel.cli import main
from tests.panel.command_line import leaves

README = Path(__file__).resolve().parents[1] / "README.md"
_ROW = re.compile(r"^\|\s*`(autossl(?: [a-z][a-z-]*)*)[^`]*`\s*\|")


def commands_of_readme() -> list[str]:
    """The command path of each row of the table below `## Commands`; what follows the path (options) is free."""
    _, found, rest = README.read_text(encoding="utf-8").partition("\n## Commands\n")
    assert found, "README.md: expected a section '## Commands'"
    section = rest.split("\n## ")[0]
    return [match.group(1) for line in section.splitlines() if (match := _ROW.match(line))]


def test_the_table_of_commands_is_complete_and_has_nothing_else() -> None:
    known = [" ".join(["autossl", *path]) for path, _ in leaves(main)]
    told = commands_of_readme()
    assert sorted(told) == sorted(known)
