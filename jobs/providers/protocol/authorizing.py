"""Proving control of an order's names (RFC 8555 section 7.5): challenges presented, answered, and waited for."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from jobs.crash_points import edges
from jobs.policy.failure import Failure
from jobs.policy.persist import Offer
from jobs.policy.redirects import printable
from jobs.ports import OrderRequest, Pending, Solver, Waits
from jobs.providers.protocol.order import (
    Authorization,
    Challenge,
    Order,
    checked_token,
    parse_authorization,
)
from jobs.providers.protocol.polls import LEFT_STANDING, PASSING, Polls
from jobs.providers.protocol.problem import Answer
from jobs.providers.protocol.refusals import all_of, kept_for_later, refused_name
from jobs.providers.protocol.signed import Signed
from jobs.providers.protocol.wire import RETRY_WAITS

ORDER_LOOKS = 3
"""How often the order is looked at, one request for all its names, before each authorization is."""

FAR = 0.05
"""Seconds of one request beyond which the CA is far, so that most of an order's time would be spent on the way."""
AT_ONCE = 4
"""Requests of one order to a CA that is far."""

T = TypeVar("T")
Answered = tuple[Authorization, Challenge, Solver]


class Authorizing:
    """The names of one order. Made for a single use, by one thread at a time."""

    def __init__(
        self, ca: Signed, thumbprint: str, request: OrderRequest, solvers: Mapping[str, Solver], polls: Polls
    ) -> None:
        self._ca = ca
        self._thumbprint = thumbprint
        self._request = request
        self._solvers = solvers
        self._polls = polls
        self.persist: Offer | None = None
        """How the CA offered dns-persist-01, if it did."""
        self._told = False
        """Whether the CA was told to look at one of the answers at least."""

    def authorize(self, order: Order, presented: ExitStack) -> Waits[Order | Pending]:
        """Present and answer a challenge for every authorization that is not valid yet, then wait for all."""
        waiting = yield from self._present(order, presented)
        try:
            pending = [(one, challenge) for one, challenge, _ in waiting if challenge.status == "pending"]
            told = yield from at_once([self._tell(*each) for each in pending])
            for each, failure in zip(pending, told, strict=True):
                yield from self._tell_again(*each, failure)
            self._told = bool(waiting)  # those that are not pending were told before
            return (yield from self._await_all(waiting))
        except Failure as failure:
            if self._told and failure.code in (*PASSING, "ca_rate_limited"):
                with suppress(Failure):  # what it is told after that is no better reason
                    yield LEFT_STANDING
            raise

    def _await_all(self, waiting: Sequence[Answered]) -> Waits[Order | Pending]:
        """The order says for all of its names at once that they are valid, or that one is not. Then, and where it is
        slow to say so, each authorization tells of its own; the others are waited for, so that every refusal is known.
        """
        self._polls.came_forward()
        looks, name = itertools.count(1), self._request.names[0]
        looked = yield from self._polls.order(
            self._ca, name, "pending", lambda now: now.status != "pending" or next(looks) == ORDER_LOOKS
        )
        if isinstance(looked, Pending) or looked.status not in ("pending", "invalid"):
            return looked
        refused: list[Failure] = []
        parked: Pending | None = None
        for authorization, challenge, _ in waiting:
            with kept_for_later(refused):
                parked = (yield from self._await(authorization, challenge.kind)) or parked
        if refused:
            raise all_of(refused)
        if parked is not None:
            return parked
        return (yield from self._polls.order(self._ca, name, "pending", lambda now: now.status != "pending"))

    def _tell(self, authorization: Authorization, challenge: Challenge) -> Waits[Failure | None]:
        """Tell the CA to look. Returns a failure that leaves open whether it was told."""
        with edges("answer challenge"):
            step = f"{authorization.identifier}: answering a challenge"
            try:
                yield from self._ca.ask(challenge.url, {}, step, sent_again=0)
            except Failure as failure:
                if failure.of_provider or failure.code not in (*PASSING, "ca_refused"):
                    raise
                return failure
            self._told = True
        return None

    def _tell_again(self, authorization: Authorization, challenge: Challenge, failure: Failure | None) -> Waits[None]:
        """Where the CA did not say that it will look, its authorization tells whether it does: told twice, a CA may
        refuse the second time, or look twice, and find nothing once the first look is over."""
        waits = list(RETRY_WAITS)
        while failure is not None:
            yield waits[0] if waits else 0.0
            if (yield from self._looked_at(authorization, challenge)):
                self._told = True
                return
            if failure.code not in ("ca_bad_nonce", "ca_unreachable") or not waits:
                raise failure
            del waits[0]
            failure = yield from self._tell(authorization, challenge)

    def _looked_at(self, authorization: Authorization, challenge: Challenge) -> Waits[bool]:
        """Whether the CA shows that it has been told to look. One that can't be asked now shows nothing."""
        try:
            now = yield from self._authorization(authorization.url)
        except Failure as failure:
            if failure.of_provider or failure.code not in PASSING:
                raise
            return False
        seen = now.challenge(challenge.kind)
        return now.status != "pending" or (seen is not None and seen.status != "pending")

    def _present(self, order: Order, presented: ExitStack) -> Waits[list[Answered]]:
        """Put every answer in its place, then wait until all can be seen. What can't be put for some names is known at
        once for all of them, before the CA is told to look. `presented` takes the answers away again."""
        waiting: list[Answered] = []
        refused: list[Failure] = []
        authorizations = yield from at_once([self._authorization(url) for url in order.authorizations])
        for authorization in (one for one in authorizations if one.status != "valid"):
            with kept_for_later(refused):
                challenge, solver = self._pick(authorization)
                name, token = authorization.identifier, checked_token(challenge, authorization.identifier)
                presented.callback(solver.clean, name, token)
                solver.present(name, token, f"{token}.{self._thumbprint}")
                waiting.append((authorization, challenge, solver))
        for authorization, challenge, solver in () if refused else waiting:
            with kept_for_later(refused):
                yield from solver.settle(authorization.identifier, challenge.token)
        if refused:
            raise all_of(refused)
        return waiting

    def _pick(self, authorization: Authorization) -> tuple[Challenge, Solver]:
        """The challenge that we are to answer; kinds that we do not know are ignored."""
        name = authorization.identifier
        if authorization.status != "pending":
            raise refused_name(authorization, None)
        method = self._request.methods.get(name, "dns-01" if authorization.wildcard else "http-01")
        challenge, solver = authorization.challenge(method), self._solvers.get(method)
        if challenge is None or solver is None:
            offered = ", ".join(one.kind for one in authorization.challenges) or "nothing"
            said = f"{name}: expected a {method} challenge, the CA offers {offered}"
            raise Failure("no_challenge", said, permanent=True, names={name: said})
        return challenge, solver

    def _await(self, authorization: Authorization, kind: str) -> Waits[Pending | None]:
        """Wait for one authorization. Some CAs leave it pending for ever after a failed challenge, so that
        the challenge's own state and error count too."""
        name = authorization.identifier

        def ended(answer: Answer) -> bool | None:
            now = parse_authorization(authorization.url, answer.json())
            challenge = now.challenge(kind)
            if now.status == "valid":
                return True
            failed = challenge is not None and (challenge.status == "invalid" or challenge.error is not None)
            if failed or now.status not in ("pending", "processing"):
                raise refused_name(now, challenge)
            return None

        step = f"{name}: asking for the validation"
        waited = yield from self._polls.until(
            lambda: self._ca.ask(authorization.url, None, step), ended, f"the validation of {name} is pending"
        )
        return waited if isinstance(waited, Pending) else None

    def _authorization(self, url: str) -> Waits[Authorization]:
        """Only of what was asked for: a CA must not choose the names for which root writes into web servers and zones.

        Raises Failure("ca_other_names").
        """
        answer = yield from self._ca.ask(url, None, "asking for an authorization")
        found = parse_authorization(url, answer.json())
        if found.identifier not in {*self._request.names, *self._request.ancestors.values()}:
            asked, got = ", ".join(self._request.names), printable(found.identifier, 200)
            said = f"{url}: expected an authorization of {asked}, the CA sent one of {got}; nothing was presented"
            raise Failure("ca_other_names", said, permanent=True)
        self.persist = found.persist or self.persist
        return found


def at_once(courses: Sequence[Waits[T]]) -> Waits[list[T]]:
    """What each of the courses returns. Of a CA that is far, as the first one shows, the others are asked at once; of
    one that is near one after the other, which takes less of both processors. Raises what the first of them raises."""
    found: list[T] = []
    began = time.monotonic()
    for number, course in enumerate(courses):
        if number == 1 and len(courses) > 2 and time.monotonic() - began >= FAR:
            return [*found, *(yield from _side_by_side(courses[1:]))]
        found.append((yield from course))
    return found


def _side_by_side(courses: Sequence[Waits[T]]) -> Waits[list[T]]:
    """A step of each of them at a time, by threads that are there for that step only."""
    found: dict[int, T] = {}
    left = dict(enumerate(courses))
    try:
        while left:
            with ThreadPoolExecutor(min(AT_ONCE, len(left))) as pool:
                steps = list(pool.map(_step, left.values()))
            for number, step in zip(list(left), steps, strict=True):
                if isinstance(step, _Ended):
                    found[number] = step.result
                    del left[number]
            waits = [step for step in steps if not isinstance(step, _Ended)]
            if waits:
                yield max(waits)
    finally:
        for course in left.values():
            course.close()
    return [found[number] for number in range(len(courses))]


@dataclass(frozen=True, slots=True)
class _Ended(Generic[T]):
    result: T


def _step(course: Waits[T]) -> float | _Ended[T]:
    try:
        return next(course)
    except StopIteration as ended:
        return _Ended(ended.value)
