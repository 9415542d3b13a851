"""Files as they shall be: what a service, or the setup, wants written, and who writes it is told by values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FileChange:
    """One file as it shall be. `content` None removes it; `link` makes it a symlink to that target instead.

    `mode` applies to regular files; an existing file's owner and mode are kept when `mode` is None.
    """

    path: Path
    content: bytes | None = None
    link: str | None = None
    mode: int | None = None


@dataclass(frozen=True)
class SharedFile:
    """A file of ours that says something of many websites: made once, when those of a run are all planned."""

    path: Path
    render: Callable[[], bytes]
    """What it shall hold by then."""

    mode: int | None = None

    def change(self) -> FileChange:
        return FileChange(self.path, self.render(), mode=self.mode)
