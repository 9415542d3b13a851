"""Services, sources and zones of the root side, as the ports of `jobs/ports.py` have them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from jobs import privileged
from jobs.install import Item, Outcome
from jobs.policy.certificate import Certificate
from jobs.policy.failure import Failure
from jobs.policy.file_change import FileChange
from jobs.policy.proof import split_pem
from jobs.policy.site import Account, Website
from jobs.ports import Installed, Place, Record, Served
from jobs.rootside import verbs
from jobs.rootside.client import Conversation
from jobs.rootside.verbs import FoundThere, Seen, ServiceFacts
from jobs.store import FULLCHAIN, KEY

_AT_ONCE, _MOST_NAMES = 200, 10_000
"""Websites in one question, and names of all of them together: a question has its largest size."""

_INSTALLED_AT_ONCE = 1000
"""Each of these questions is a reload of the service."""

T = TypeVar("T")


class RemoteService:
    """A `ServiceTarget` whose every step is done by the root side. It has the abilities that the service has there."""

    def __init__(self, facts: ServiceFacts, place: Place, talk: Conversation) -> None:
        self.name = facts.name
        self.talk = talk
        self._place = place
        self._lock = threading.Lock()
        self._seen: dict[Website, Seen] = {}
        self._anew = False
        """Whether the root side is to read the service's configuration anew at the next question."""
        if facts.holds_several:
            self.release = self._release
        if facts.sets_up:
            self.setup = self._lacking

    def present(self) -> bool:
        return True

    def forget(self) -> None:
        with self._lock:
            self._seen.clear()
            self._anew = True

    def expect(self, websites: Sequence[Website]) -> None:
        """Ask for all of these at once, for they are about to be asked for one by one."""
        missing = [site for site in websites if site not in self._seen]
        for portion in _portions(missing, missing, _AT_ONCE):
            self._ask(portion)

    def concerns(self, website: Website) -> bool:
        return self._of(website).concerns

    def installed(self, website: Website) -> Installed | None:
        return self._of(website).installed

    def install(self, website: Website, certificate: Certificate) -> Sequence[FileChange]:
        """Which files that takes is the root side's to know; `put` has it done."""
        raise NotImplementedError(f"{self.name}: installed on by the root side only")

    def put(self, items: Sequence[Item]) -> list[Outcome]:
        """Step 8, done there. What is installed gets its link here as well, so that its set is known to be in use."""
        outcomes: list[Outcome] = []
        stored: list[verbs.Stored] = []
        for item in items:
            try:
                stored.append(verbs.Stored(item.website, self._stored(item)))
            except (Failure, OSError) as error:
                outcomes.append(self._failed(item, error))
        for portion in _portions(stored, [one.website for one in stored], _INSTALLED_AT_ONCE):
            outcomes += self.talk.ask("install", verbs.Install(self.name, tuple(portion)))
        states = {outcome.website: outcome.state for outcome in outcomes}
        done = [item for item in items if states.get(item.website.main) in ("installed", "waiting")]
        links = [(self._place.link(item.website.main, self.name), item.directory.name) for item in done]
        privileged.publish([FileChange(path, link=target) for path, target in links])
        self.forget()
        return outcomes

    def let_go(self, website: Website) -> None:
        """Have the service present nothing of a part any more."""
        self.talk.ask("release", verbs.Release(self.name, website))
        self.forget()

    def test(self) -> None:
        self.talk.ask("test", verbs.Service(self.name, self._fresh()))

    def reload(self) -> None:
        self.talk.ask("reload", verbs.Service(self.name, self._fresh()))

    def probe(self, website: Website, certificate: Certificate) -> Sequence[Served]:
        answers: Sequence[Served] = self.talk.ask("probe", verbs.Probe(self.name, website, certificate))
        return answers

    def _stored(self, item: Item) -> str:
        """What the root side calls the set, which never changes: it is sent once, for all services."""
        if item.directory not in self.talk.stored:
            chain = split_pem((item.directory / FULLCHAIN).read_bytes())
            sent = verbs.Store(item.website, (item.directory / KEY).read_bytes(), chain)
            self.talk.stored[item.directory] = self.talk.ask("store", sent)
        return self.talk.stored[item.directory]

    def _release(self, website: Website) -> Sequence[FileChange]:
        raise NotImplementedError(f"{self.name}: released by the root side only")

    def _lacking(self) -> Sequence[FileChange]:
        """The files that `autossl setup` would write; with what is for the root side."""
        paths = self.talk.ask("lacking", verbs.Service(self.name, self._fresh()))
        return [FileChange(Path(path)) for path in paths]

    def _of(self, website: Website) -> Seen:
        seen = self._seen.get(website)
        if seen is None:
            self._ask([website])
            seen = self._seen[website]
        if seen.trouble is not None:
            raise seen.trouble.as_failure()
        return seen

    def _ask(self, websites: Sequence[Website]) -> None:
        answers = self.talk.ask("see", verbs.See(self.name, tuple(websites), self._fresh()))
        with self._lock:
            self._seen |= dict(zip(websites, answers, strict=True))

    def _fresh(self) -> bool:
        with self._lock:
            anew, self._anew = self._anew, False
        return anew

    def _failed(self, item: Item, error: Any) -> Outcome:
        failure = error if isinstance(error, Failure) else Failure("store_failed", f"{item.directory}: {error}")
        return Outcome(self.name, item.website.main, "failed", failure.code, failure.detail)


def _portions(things: Sequence[T], websites: Sequence[Website], most: int) -> Iterator[Sequence[T]]:
    """`things`, each of which is about the website at its place, in portions that one question has room for."""
    portion: list[T] = []
    names = 0
    for thing, website in zip(things, websites, strict=True):
        if portion and (len(portion) == most or names + len(website.names) > _MOST_NAMES):
            yield portion
            portion, names = [], 0
        portion.append(thing)
        names += len(website.names)
    if portion:
        yield portion


class RemoteSource:
    """An `AccountSource` that the root side asks."""

    def __init__(self, name: str, talk: Conversation) -> None:
        self.name = name
        self._talk = talk
        self._found: FoundThere | None = None

    def present(self) -> bool:
        return True

    def accounts(self) -> Sequence[Account]:
        return self._all().accounts

    def websites(self) -> Sequence[Website]:
        return self._all().websites

    def remarks(self) -> Sequence[str]:
        return self._all().remarks

    def _all(self) -> FoundThere:
        if self._found is None:
            self._found = self._talk.ask("find", verbs.Source(self.name))
        return self._found


class RemoteBackend:
    """A `DnsBackend` for zones in files that only root may write."""

    def __init__(self, name: str, talk: Conversation) -> None:
        self.name = name
        self._talk = talk

    def active(self) -> bool:
        return True

    def zone_for(self, name: str) -> str | None:
        zone: str | None = self._talk.ask("zone_for", verbs.Name(name))
        return zone

    def add(self, record: Record) -> None:
        self._talk.ask("add_record", record)

    def remove(self, record: Record) -> None:
        self._talk.ask("remove_record", record)
