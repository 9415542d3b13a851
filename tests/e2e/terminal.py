"""A command at a real terminal (pty(7)), as a person types into it."""

from __future__ import annotations

import os
import pty
import select
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 90.0
CONTROL_C = "\x03"


@dataclass(frozen=True)
class Typed:
    code: int
    text: str


def typed(words: Sequence[str], answers: Sequence[tuple[str, str]], environment: dict[str, str]) -> Typed:
    """Run `words`; each answer is typed once its question stands on the screen. Raises AssertionError with the whole
    screen when one does not come."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir("/")
        os.execvpe(words[0], list(words), environment)
    screen, seen, left = b"", 0, list(answers)
    ends = time.monotonic() + PATIENCE
    while True:
        readable, _, _ = select.select([terminal], [], [], max(ends - time.monotonic(), 0))
        assert readable, f"waited {PATIENCE:g} s for {left[0][0] if left else 'its end'!r} in:\n{_text(screen)}"
        try:
            read = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
        if not read:
            break
        screen += read
        if left and left[0][0].encode() in screen[seen:]:
            seen = len(screen)
            _wait_until_it_waits(child, ends)
            os.write(terminal, left.pop(0)[1].encode())
    os.close(terminal)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert not left, f"{left[0][0]!r} was never asked in:\n{_text(screen)}"
    return Typed(code, _text(screen))


def _wait_until_it_waits(child: int, ends: float) -> None:
    """A person types when the program listens. Python has a moment between writing a question and waiting for its
    answer in which a Ctrl-C, though it was taken notice of, ends nothing before the next key."""
    while Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] != "S":
        assert time.monotonic() < ends, "it never waited for an answer"
        time.sleep(0.005)


def _text(screen: bytes) -> str:
    return screen.decode("utf-8", "replace").replace("\r", "")
