"""A place for trying `autossl setup`: a fresh directory, no service of this host in reach, and somebody at a terminal.

Tests that use it are marked `e2e` all the same: what they start may write to /etc, so they run on a private host.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

import models
from jobs.wiring import doctor
from jobs.wiring.first_minutes.standing import Standing, standing
from jobs.wiring.instance import now, open_instance
from panel.cli.setup import answers
from tests.panel.command_line import Line, Said

LOOKED = 0.5
NOWHERE = "/nowhere/at/all"
PROGRAMS = {
    "services": {"apache": "binary", "webdisk": "binary", "nginx": "binary", "dovecot": "doveconf", "exim": "binary",
                 "postfix": "postconf"},
    "accounts": {"apache": "binary", "nginx": "binary"},
}


def no_services() -> str:
    """A configuration by which no service is on this host."""
    return "".join(
        f'[{section}.{name}]\n{option} = "{NOWHERE}"\n' for section, all_ in PROGRAMS.items()
        for name, option in all_.items()
    )


@dataclass(frozen=True)
class SetupHost:
    line: Line
    monkeypatch: pytest.MonkeyPatch

    def typed(self, *flags: str, answers_: Sequence[str] = ()) -> Said:
        """`autossl setup` at a terminal, answered line by line; when there is no further line, it is as if the
        terminal were closed."""
        with self.monkeypatch.context() as here:
            here.setattr(answers, "somebody_is_there", lambda: True)
            try:
                return self.line.run("setup", *flags, stdin="".join(f"{one}\n" for one in answers_))
            finally:
                self.close()

    def alone(self, *flags: str) -> Said:
        """The same where nobody can be asked."""
        try:
            return self.line.run("setup", *flags)
        finally:
            self.close()

    def close(self) -> None:
        if models.database.obj is not None and not models.database.is_closed():
            models.database.close()

    @property
    def made(self) -> bool:
        return (self.line.instance / "panel.sqlite3").exists()

    def standing(self) -> Standing:
        opened = open_instance(self.line.instance)
        try:
            return standing(opened, now())
        finally:
            opened.close()


def make(folder: Path, monkeypatch: pytest.MonkeyPatch) -> SetupHost:
    """No resolver answers there, and nobody waits for it: the doctor has a moment only."""
    monkeypatch.setattr(doctor, "examine", partial(doctor.examine, seconds=LOOKED))
    folder.mkdir(mode=0o711)
    (folder / "config.toml").write_text(no_services())
    return SetupHost(Line(folder), monkeypatch)
