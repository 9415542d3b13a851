"""Lines of ours in other people's files are found again, and everything else comes back as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.policy.marked_lines import BEGIN, END, FORMER, at_the_end, at_the_top, kept, marked, unmarked

LINES = st.lists(st.text(st.characters(exclude_characters="\n")).filter(lambda line: not line.startswith("# ")))


@given(LINES, st.sets(st.integers(0, 20)))
def test_what_was_kept_and_marked_comes_back(lines: list[str], numbers: set[int]) -> None:
    text = "\n".join(lines)
    assert unmarked(at_the_top(kept(text, numbers), ["a = b"])) == text
    back = unmarked(at_the_end(kept(text, numbers), ["a = b"]))
    assert back in (text, text + "\n")


@given(LINES)
def test_marking_twice_is_marking_once(lines: list[str]) -> None:
    for put in (at_the_top, at_the_end):
        once = put(kept("\n".join(lines), {0}), ["a = b"])
        assert put(kept(unmarked(once), {0}), ["a = b"]) == once
        assert marked(once) == ("a = b",)


def test_a_file_without_marks_has_nothing_of_ours() -> None:
    assert marked("a\nb\n") is None and unmarked("a\nb\n") == "a\nb\n"


@pytest.mark.parametrize("text", [BEGIN, END, f"{END}\n{BEGIN}", f"{BEGIN}\n{BEGIN}\n{END}", f"{BEGIN}\n{END}\n{END}"])
def test_damaged_marks_are_said(text: str) -> None:
    with pytest.raises(ValueError, match="marks"):
        unmarked(text)


def test_only_the_lines_that_ours_replace_become_comments() -> None:
    assert kept("a\nb\nc", {1}) == f"a\n{FORMER}b\nc"
