"""What stands above every tab: provider, running check, next nightly run, and what an administrator must know now.

Read from rows and config.toml; nothing is asked of a CA or a service. Few queries, each answered by an index.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from flask import g
from peewee import fn

import models
from jobs.config import Config, load
from jobs.policy.failure import Failure
from jobs.policy.problems import problem
from jobs.wiring import logs, messages
from jobs.wiring.background import coming, nightly_time
from jobs.wiring.instance import Instance, config_path, now
from jobs.wiring.provider_facts import terms_changed
from panel import work

PROVIDERS, OVERVIEW, OPTIONS = "AutoSSL Providers", "Overview", "Options"

ALERTS: Mapping[str, str] = MappingProxyType(
    {
        "terms_changed": PROVIDERS,
        "account_deactivated": PROVIDERS,
        "account_gone": PROVIDERS,
        "account_key_missing": PROVIDERS,
        "ca_unreachable": PROVIDERS,
        "ca_unavailable": PROVIDERS,
        "ca_rate_limited": PROVIDERS,
        "config_test_failed": OVERVIEW,
        "config_broken_before": OVERVIEW,
    }
)
"""Problems that stop more than one website, and the tab where something can be done."""


@dataclass(frozen=True)
class Banner:
    """`tab`: the title of the tab where something can be done, or empty."""

    level: str
    title: str
    text: str
    tab: str = ""


@dataclass(frozen=True)
class Running:
    """A check that was asked for or is under way. `scope`: `*`, or the accounts."""

    state: str
    """queued | running | stopping"""
    scope: str
    done: int = 0
    total: int = 0
    current: str = ""

    @property
    def version(self) -> str:
        """Changes when what is shown changes."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Header:
    provider: str
    """Empty: AutoSSL is disabled."""
    account: str
    nightly: datetime | None
    """None: no provider, so the nightly check does nothing."""
    banners: tuple[Banner, ...]


def header() -> Header:
    """Of the request under way, read once."""
    if "header" not in g:
        g.header = read(work.instance())
    found: Header = g.header
    return found


def under_way() -> Running | None:
    """The check under way, else the one that waits; read once a request, and apart from the header: most of what a
    panel is asked while a check runs is whether this has changed."""
    if "under_way" not in g:
        g.under_way = running()
    found: Running | None = g.under_way
    return found


def read(instance: Instance) -> Header:
    row = models.Provider.get_or_none(models.Provider.current)
    broken: tuple[Banner, ...] = ()
    config = instance.config
    try:
        config = load(config_path(instance.place.instance))
    except Failure as failure:
        broken = (Banner("bad", problem(failure.code).title, failure.detail),)
    return Header(
        provider="" if row is None else row.name,
        account="" if row is None else row.account_url or "",
        nightly=None if row is None else next_nightly(config),
        banners=(*broken, *_as_root(), *_alerts(row is not None and terms_changed(row)), *_unsent()),
    )


def running() -> Running | None:
    """The check under way, else the one that waits for its turn."""
    run = models.Run.select().where(models.Run.finished_at.is_null()).order_by(models.Run.id.desc()).first()
    if run is not None:
        state = "running" if run.stop_asked_at is None else "stopping"
        return Running(state, run.scope, run.done or 0, run.total or 0, run.current or "")
    entries = models.QueueEntry
    asked = (entries.kind == "check") & entries.state.in_(("queued", "running"))
    row = entries.select(entries.payload).where(asked).order_by(entries.id).first()
    if row is None:
        return None
    accounts = json.loads(row.payload).get("accounts")
    return Running("queued", "*" if accounts is None else ",".join(accounts))


def last_run() -> str:
    """How the latest check that is over ended, in a sentence."""
    run = models.Run.select().where(models.Run.finished_at.is_null(False)).order_by(models.Run.id.desc()).first()
    if run is None:
        return "There was no check yet."
    shown = logs.as_shown(run.start, run)
    words = {"done": "The check is over", "stopped": "The check was stopped"}.get(run.result, "The check ended early")
    return f"{words}: {shown['summary']}." if shown["summary"] else f"{words}."


def next_nightly(config: Config) -> datetime | None:
    """When the next nightly check begins, in UTC: as the clock of this process says, else as it would say."""
    background = work.running_background()
    if background is None:
        return coming(nightly_time(config), datetime.now())
    moment = background.clock.next_nightly()
    return None if moment is None else moment.astimezone(UTC)


def _alerts(new_terms: bool) -> tuple[Banner, ...]:
    """`new_terms`: known also before a website has to wait for them."""
    problems = models.Problem
    counted = fn.COUNT(fn.DISTINCT(problems.website))
    known = problems.code.in_(list(ALERTS)) & models.REAL_PROBLEM  # so that the index alone answers
    query = problems.select(problems.code, counted).where(known)
    found: dict[str, int] = dict(query.group_by(problems.code).tuples())  # type: ignore[arg-type]
    if new_terms:
        found.setdefault("terms_changed", 0)
    return tuple(_banner(code, found[code], tab) for code, tab in ALERTS.items() if code in found)


def _as_root() -> tuple[Banner, ...]:
    """Of a server that does everything in one process (`autossl serve --single`)."""
    if work.running_background() is None or os.geteuid() != 0:
        return ()
    words = "Whoever breaks into this panel has the whole host. Fit for a container or a try-out; for a server, the"
    words += " Debian package has the panel run as a user without rights."
    return (Banner("warn", "Everything runs as root in one process", words),)


def _unsent() -> tuple[Banner, ...]:
    """What is to be told and can't be."""
    row = messages.trouble(now())
    if row is None:
        return ()
    given_up = "was given up" if row.finished_at else f"is tried again at {row.run_after:%Y-%m-%d %H:%M} UTC"
    words = f"{row.answer.rstrip('.')}. The message to {row.recipient or row.channel} {given_up}."
    return (Banner("warn", "Messages can't be sent", words, OPTIONS),)


def _banner(code: str, websites: int, tab: str) -> Banner:
    entry = problem(code)
    level = "warn" if entry.severity == "warning" else "bad"
    many = {0: "", 1: " 1 website waits."}.get(websites, f" {websites} websites wait.")
    return Banner(level, entry.title, f"{entry.text}{many}", tab)
