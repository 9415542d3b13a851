"""The README's tables of commands and of DNS backends are the program's own lists."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from jobs import registry
from panel.cli import main
from tests.bench import __main__ as bench
from tests.bench.aims import aims_table, figures_table, printed
from tests.bench.chart import GROWTH, growth_svg
from tests.panel.command_line import leaves
from tests.soak.__main__ import parts

README = Path(__file__).resolve().parents[1] / "README.md"
_ROW = re.compile(r"^\|\s*`(autossl(?: [a-z][a-z.-]*)*)[^`]*`\s*\|")


def section(title: str) -> str:
    _, found, rest = README.read_text(encoding="utf-8").partition(f"\n## {title}\n")
    assert found, f"README.md: expected a section '## {title}'"
    return rest.split("\n## ")[0]


def commands_of_readme() -> list[str]:
    """The command path of each row of the table below `## Commands`; what follows the path (options) is free."""
    return [match.group(1) for line in section("Commands").splitlines() if (match := _ROW.match(line))]


def test_the_table_of_commands_is_complete_and_has_nothing_else() -> None:
    known = [" ".join(["autossl", *path]) for path, _ in leaves(main)]
    told = commands_of_readme()
    assert sorted(told) == sorted(known)


def test_the_table_of_dns_backends_is_complete_and_has_nothing_else() -> None:
    told = re.findall(r"^\| `([a-z0-9_]+)` \|", section("DNS"), re.MULTILINE)
    assert sorted(told) == sorted(registry.names("dns_backends"))


@pytest.mark.parametrize("name", registry.names("dns_backends"))
def test_the_options_that_set_a_dns_backend_up_are_its_own(name: str) -> None:
    (row,) = re.findall(rf"^\| `{name}` \|.*$", section("DNS"), re.MULTILINE)
    options = {field.name: field for field in dataclasses.fields(registry.load("dns_backends", name).options)}
    _, found, words = row.partition(f"`autossl plugin set {name} ")
    assert found, row
    before, _, secrets = words.partition("--secret-file")
    keys = re.findall(r"([a-z_]+)=", before), re.findall(r"([a-z_]+)=", secrets)
    assert keys[0] and all(not options[key].metadata.get("secret") for key in keys[0])
    assert all(options[key].metadata.get("secret") for key in keys[1])


def test_the_table_of_reliability_states_what_the_soak_printed_and_nothing_else() -> None:
    """`bash tests/run soak --keep` keeps the counts; each part must have been good."""
    printed = json.loads((README.parent / "tests/soak/printed.json").read_text(encoding="utf-8"))
    rows = re.findall(r"^\| `([a-z_]+)` \|.*?\| ([0-9,]+) \| ([0-9,]+) \| (\d+) \| (\d+) \| (\d+) \|$",
                      section("Reliability"), re.MULTILINE)
    told = {name: [int(number.replace(",", "")) for number in numbers] for name, *numbers in rows}
    columns = ("faults", "orders", "lost", "duplicates", "down")
    assert told == {name: [part[column] for column in columns] for name, part in printed.items()}
    assert sorted(told) == sorted(parts()) and all(part["good"] for part in printed.values())


BESIDE = {
    "100 websites x 1 name": "issue",
    "100 websites x 10 names": "issue",
    "1,000 websites, nothing due": "night",
}
"""Tables of the bench that README shows whole, and their parts."""


def test_the_tables_of_speed_say_what_the_bench_kept_and_nothing_else() -> None:
    """`bash tests/run bench --keep` keeps the figures of whole runs."""
    kept, told = printed(), re.findall(r"(?:^\|.*\n)+", section("Speed"), re.MULTILINE)
    expected = [aims_table(kept), *(figures_table(kept[part], name) for name, part in BESIDE.items())]
    assert [table.strip() for table in told] == expected


def test_figures_of_every_part_of_the_bench_were_kept() -> None:
    assert sorted(printed()) == sorted(bench.parts())


def test_the_picture_of_growth_is_drawn_from_what_the_bench_kept() -> None:
    points = [point for part in printed().values() for point in part.points]
    assert GROWTH.read_text(encoding="utf-8") == growth_svg(points)
    assert f"]({GROWTH.relative_to(README.parent)})" in section("Speed")
