"""The first minutes, from what is found to the panel's address: asks, does, says.

What is done is done step by step, each whole or not at all, and each kept whatever becomes of the next: who stops, or
whose CA can't be reached, runs it again and goes on from there.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import click

from jobs.policy.failure import Failure
from jobs.wiring.first_minutes.provider import Wanted
from jobs.wiring.first_minutes.standing import Standing
from panel.cli.output import Answer, plain
from panel.cli.setup import words
from panel.cli.setup.answers import Answers, Manner
from panel.cli.setup.steps import Steps

LATER = "To choose one later: autossl provider use NAME --accept-terms, or `autossl setup` again."


class Conversation:
    """One run. `quiet`: nothing is printed on the way, for the answer is JSON. `said`: what was answered, by the names
    of the flags that would have said the same."""

    def __init__(self, steps: Steps, standing: Standing, answers: Answers, quiet: bool) -> None:
        self._steps = steps
        self._standing = standing
        self._answers = answers
        self._quiet = quiet
        self._texts: list[str] = []
        self._done: list[str] = []
        self._ok = True
        self._data: dict[str, Any] = {}
        self.said: dict[str, Any] = {}

    def plan(self) -> Answer:
        """What would be done; nothing is."""
        found, plan, answers = self._steps.found(), self._steps.plan(), self._answers
        wanted = answers.provider(self._steps.providers) if answers.wants_provider else None
        name = wanted.directory or wanted.name if wanted else ""
        hostname = answers.hostname(self._steps.proposed_name)
        administrator = answers.administrator()
        also = words.also(self._standing, administrator, hostname, name, self._steps.directory)
        texts = [words.found(found), words.services(plan, undo=False, plan=True), also]
        data = {
            **plan, "found": asdict(found), "instance": self._instance(not self._standing.made),
            "administrator": administrator, "hostname": hostname, "provider": name,
        }
        return Answer(data, "\n\n".join(text for text in texts if text), not plan["failed"])

    def hold(self) -> Answer:
        """Ask, do and say everything. Raises click.Abort when it is stopped, once it is said what was done by then."""
        try:
            if not self._begin():
                return Answer(self._data, "Nothing was changed.")
            self._services()
            self._administrator()
            self._hostname()
            self._provider()
            return self._end()
        except (KeyboardInterrupt, click.Abort):
            click.echo(f"\n{words.stopped(self._done)}", err=True)
            raise click.Abort from None

    @property
    def _alone(self) -> bool:
        """Nobody reads along, and nothing is done but what flags say."""
        return self._answers.how is Manner.ONLY_SAID

    def _begin(self) -> bool:
        """Show what is there and what would be written; whether to go on."""
        if self._alone:
            return True
        if self._answers.asked:
            self._tell(words.BEGIN)
        found = self._steps.found()
        self._data["found"] = asdict(found)
        self._tell(words.found(found))
        if not self._answers.asked:
            return True
        plan = self._steps.plan()
        self._tell(words.planned(plan, self._standing.made, self._steps.directory))
        if self._standing.made and not plan["changes"]:
            return True
        self._data |= {**plan, "changes": []}

        def show() -> None:
            for text in words.differences(plan):
                self._tell(text)

        return self._answers.write(show, bool(plan["changes"]))

    def _services(self) -> None:
        created = not self._standing.made and self._steps.make()
        if created:
            self._done.append(f"the installation {self._steps.directory}")
        try:
            result = self._steps.write()
        except KeyboardInterrupt:
            self._done.append("what services were given until then, to each all or nothing")
            raise
        self._data |= {**result, "instance": self._instance(created)}
        self._ok = not result["failed"]
        if result["changes"]:
            self._done.append("the services' files")
        if not self._answers.asked:
            self._tell(words.services(result, undo=False, plan=False))
        elif result["changes"] or result["failed"]:
            self._tell(words.written(result))

    def _administrator(self) -> None:
        name, stands = self._answers.administrator(), self._standing
        if name is None:
            self._tell_of_unused(self._answers.flags.admin, stands.administrator)
            return
        made = self._steps.administrator(name, self._answers.password)
        self._standing = replace(stands, made=True, administrator=made.name, password=made.password)
        self._done.append(f"the administrator {made.name}")
        self.said["admin"] = made.name

    def _tell_of_unused(self, asked: str | None, administrator: str) -> None:
        """There is an administrator already, so what flags say of one has no effect."""
        if asked and asked != administrator:
            self._tell(f"{plain(administrator)} is the administrator already; another one: autossl admin add {asked}")
        if self._answers.password is not None:
            self._tell(f"The password stays as it is; a new one: autossl admin reset-password {plain(administrator)}")

    def _hostname(self) -> None:
        name = self._answers.hostname(self._steps.proposed_name)
        if not name:
            return
        try:
            if self._steps.name_panel(name):
                self._done.append("the panel's name")
        except Failure as failure:
            self._fail("hostname_error", failure, "The panel's name was not written.")
            return
        self._standing = replace(self._standing, hostname=name)
        self.said["hostname"] = name
        if not self._steps.leads_here(name):
            self._tell(f"{name} does not lead to this host yet: its DNS has to, for the panel to be opened by it.")

    def _provider(self) -> None:
        if not self._answers.wants_provider:
            return
        wanted = self._answers.provider(self._steps.providers)
        if wanted is None:
            self._tell(LATER)
            return
        self.said |= {"provider": wanted.name, "directory": wanted.directory or None}
        try:
            self._register(wanted)
        except Failure as failure:
            self._fail("provider_error", failure, f"No CA is in use; everything else stays as it is. {LATER}")

    def _register(self, wanted: Wanted) -> None:
        """Ask the CA for its terms, then the person, then register. Raises Failure."""
        terms = self._steps.ask(wanted)
        contact = wanted.contact or self._answers.contact(self._steps.contact())
        wanted = replace(wanted, contact=contact, eab=self._answers.eab(terms))
        accepted = self._answers.terms(terms)
        if accepted is False:
            self._tell(f"Not agreed, so nothing was registered, and no CA is in use. {LATER}")
            return
        used = self._steps.use(wanted, accepted)
        self._standing = replace(self._standing, provider=used.name, test=used.test, registered=True)
        self._done.append(f"the account at {used.title}")
        self._data["provider"] = asdict(used)
        self.said |= {"contact": contact or None, "accept_terms": True}
        self._tell(f"Registered at {plain(used.title)}; AutoSSL uses it now.")

    def _end(self) -> Answer:
        """The doctor, and where everything is; where nobody reads along, only what was done."""
        stands, ending = self._standing, self._steps.ending()
        self._data |= {
            "administrator": stands.administrator, "hostname": stands.hostname, "panel": asdict(ending),
        }
        if self._alone and not self.said:
            return self._answer([])
        if not (self._alone or self._answers.flags.no_doctor):
            if not self._quiet:
                click.echo("Looking at everything ...\n", err=True)
            self._data["doctor"] = self._steps.doctor()
            self._tell(words.doctor(self._data["doctor"], ending.serving))
        link = self._steps.link(stands.administrator) if self._needs_link() else ""
        if link:
            self._data["link"] = link
        until = "" if stands.password or stands.link_until is None else f"{stands.link_until:%Y-%m-%d %H:%M} UTC"
        return self._answer([
            words.last(ending, stands.administrator, link, until),
            words.following(self._steps.directory, stands.provider, stands.test),
        ])

    def _needs_link(self) -> bool:
        """Where somebody reads along a fresh one is made as long as there is no password; elsewhere only if none is
        out, for somebody may hold it."""
        stands = self._standing
        if stands.password or not stands.administrator or (self._alone and "admin" not in self.said):
            return False
        return self._answers.asked or stands.link_until is None

    def _answer(self, texts: list[str]) -> Answer:
        return Answer(self._data, "\n\n".join([*self._texts, *texts]), self._ok)

    def _instance(self, created: bool) -> dict[str, Any]:
        return {"directory": str(self._steps.directory), "created": created}

    def _fail(self, key: str, failure: Failure, words: str) -> None:
        self._ok = False
        self._data[key] = {"code": failure.code, "text": failure.detail}
        self._tell(f"{plain(failure.detail)}\n{words}")

    def _tell(self, text: str) -> None:
        """At once where somebody reads along, else with the answer."""
        if self._quiet or self._alone:
            self._texts.append(text)
        else:
            click.echo(f"{text}\n")
