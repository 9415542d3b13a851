"""What the root side does for each verb of `jobs/rootside/verbs.py`, on its own directory, by its own configuration.

The steps are those of a host with one process: the services, `install`, `setup`, kept files and unfinished changes.
Before any of them stands `jobs/policy/root_contract.py`, and what this host's own web servers say now. Whatever changes
something reads everything anew, and shares nothing with questions that are asked meanwhile.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import models
from jobs import install, privileged, queue, unfinished
from jobs.abilities import holds_several
from jobs.install import Item, Outcome
from jobs.policy import root_contract
from jobs.policy.failure import Failure
from jobs.policy.finding import Finding
from jobs.policy.journal import one_line
from jobs.policy.root_contract import Known
from jobs.policy.site import Website
from jobs.ports import Place, Record, Served, ServiceTarget
from jobs.rootside import verbs
from jobs.rootside.verbs import FoundThere, Hello, OthersThere, Seen, ServiceFacts, Standing, Told
from jobs.wiring import root_sets, root_zones, setup
from jobs.wiring.instance import complete
from jobs.wiring.kept_files import KeptFiles, standing
from jobs.wiring.leftovers import sweep_leftovers
from jobs.wiring.parts import key_group, sources, zones
from jobs.wiring.root_host import FRESH, RECENT, RootHost
from jobs.wiring.root_trust import replaced

BETWEEN_DEMANDS = 60.0
"""Seconds: a service is not reloaded more often than that on mere demand."""

MOST_AT_ONCE = 1000
"""Websites in one question."""

SHOWN = 20
_log = logging.getLogger("autossl.root")


class RootVerbs:
    """One conversation, which remembers what services say of websites."""

    def __init__(self, token: str, host: RootHost) -> None:
        self._token, self._host = token, host
        self._reading = threading.Lock()

    def act(self, verb: str, words: Any) -> Any:
        done: Callable[[Any], Any] = getattr(self, f"_do_{verb}")
        if not verbs.VERBS[verb].changes:
            return done(words)
        lock = self._place.instance / setup.LOCK
        with models.database.connection_context(), queue.instance_lock(lock, lambda: None, give_up=lambda: False):
            return done(words)

    # --- questions

    def _do_hello(self, words: verbs.NoWords) -> Hello:
        complete(self._place)
        facts = [
            ServiceFacts(name, holds_several(one), hasattr(one, "setup")) for name, one in self._services.items()
        ]
        here = tuple(source.name for source in sources(self._host.instance))
        return Hello(verbs.PROTOCOL, self._token, tuple(facts), here, bool(zones(self._host.instance)))

    def _do_find(self, words: verbs.Source) -> FoundThere:
        with self._host.programs():
            found = self._host.find(words.source)
        return FoundThere(found.accounts, found.websites, found.remarks)

    def _do_see(self, words: verbs.See) -> tuple[Seen, ...]:
        _refuse_crowd(words.websites)
        with self._reading, self._host.programs():
            known = self._host.known(FRESH if words.forget else RECENT)
            service = self._service(words.service, words.forget)
            return tuple(self._seen(service, website, known) for website in words.websites)

    def _seen(self, service: ServiceTarget, asked: Website, known: Known) -> Seen:
        try:
            website = _concerned(service, root_contract.accepted(asked, known), known)
            if website is None or not service.concerns(website):
                return Seen(False, None)
            return Seen(True, service.installed(website))
        except Failure as failure:
            return Seen(True, None, Told.of(failure))

    def _do_probe(self, words: verbs.Probe) -> Sequence[Served]:
        known = self._host.known(RECENT)
        service = self._service(words.service)
        website = _concerned(service, root_contract.accepted(words.website, known), known)
        if website is None:
            return ()
        own = root_contract.own_names(website, words.certificate, known)
        return tuple(service.probe(website, replace(words.certificate, names=own))) if own else ()

    def _do_others(self, words: verbs.NoWords) -> OthersThere:
        others = privileged.other_clients()
        return OthersThere(others.found, others.kept)

    def _do_test(self, words: verbs.Service) -> None:
        with self._reading, self._host.programs():
            self._service(words.service, words.forget).test()

    def _do_written(self, words: verbs.NoWords) -> tuple[Standing, ...]:
        with models.database.connection_context():
            return tuple(Standing(*one) for one in standing())

    def _do_lacking(self, words: verbs.Service) -> tuple[str, ...]:
        with self._reading, self._host.programs():
            ability = getattr(self._service(words.service, True), "setup", None)
            return () if ability is None else tuple(str(change.path) for change in ability())

    def _do_zone_for(self, words: verbs.Name) -> str | None:
        with self._reading, self._host.programs():
            return root_zones.zone_for(self._zones, words.name)

    # --- changes

    def _do_reload(self, words: verbs.Service) -> None:
        service, now = self._fresh(words.service), time.monotonic()
        since = now - self._host.asked.get(service.name, -BETWEEN_DEMANDS)
        if since < BETWEEN_DEMANDS:
            words = f"it was reloaded {since:.0f} s ago; again after {BETWEEN_DEMANDS:g} s"
            raise root_contract.refused(f"{service.name}: {words}")
        service.test()
        self._host.wait_for_reload(service.name)
        self._host.asked[service.name] = now
        _log.info("%s: reloaded, because it was asked for", service.name)
        service.reload()

    def _do_store(self, words: verbs.Store) -> str:
        known = self._host.known(RECENT)
        website = root_contract.accepted(words.website, known)
        moment = self._host.clock()
        trust = self._host.trust
        return root_sets.take(self._place, website, words.privkey, words.chain, known, trust, moment, self._key_group)

    def _do_install(self, words: verbs.Install) -> tuple[Outcome, ...]:
        _refuse_crowd(words.items)
        service, known = self._fresh(words.service), self._host.known(FRESH)
        items: dict[str, Item] = {}
        outcomes = []
        for one in words.items:
            try:
                item = self._item(service, one, known)
                if item.website.main in items:
                    raise root_contract.refused(f"{item.website.main}: it was named twice")
                items[item.website.main] = item
            except Failure as failure:
                main = one.website.names[0] if one.website.names else ""
                outcomes.append(Outcome(service.name, main, "failed", failure.code, failure.detail))
        if items:
            self._host.wait_for_reload(service.name)
            outcomes += install.install(service, list(items.values()), self._place, self._keeper)
        for main in items:
            self._retire(main)
        _say(service.name, outcomes)
        return tuple(outcomes)

    def _item(self, service: ServiceTarget, asked: verbs.Stored, known: Known) -> Item:
        """Raises Failure for what may not be installed, or not there."""
        website = root_contract.accepted(asked.website, known)
        concerned = _concerned(service, website, known)
        if concerned is None:
            raise root_contract.refused(f"{website.main}: {service.name} has no website of that name on this host")
        moment = self._host.clock()
        directory, certificate, chain = root_sets.kept(
            self._place, website, asked.serial, known, self._host.trust, moment, self._key_group
        )
        there = replaced(service, concerned, certificate, known, self._place)
        self._host.trust.refuse_worse(website.main, chain, there, moment)
        return Item(concerned, certificate, directory)

    def _do_release(self, words: verbs.Release) -> bool:
        service, known = self._fresh(words.service), self._host.known(FRESH)
        part = root_contract.accepted(words.website, known)
        if part.part_of is None or not holds_several(service):
            raise root_contract.refused(f"{service.name}: only a part of a website is let go of, got {part.main}")
        self._host.trust.refuse_loss(service, part, known, self._host.clock())
        if service.release(part):
            service.forget()
            self._host.wait_for_reload(service.name)
            install.release(service, part, self._place, self._keeper)
        return True

    def _do_refresh(self, words: verbs.NoWords) -> tuple[Finding, ...]:
        return tuple(setup.refresh(self._place, list(self._host.services().values())))

    def _do_recover(self, words: verbs.NoWords) -> tuple[Finding, ...]:
        sweep_leftovers(self._place)
        return tuple(unfinished.put_back(self._place, list(self._host.services().values())))

    def _do_forget(self, words: verbs.Name) -> bool:
        return root_sets.forget(self._place, words.name, self._host.known(FRESH))

    def _do_add_record(self, words: Record) -> None:
        root_zones.add(zones(self._host.instance), words, self._host.wait_for_change)

    def _do_remove_record(self, words: Record) -> None:
        root_zones.remove(zones(self._host.instance), words, self._host.wait_for_change)

    # --- what this host has

    @property
    def _place(self) -> Place:
        return self._host.place

    @cached_property
    def _services(self) -> dict[str, ServiceTarget]:
        return self._host.services()

    @cached_property
    def _zones(self) -> Any:
        return zones(self._host.instance)

    @cached_property
    def _key_group(self) -> int | None:
        return key_group(list(self._services.values()))

    @cached_property
    def _keeper(self) -> install.Keeper:
        return KeptFiles(self._place).before

    def _service(self, name: str, anew: bool = False) -> ServiceTarget:
        """That of this conversation."""
        service = self._services.get(name)
        if service is None:
            raise root_contract.refused(f"{name[:40]!r}: there is no such service on this host")
        if anew:
            service.forget()
        return service

    def _fresh(self, name: str) -> ServiceTarget:
        """One of its own for a change: a question at the same time makes it forget nothing that it has planned. This
        conversation's own is to see the change afterwards."""
        self._service(name)
        del self._services
        service = self._host.services().get(name)
        if service is None:
            raise root_contract.refused(f"{name[:40]!r}: it is not on this host any more")
        return service

    def _retire(self, main: str) -> None:
        try:
            root_sets.retire(self._place, main)
        except Failure as failure:  # they stay for now, and what was installed counts
            _log.warning("%s", failure.detail)


def _concerned(service: ServiceTarget, website: Website, known: Known) -> Website | None:
    """The website as the service has to do with it; None if it has not. One that presents a certificate a website is a
    web server, which knows its own names; the others go by the names of certificates."""
    return website if holds_several(service) else root_contract.in_vhosts(website, known)


def _say(service: str, outcomes: Sequence[Outcome]) -> None:
    """A few of them each, and the others as a number."""
    failed = [one for one in outcomes if one.state == "failed"]
    _log.info("%s: %d installed, %d failed", service, len(outcomes) - len(failed), len(failed))
    for one in failed[:SHOWN]:
        _log.warning("%s: %s: %s", service, one_line(one.website)[:253] or "-", one.code)


def _refuse_crowd(websites: Sequence[Any]) -> None:
    if len(websites) > MOST_AT_ONCE:
        raise root_contract.refused(f"{len(websites)} websites in one question, of which {MOST_AT_ONCE} are taken")
