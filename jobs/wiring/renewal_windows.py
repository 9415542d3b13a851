"""Asks CAs when they would like their certificates renewed (RFC 9773), as often as each of them wants to be asked.

Each certificate is asked about at the provider that issued it, whichever is in use now. A tick asks a bounded number,
for a bounded time; a CA that can't be reached is not asked for each further one.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import groupby

import models
from jobs import renewals
from jobs.abilities import RenewalInfo, tells_renewals
from jobs.policy import ari
from jobs.policy.due import asked_early
from jobs.policy.failure import Failure
from jobs.policy.proof import split_pem
from jobs.renewals import Question
from jobs.store import FULLCHAIN, live_set
from jobs.wiring.instance import Instance, now
from jobs.wiring.provider_rows import bare

MOST = 500
"""Certificates that one tick asks about."""

AT_ONCE = 4
BATCH = 16
SECONDS = 10.0
"""For one question."""

WHOLE = 60.0
"""Seconds after which a tick asks no further; the next one goes on."""

SHOWN = 3
Answer = ari.Suggestion | Failure | None
_log = logging.getLogger("autossl.renewals")


def at_random() -> float:
    return secrets.randbelow(1 << 32) / (1 << 32)


def ask_for_windows(instance: Instance, fraction: Callable[[], float] = at_random) -> None:
    """Ask about every certificate whose time has come. `fraction`: where in a new window the renewal is to be."""
    if models.Provider.get_or_none(models.Provider.current) is None:
        return
    questions = sorted(renewals.due(now(), MOST), key=lambda question: question.provider)
    ends = time.monotonic() + WHOLE
    early: list[tuple[str, ari.Renewal]] = []
    for name, group in groupby(questions, key=lambda question: question.provider):
        for question, answer in _answers(name, _with_ids(instance, list(group)), ends):
            kept = _keep(question, answer, fraction())
            if _newly_early(question, kept):
                early.append((question.website, kept))
    if early:
        _tell(early)


def _with_ids(instance: Instance, questions: Sequence[Question]) -> list[Question]:
    """Those that can be asked. What was stored before ids were kept is read from its file, and asked next time."""
    ready = []
    for question in questions:
        if question.certificate_id is not None:
            ready.append(question)
            continue
        path = live_set(instance.place, question.website, question.certificate.serial) / FULLCHAIN
        try:
            renewals.follow(split_pem(path.read_bytes()), question.provider, None, now())
        except (OSError, Failure, IndexError) as error:
            _log.info("%s: the CA can't be asked about its certificate: %s", question.website, error)
            renewals.give_up(question)
    return ready


def _answers(name: str, questions: Sequence[Question], ends: float) -> Iterator[tuple[Question, Answer]]:
    """What the CA says to each question, as far as the time suffices."""
    provider = _provider(name)
    if provider is None:
        yield from ((question, None) for question in questions)
        return
    outage: Failure | None = None
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for first in range(0, len(questions), BATCH):
            batch = questions[first : first + BATCH]
            if outage is None and time.monotonic() > ends:
                return
            given = [outage] * len(batch) if outage else list(pool.map(partial(_ask, provider), batch))
            yield from zip(batch, given, strict=True)
            if all(isinstance(one, Failure) and one.code in ari.PASSING for one in given):
                outage = next(one for one in given if isinstance(one, Failure))


def _provider(name: str) -> RenewalInfo | None:
    """The plug-in of a provider that there still is, if its CA can be asked."""
    row = models.Provider.get_or_none(models.Provider.name == name)
    if row is None:
        return None
    try:
        provider = bare(row)
    except Failure as failure:
        _log.info("provider %s: %s", name, failure)
        return None
    return provider if tells_renewals(provider) else None


def _ask(provider: RenewalInfo, question: Question) -> Answer:
    try:
        return provider.renewal_info(question.certificate_id or renewals.NO_ID, SECONDS)
    except Failure as failure:
        return failure


def _keep(question: Question, answer: Answer, fraction: float) -> ari.Renewal:
    moment, certificate = now(), question.certificate
    if isinstance(answer, Failure):
        _log.info("%s: %s", question.website, answer)
        kept = ari.after_failure(question.kept, answer.code, answer.retry_at, certificate.not_after, moment)
    elif answer is None:
        kept = ari.not_offered(question.kept, certificate.not_after, moment)
    else:
        kept = ari.after_answer(question.kept, answer, certificate, question.stored_at, fraction, moment)
    renewals.keep(question, kept, moment)
    return kept


def _newly_early(question: Question, kept: ari.Renewal) -> bool:
    """Whether the window is new, and clearly before the usual time."""
    return kept.window != question.kept.window and asked_early(replace(question.certificate, ari_point=kept.point))


def _tell(early: Sequence[tuple[str, ari.Renewal]]) -> None:
    """One line, though a CA may ask for thousands at once."""
    websites = ", ".join(website for website, _ in early[:SHOWN])
    more = f" and {len(early) - SHOWN} more" if len(early) > SHOWN else ""
    urls = ", ".join(dict.fromkeys(kept.url for _, kept in early if kept.url)) or "it doesn't say why"
    _log.warning("%s%s: the CA asks for an early renewal: %s", websites, more, urls)
