"""`autossl setup`: what every service needs once, before the first check; and its exact undoing."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Any

import models
from jobs import install, privileged, queue, unfinished
from jobs.policy.failure import Failure
from jobs.policy.file_change import FileChange
from jobs.policy.finding import Finding
from jobs.ports import Place, ServiceTarget
from jobs.wiring.instance import Instance
from jobs.wiring.kept_files import KeptFiles
from jobs.wiring.leftovers import sweep_leftovers
from jobs.wiring.parts import services

LOCK = "run.lock"
"""Whoever holds it may change what stands on the services: a check, or a setup; never both at once."""


def setup(
    instance: Instance, undo: bool = False, plan_only: bool = False, on_wait: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """Write (or take away) the once-only configuration of every service on this machine, or only show it.

    A service that fails is left as it was and named under "failed"; the others go on. It waits for a check that is
    under way, which would write anew what is taken away here; `on_wait` is called once if it has to.
    """
    act = _undo if undo else _write
    if plan_only:
        return act(instance, plan_only)
    with queue.instance_lock(instance.place.instance / LOCK, on_wait, give_up=lambda: False):
        sweep_leftovers(instance.place)
        unfinished.put_back(instance.place, services(instance))
        return act(instance, plan_only)


def _write(instance: Instance, plan_only: bool) -> dict[str, Any]:
    changes: list[dict[str, str]] = []
    failed: list[dict[str, str]] = []
    keeper = KeptFiles(instance.place).before
    for service in services(instance):
        ability = getattr(service, "setup", None)
        if ability is None:
            continue
        try:
            wanted: Sequence[FileChange] = ability()
            changes += [_shown(service.name, change) for change in wanted]
            if wanted and not plan_only:
                install.apply(service, wanted, instance.place, keeper)
            undone: Sequence[Failure] = getattr(service, "left_undone", tuple)()
            failed += [{"service": service.name, "code": one.code, "text": one.detail} for one in undone]
        except Failure as failure:
            failed.append({"service": service.name, "code": failure.code, "text": failure.detail})
    return {"changes": changes, "failed": failed}


def refresh(place: Place, present: Sequence[ServiceTarget]) -> list[Finding]:
    """What `setup` would write now, where it was agreed to before: websites that were added since need it as well.

    A service that fails is left as it was. Returns what was done, and with a code what could not be.
    """
    told: list[Finding] = []
    agreed = {name for (name,) in models.SetupFile.select(models.SetupFile.service).distinct().tuples()}
    keeper = KeptFiles(place).before
    for service in present:
        ability = getattr(service, "setup", None)
        if ability is None or service.name not in agreed:
            continue
        try:
            wanted: Sequence[FileChange] = ability()
            if wanted:
                install.apply(service, wanted, place, keeper)
                told.append(Finding("", f"{service.name}: set up anew for what was added since: {len(wanted)} files"))
        except Failure as failure:
            told.append(Finding(failure.code, f"{service.name}: setting up what was added since: {failure.detail}"))
    return told


def _undo(instance: Instance, plan_only: bool) -> dict[str, Any]:
    """Put every file outside the instance back, byte for byte; a file that somebody changed since is left."""
    kept = KeptFiles(instance.place)
    back, refused = kept.undoing()
    shown = [
        {"service": name, "path": str(was.path), "action": "restore" if was.existed else "remove", "diff": ""}
        for name, was in back
    ]
    failed = [{"service": name, "code": "changed_since", "text": text} for name, text in refused]
    on = models.Provider.select().where(models.Provider.current).exists()
    if plan_only or not back:
        return {"changes": shown, "failed": failed, "still_on": on}
    formers = [was for _, was in back]
    now = [privileged.former(was.path) for was in formers]
    present = [service for service in services(instance) if service.name in {name for name, _ in back}]
    needed = {path for service in present for path in getattr(service, "read_until_reloaded", tuple)()}
    privileged.restore([was for was in formers if was.path not in needed])
    broken = _tested(present)
    if broken:
        privileged.restore(now)
        return {"changes": [], "failed": [*failed, *broken], "still_on": on}
    privileged.restore([was for was in formers if was.path in needed])
    kept.forget(formers)
    return {"changes": shown, "failed": failed, "still_on": on}


def _tested(present: Sequence[ServiceTarget]) -> list[dict[str, str]]:
    failed = []
    for service in present:
        try:
            service.forget()
            service.test()
            install.reload_if_running(service)
        except Failure as failure:
            failed.append({"service": service.name, "code": failure.code, "text": failure.detail})
    return failed


def _shown(service: str, change: FileChange) -> dict[str, str]:
    """One change for a person: the path, what happens there, and the lines that differ."""
    was = privileged.former(change.path)
    action = "remove" if change.content is None and change.link is None else "change" if was.existed else "create"
    before = (was.content or b"").decode("utf-8", "replace").splitlines()
    after = (change.content or b"").decode("utf-8", "replace").splitlines()
    lines = [] if change.link else list(difflib.unified_diff(before, after, "now", "then", lineterm="", n=1))
    return {
        "service": service,
        "path": str(change.path),
        "action": f"link to {change.link}" if change.link else action,
        "diff": "\n".join(lines[:200]),
    }
