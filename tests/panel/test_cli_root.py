"""What only root may do says so in one sentence, before anything is asked or changed."""

from __future__ import annotations

import os

import pytest

from tests.panel.command_line import Line


@pytest.mark.parametrize(
    "words", [["check", "--all"], ["check", "--user", "alice"], ["setup"], ["setup", "--undo"]], ids=" ".join
)
def test_without_root_it_is_one_sentence_and_exit_code_2(
    line: Line, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    answer = line.run(*words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        "autossl: this changes services of the host, which only root may do; run it as root, or with sudo\n"
    )
