"""Lines of ours in a file of somebody else's: marked, found again, taken out; what they replace is kept as comments.

A text is the file's, with "\\n" between lines; what is not ours comes back unchanged, whatever it holds.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

BEGIN = "# >>> AutoSSL Panel: written by it, changes are lost. `autossl setup --undo` puts the former file back."
END = "# <<< AutoSSL Panel"
FORMER = "# former, kept by AutoSSL Panel: "
"""Before each line that ours replace."""


def marked(text: str) -> tuple[str, ...] | None:
    """Our lines in `text`, or None when there are none. Raises ValueError when the marks were damaged."""
    lines = text.split("\n")
    begins, ends = lines.count(BEGIN), lines.count(END)
    if not begins and not ends:
        return None
    if (begins, ends) != (1, 1) or lines.index(BEGIN) > lines.index(END):
        raise ValueError(f"the marks around our lines were changed: expected one {BEGIN!r} before one {END!r}")
    return tuple(lines[lines.index(BEGIN) + 1 : lines.index(END)])


def unmarked(text: str) -> str:
    """`text` without our lines, and with what they had replaced. Raises ValueError as `marked` does."""
    lines = text.split("\n")
    if marked(text) is not None:
        del lines[lines.index(BEGIN) : lines.index(END) + 1]
    return "\n".join(line.removeprefix(FORMER) for line in lines)


def kept(text: str, numbers: Collection[int]) -> str:
    """`text` with the lines of these numbers (from 0) kept as comments."""
    return "\n".join(FORMER + line if at in numbers else line for at, line in enumerate(text.split("\n")))


def at_the_top(text: str, lines: Sequence[str]) -> str:
    return "\n".join([BEGIN, *lines, END, text])


def at_the_end(text: str, lines: Sequence[str]) -> str:
    before = text if not text or text.endswith("\n") else text + "\n"
    return before + "\n".join([BEGIN, *lines, END, ""])
