"""What the conversation has done for it: the steps of `jobs.wiring.first_minutes`, in this process and as this user."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import models
from jobs.config import load
from jobs.wiring import discovery, doctor
from jobs.wiring.first_minutes import administrator, ending, found, panel_name, provider, standing
from jobs.wiring.first_minutes.administrator import Administrator
from jobs.wiring.first_minutes.ending import Ending
from jobs.wiring.first_minutes.found import Found
from jobs.wiring.first_minutes.provider import Known, Terms, Used, Wanted
from jobs.wiring.first_minutes.standing import Standing
from jobs.wiring.instance import config_path, create, now
from jobs.wiring.setup import setup

if TYPE_CHECKING:
    from jobs.wiring.instance import Instance
    from panel.cli.session import Session


class Steps(Protocol):
    """Each step by itself: another implementation may do each in another process, as the user who may do it. Values in
    and out are plain. Each raises Failure; see the functions of the same names in `jobs.wiring.first_minutes`."""

    directory: Path
    """Of the installation."""

    def standing(self) -> Standing:
        """What there is already."""

    def found(self) -> Found:
        """What is on this host."""

    def plan(self) -> dict[str, Any]:
        """What `write` would write, by `jobs.wiring.setup.setup`."""

    def make(self) -> bool:
        """Make the instance; False: it was there."""

    def write(self) -> dict[str, Any]:
        """Write the services' files; the instance is made."""

    def undo(self, plan: bool) -> dict[str, Any]:
        """Take back what `write` wrote, or only show it."""

    def proposed_name(self) -> str:
        """A name under which the panel may be opened; empty: none leads here."""

    def leads_here(self, name: str) -> bool:
        """Whether a name leads to this host."""

    def name_panel(self, name: str) -> bool:
        """Have the configuration say it; False: it says so already."""

    def administrator(self, name: str, password: str | None) -> Administrator:
        """Make the first administrator."""

    def link(self, name: str) -> str:
        """A fresh link by which the administrator chooses the password."""

    def contact(self) -> str:
        """The mail address for CAs that the configuration has."""

    def providers(self) -> tuple[Known, ...]:
        """The CAs to choose from."""

    def ask(self, wanted: Wanted) -> Terms:
        """What a CA asks for now."""

    def use(self, wanted: Wanted, accepted: bool | str) -> Used:
        """Register there, and take certificates from it."""

    def doctor(self) -> dict[str, Any]:
        """Discover the websites, and look at everything, as `jobs.wiring.doctor.examine` promises."""

    def ending(self) -> Ending:
        """Where the panel is."""

    def end(self, session: Session) -> None:
        """Nothing more is asked of these steps; the command's own entry in the audit log is to be written."""


class Here:
    """Everything in this process. The instance stays open until the command ends."""

    def __init__(self, session: Session, on_wait: Callable[[], None]) -> None:
        self.directory = session.directory.absolute()
        self._session = session
        self._on_wait = on_wait
        self._opened: Instance | None = None

    def standing(self) -> Standing:
        if not standing.is_made(self.directory):
            return standing.bare(config_path(self.directory))
        return standing.standing(self._instance(), now())

    def found(self) -> Found:
        return found.look(self._as_it_is())

    def plan(self) -> dict[str, Any]:
        return setup(self._as_it_is(), plan_only=True)

    def make(self) -> bool:
        created = create(self.directory)
        models.database.close()  # it is opened as every command opens it
        return created

    def write(self) -> dict[str, Any]:
        return setup(self._instance(), on_wait=self._on_wait)

    def undo(self, plan: bool) -> dict[str, Any]:
        return setup(self._instance(), undo=True, plan_only=plan, on_wait=self._on_wait)

    def proposed_name(self) -> str:
        return panel_name.proposed()

    def leads_here(self, name: str) -> bool:
        return panel_name.leads_here(name)

    def name_panel(self, name: str) -> bool:
        config = config_path(self.directory)
        changed = panel_name.write(config, name)
        self._opened = replace(self._instance(), config=load(config))
        return changed

    def administrator(self, name: str, password: str | None) -> Administrator:
        self._instance()
        return administrator.administrator(name, password)

    def link(self, name: str) -> str:
        return administrator.link(self._instance().config.panel, name)

    def contact(self) -> str:
        return self._instance().config.check.contact

    def providers(self) -> tuple[Known, ...]:
        return provider.known(self._instance())

    def ask(self, wanted: Wanted) -> Terms:
        self._instance()
        return provider.ask(wanted)

    def use(self, wanted: Wanted, accepted: bool | str) -> Used:
        return provider.use(self._instance(), wanted, accepted)

    def doctor(self) -> dict[str, Any]:
        discovery.discover(self._instance())
        return doctor.examine(self._instance())

    def ending(self) -> Ending:
        return ending.ending(self._instance())

    def end(self, session: Session) -> None:
        """The instance is open, if there is one."""

    def _as_it_is(self) -> Instance:
        """For looking only: made or not."""
        if standing.is_made(self.directory):
            return self._instance()
        return found.unmade(self.directory, config_path(self.directory))

    def _instance(self) -> Instance:
        if self._opened is None:
            self._opened = self._session.instance()
        return self._opened
