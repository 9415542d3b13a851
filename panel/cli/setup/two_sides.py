"""The steps of the first minutes on a host whose panel has no root: each is done by the side whose it is.

This process is root's and stays it: it writes services' files and the configuration. All that concerns the instance is
done by its owner, in processes of their own, and comes back as values.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jobs.wiring.asked_apart import asked_apart
from jobs.wiring.first_minutes import found, panel_name
from jobs.wiring.first_minutes.administrator import Administrator
from jobs.wiring.first_minutes.ending import Ending
from jobs.wiring.first_minutes.found import Found
from jobs.wiring.first_minutes.provider import Known, Terms, Used, Wanted
from jobs.wiring.first_minutes.standing import Standing
from jobs.wiring.instance import config_path
from jobs.wiring.root_server import root_instance
from jobs.wiring.setup import setup
from panel.cli.session import Session
from panel.cli.setup.steps import Here


class TwoSides:
    """As `Steps` asks for. `owner`: whose the instance is, or is to be."""

    def __init__(self, directory: Path, owner: pwd.struct_passwd, on_wait: Callable[[], None]) -> None:
        self.directory = directory.absolute()
        self._owner = owner
        self._on_wait = on_wait

    # --- root's

    def found(self) -> Found:
        return found.look(root_instance(self.directory, looking=True))

    def plan(self) -> dict[str, Any]:
        return setup(root_instance(self.directory, looking=True), plan_only=True)

    def write(self) -> dict[str, Any]:
        return setup(root_instance(self.directory), on_wait=self._on_wait)

    def undo(self, plan: bool) -> dict[str, Any]:
        """Take back what `write` wrote, or only show it."""
        done = setup(root_instance(self.directory), undo=True, plan_only=plan, on_wait=self._on_wait)
        return {**done, "still_on": bool(self.standing().provider)}

    def proposed_name(self) -> str:
        return panel_name.proposed()

    def leads_here(self, name: str) -> bool:
        return panel_name.leads_here(name)

    def name_panel(self, name: str) -> bool:
        return panel_name.write(config_path(self.directory), name)

    # --- the owner's

    def standing(self) -> Standing:
        found: Standing = self._apart(lambda steps: steps.standing(), Standing)
        return found

    def make(self) -> bool:
        if not self.directory.exists():
            self.directory.mkdir(parents=True, mode=0o711)
            os.chown(self.directory, self._owner.pw_uid, self._owner.pw_gid)
        return bool(self._apart(lambda steps: steps.make(), bool))

    def administrator(self, name: str, password: str | None) -> Administrator:
        made: Administrator = self._apart(lambda steps: steps.administrator(name, password), Administrator)
        return made

    def link(self, name: str) -> str:
        return str(self._apart(lambda steps: steps.link(name), str))

    def contact(self) -> str:
        return str(self._apart(lambda steps: steps.contact(), str))

    def providers(self) -> tuple[Known, ...]:
        known: tuple[Known, ...] = self._apart(lambda steps: steps.providers(), tuple[Known, ...])
        return known

    def ask(self, wanted: Wanted) -> Terms:
        terms: Terms = self._apart(lambda steps: steps.ask(wanted), Terms)
        return terms

    def use(self, wanted: Wanted, accepted: bool | str) -> Used:
        used: Used = self._apart(lambda steps: steps.use(wanted, accepted), Used)
        return used

    def doctor(self) -> dict[str, Any]:
        told: dict[str, Any] = self._apart(lambda steps: steps.doctor())
        return told

    def ending(self) -> Ending:
        told: Ending = self._apart(lambda steps: steps.ending(), Ending)
        return told

    def end(self, session: Session) -> None:
        made = self.standing().made
        session.become_owner()
        if made:
            session.instance()

    def _apart(self, step: Callable[[Here], Any], answer: Any = None) -> Any:
        return asked_apart(self._owner, lambda: step(Here(Session(self.directory), self._on_wait)), answer)
