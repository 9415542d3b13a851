"""Step 8: make services present stored sets, and prove by handshake that they do.

For each service: its configuration test must pass before anything is touched; links and files are published
together; the test runs again; one reload; one handshake a name. What fails is put back exactly as it stood,
without harm to the other websites of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeGuard

from jobs import privileged, unfinished
from jobs.abilities import HoldsSeveral
from jobs.crash_points import edges
from jobs.loadable import unloadable
from jobs.policy.certificate import Certificate
from jobs.policy.failure import Failure
from jobs.policy.file_change import FileChange, SharedFile
from jobs.policy.site import Website
from jobs.ports import Place, Served, ServiceTarget

PROBES = 8

class ActsElsewhere(ServiceTarget, Protocol):
    """Ability: another process does this step (`jobs/rootside`), which may change the service where this one may not.
    """

    def put(self, items: Sequence[Item]) -> list[Outcome]:
        """As `install` for the items. Raises Failure when that process can't be asked."""

    def let_go(self, website: Website) -> None:
        """As `release`. Raises Failure."""


Keeper = Callable[[str, Sequence[FileChange]], None]
"""Called with a service's name and the changes, before they are published: remembers what stood there first."""


@dataclass(frozen=True, slots=True)
class Item:
    """One website whose stored set (a directory below `live/<website>/`) a service shall present."""

    website: Website
    certificate: Certificate
    directory: Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one website on one service. `state`: installed | waiting (not running) | failed."""

    service: str
    website: str
    state: str
    code: str = ""
    text: str = ""


@dataclass
class _Staged:
    """Items whose files are published, and what stood there before."""

    items: list[Item]
    formers: list[privileged.Former]
    refused: list[Outcome]


def install(service: ServiceTarget, items: Sequence[Item], place: Place, keeper: Keeper) -> list[Outcome]:
    """Install every item on `service`; one outcome an item. Does not raise Failure: a failure is an outcome."""
    if acts_elsewhere(service):
        return service.put(items)
    try:
        service.forget()
        service.test()
    except Failure as failure:
        words = f"its configuration was broken before us, so nothing was touched: {failure.detail}"
        return [_failed(service, item, "config_broken_before", words) for item in items]
    staged = _stage(service, items, place, keeper)
    good, bad = _switch(service, staged)
    if bad and staged.formers:
        bad_sites = {outcome.website for outcome in bad}
        again = [item for item in staged.items if item.website.main not in bad_sites]
        late = _back_out(service, staged.formers)
        good, worse = _second_try(service, again, place, keeper)
        bad = [*bad, *worse, *late]
    if all(outcome.code != "restore_failed" for outcome in bad):
        unfinished.finish(place, service.name)
    return [*good, *bad, *staged.refused]


def apply(service: ServiceTarget, changes: Sequence[FileChange], place: Place, keeper: Keeper) -> None:
    """Publish changes of one service with its test before and after, and a reload. Raises Failure; then all is back."""
    service.test()
    formers = _published(service, changes, place, keeper)
    try:
        service.forget()
        with edges("test configuration"):
            service.test()
        with edges("reload"):
            reload_if_running(service)
    except BaseException:  # a refusal, a bug or a stop: nothing half-done may stay
        privileged.restore(formers)
        service.forget()
        reload_if_running(service)
        unfinished.finish(place, service.name)
        raise
    unfinished.finish(place, service.name)


def release(service: HoldsSeveral, website: Website, place: Place, keeper: Keeper) -> None:
    """Have `service` present nothing of a part any more. Raises Failure; then all is as it was."""
    if acts_elsewhere(service):
        service.let_go(website)
        return
    changes = service.release(website)
    if changes:
        apply(service, changes, place, keeper)


def acts_elsewhere(service: ServiceTarget) -> TypeGuard[ActsElsewhere]:
    """Whether a service has the ability `ActsElsewhere`."""
    return callable(getattr(service, "put", None))


def reload_if_running(service: ServiceTarget) -> None:
    """A service that is stopped reads its configuration when it starts; that is no failure."""
    try:
        service.reload()
    except Failure as failure:
        if failure.code != "service_not_running":
            raise


def _second_try(
    service: ServiceTarget, items: Sequence[Item], place: Place, keeper: Keeper
) -> tuple[list[Outcome], list[Outcome]]:
    """The items that did nothing wrong, once more without the others; whatever fails now is backed out for good."""
    if not items:
        return [], []
    staged = _stage(service, items, place, keeper)
    good, bad = _switch(service, staged)
    if bad:
        bad += _back_out(service, staged.formers)
        bad += [_failed(service, item, bad[0].code, bad[0].text) for item in items if _in(good, item)]
        good = []
    return good, [*bad, *staged.refused]


def _stage(service: ServiceTarget, items: Sequence[Item], place: Place, keeper: Keeper) -> _Staged:
    """Publish the files of `items` and test. A test that fails is narrowed down by halves to the items at fault."""
    staged = _Staged([], [], [])
    changes: dict[Path, FileChange | SharedFile] = {}
    refused = unloadable([item.directory for item in items])
    for item in items:
        try:
            if item.directory in refused:
                raise refused[item.directory]
            own = _changes(service, item, place)
        except Failure as failure:
            staged.refused.append(_failed(service, item, failure.code, failure.detail))
            continue
        staged.items.append(item)
        changes |= {change.path: change for change in own}  # a later change of a file holds the earlier ones
    if not changes:
        return staged
    try:
        whole = [change.change() if isinstance(change, SharedFile) else change for change in changes.values()]
        staged.formers = list(_published(service, _links_first(place, whole), place, keeper))
    except Failure as failure:
        staged.refused += [_failed(service, item, failure.code, failure.detail) for item in staged.items]
        staged.items = []
        return staged
    try:
        with edges("test configuration"):
            service.test()
    except Failure as failure:
        privileged.restore(staged.formers)
        service.forget()
        return _halves(service, staged, failure, place, keeper)
    except BaseException:
        privileged.restore(staged.formers)
        raise
    return staged


def _halves(service: ServiceTarget, staged: _Staged, failure: Failure, place: Place, keeper: Keeper) -> _Staged:
    if len(staged.items) == 1:
        words = f"its configuration test refused the change, which was taken back: {failure.detail}"
        return _Staged([], [], [*staged.refused, _failed(service, staged.items[0], failure.code, words)])
    middle = len(staged.items) // 2
    first = _stage(service, staged.items[:middle], place, keeper)
    second = _stage(service, staged.items[middle:], place, keeper)
    return _Staged(
        first.items + second.items,
        first.formers + second.formers,
        [*staged.refused, *first.refused, *second.refused],
    )


def _published(
    service: ServiceTarget, changes: Sequence[FileChange], place: Place, keeper: Keeper
) -> tuple[privileged.Former, ...]:
    """Publish what can be put back by the next process as well, should this one die in between. Raises Failure."""
    keeper(service.name, changes)
    unfinished.note(place, service.name, changes)
    return privileged.publish(changes)


def _links_first(place: Place, changes: Collection[FileChange]) -> list[FileChange]:
    """A file for several websites names the links of all of them: it must never stand there before they do."""
    return sorted(changes, key=lambda change: not change.path.is_relative_to(place.live))


def _changes(service: ServiceTarget, item: Item, place: Place) -> list[FileChange | SharedFile]:
    """The link to the set, if it points elsewhere, then what the service itself needs. Raises Failure."""
    link = place.link(item.website.main, service.name)
    own = list(service.install(item.website, item.certificate))
    if link.is_symlink() and link.readlink().name == item.directory.name:
        return own
    return [FileChange(link, link=item.directory.name), *own]


def _switch(service: ServiceTarget, staged: _Staged) -> tuple[list[Outcome], list[Outcome]]:
    """Reload once and probe every item; returns (good, bad)."""
    try:
        return _reloaded_and_proved(service, staged.items)
    except BaseException:  # a bug or a stop: nothing half-done may stay
        privileged.restore(staged.formers)
        raise


def _reloaded_and_proved(service: ServiceTarget, items: Sequence[Item]) -> tuple[list[Outcome], list[Outcome]]:
    if not items:
        return [], []
    try:
        with edges("reload"):
            service.reload()
    except Failure as failure:
        if failure.code != "service_not_running":
            return [], [_failed(service, item, failure.code, failure.detail) for item in items]
        words = "it is not running; it will present the certificate when it starts"
        return [Outcome(service.name, item.website.main, "waiting", failure.code, words) for item in items], []
    with ThreadPoolExecutor(min(PROBES, len(items))) as pool:
        outcomes = list(pool.map(lambda item: _proved(service, item), items))
    good = [outcome for outcome in outcomes if outcome.state == "installed"]
    return good, [outcome for outcome in outcomes if outcome.state != "installed"]


def _proved(service: ServiceTarget, item: Item) -> Outcome:
    try:
        with edges("probe"):
            served = service.probe(item.website, item.certificate)
    except Failure as failure:
        return _failed(service, item, failure.code, failure.detail)
    wrong = [answer for answer in served if answer.fingerprint != item.certificate.fingerprint]
    if wrong:
        return _failed(service, item, "probe_failed", _words(wrong, item.certificate))
    names = sorted({answer.endpoint.sni for answer in served})
    ports = sorted({answer.endpoint.port for answer in served})
    count = "1 name" if len(names) == 1 else f"{len(names)} names"
    text = f"{count} on port {', '.join(map(str, ports))}" if served else "nothing to probe"
    return Outcome(service.name, item.website.main, "installed", text=text)


def _words(wrong: Sequence[Served], certificate: Certificate) -> str:
    first = wrong[0]
    found = first.detail if first.leaf is None else f"{first.endpoint}: another certificate was served"
    more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return f"{found}{more}; expected serial {certificate.serial}. The former state was put back"


def _back_out(service: ServiceTarget, formers: Sequence[privileged.Former]) -> list[Outcome]:
    """Put everything back and reload; a failure here is reported as its own outcome."""
    try:
        privileged.restore(formers)
        service.forget()
        reload_if_running(service)
    except Failure as failure:
        return [Outcome(service.name, "", "failed", failure.code, failure.detail)]
    return []


def _in(outcomes: Sequence[Outcome], item: Item) -> bool:
    return any(outcome.website == item.website.main for outcome in outcomes)


def _failed(service: ServiceTarget, item: Item, code: str, text: str) -> Outcome:
    return Outcome(service.name, item.website.main, "failed", code, text)
