"""The order flow (RFC 8555 section 7.4): from newOrder to the downloaded chain, or on from where an order stands."""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from jobs.crash_points import edges, reached
from jobs.policy.certificate import Bundle
from jobs.policy.failure import Failure
from jobs.policy.persist import Offer
from jobs.policy.proof import split_pem
from jobs.policy.redirects import printable
from jobs.ports import Journal, OrderRequest, Pending, Solver
from jobs.providers.protocol.csr import signing_request
from jobs.providers.protocol.directory import Directories
from jobs.providers.protocol.order import (
    Authorization,
    Challenge,
    Order,
    checked_token,
    parse_authorization,
    parse_order,
)
from jobs.providers.protocol.polls import LEFT_STANDING, PASSING, Polls
from jobs.providers.protocol.problem import Answer, Refused, words
from jobs.providers.protocol.refusals import all_of, kept_for_later, refused_name, with_names
from jobs.providers.protocol.signed import NOWHERE, Signed
from jobs.providers.protocol.wire import RETRY_WAITS, Key, Wire, require_https

WITHOUT_REPLACES = frozenset({"alreadyReplaced", "conflict", "malformed", "serverInternal", "unauthorized"})
"""What CAs answer to a newOrder whose `replaces` they don't take (RFC 9773 section 5)."""

CONFLICT = 409
LONGEST_CHAIN = 10
"""Certificates of a chain with its leaf: longer ones no client takes, and every handshake would carry them."""

Answered = tuple[Authorization, Challenge, Solver]


class Flow:
    """One order of one account. Made for a single use in one thread."""

    def __init__(
        self,
        wire: Wire,
        directories: Directories,
        key: Key,
        kid: str,
        request: OrderRequest,
        solvers: Mapping[str, Solver],
    ) -> None:
        self._ca = Signed(wire, directories, key, kid)
        self._key = key
        self._request = request
        self._solvers = solvers
        self.persist: Offer | None = None
        """How the CA offered dns-persist-01 in an authorization, if it did."""

    def issue(self, journal: Journal) -> Bundle | Pending:
        """newOrder, then on to the end. Raises Failure."""
        order = self._new_order(journal)
        self._polls = Polls(order.url, parked_before=False)
        if set(order.names) != set(self._request.names):
            asked, got = ", ".join(self._request.names), printable(", ".join(order.names), 200)
            said = f"{order.url}: expected an order for {asked}, the CA made one for {got}"
            raise Failure("ca_other_names", said, permanent=True)
        return self._go_on(order)

    def resume(self, url: str) -> Bundle | Pending:
        """On with an order that exists. Raises Failure("order_gone") when the CA knows nothing of it."""
        self._polls = Polls(url, parked_before=True)
        try:
            answer = self._ca.ask(url, None, "asking for the order")
        except Refused as refused:
            if refused.url == url and (refused.status in NOWHERE or refused.code == "ca_refused"):
                self._ca.check_account(refused)
                raise Failure("order_gone", f"{url}: {refused.detail}") from refused
            raise
        order = parse_order(url, answer.json())
        if order.status == "invalid" or set(order.names) != set(self._request.names):
            got = printable(", ".join(order.names), 200)
            said = words(order.error) if order.error else f"it is {order.status}, for {got}"
            raise Failure("order_gone", f"{url}: {said}")
        return self._go_on(order)

    def _go_on(self, order: Order) -> Bundle | Pending:
        """pending -> authorize, ready -> finalize, processing -> poll, valid -> download."""
        if order.status == "pending":
            with ExitStack() as presented:  # every answer is taken away, also when taking away another one fails
                ready = self._authorize(order, presented)
            if isinstance(ready, Pending):
                return ready
            order = ready
        for _ in range(2):  # "processing" may have been said too early, by one of the CA's servers that lags behind
            if order.status == "ready":
                order = self._finalize(order)
                self._polls.came_forward()
            if order.status == "processing":
                polled = self._poll_order(order, lambda status: status != "processing")
                if isinstance(polled, Pending):
                    return polled
                order = polled
        if order.status != "valid" or order.certificate is None:
            said = words(order.error) if order.error else f"the order is {order.status}"
            raise Failure("ca_refused", f"{', '.join(self._request.names)}: finalizing the order: {said}")
        return self._download(order.certificate)

    def _new_order(self, journal: Journal) -> Order:
        payload: dict[str, Any] = {"identifiers": [self._identifier(name) for name in self._request.names]}
        step = f"{self._request.names[0]}: ordering"
        reached("before send newOrder")
        try:
            answer = self._send_order(payload, step)
        except Refused as refused:
            self._ca.check_account(refused)
            raise with_names(refused, self._request.names) from None
        reached("after send newOrder")
        url = answer.headers.get("location")
        if not url:
            raise Failure("ca_not_acme", f"{step}: the CA answered without the order's address (HTTP {answer.status})")
        journal.order_created(require_https(url))
        return parse_order(url, answer.json())

    def _send_order(self, payload: dict[str, Any], step: str) -> Answer:
        """newOrder, with the certificate that it replaces where the CA takes that; once more without, where not."""
        replaced = self._request.replaces if self._ca.directory.renewal_info else None
        if replaced is None:
            return self._ca.new_order(payload, step)
        try:
            return self._ca.new_order(payload | {"replaces": replaced}, step)
        except Refused as refused:
            if refused.kind not in WITHOUT_REPLACES and refused.status != CONFLICT:
                raise
            return self._ca.new_order(payload, step)

    def _identifier(self, name: str) -> dict[str, str]:
        """With the domain above it through which it is to be validated, if any (RFC 9444 section 4)."""
        above = self._request.ancestors.get(name)
        return {"type": "dns", "value": name} | ({"ancestorDomain": above} if above else {})

    def _authorize(self, order: Order, presented: ExitStack) -> Order | Pending:
        """Present and answer a challenge for every authorization that is not valid yet, then wait for all."""
        waiting, told = self._present(order, presented), False
        try:
            for authorization, challenge, _ in waiting:
                if challenge.status == "pending":
                    with edges("answer challenge"):
                        self._answer(authorization, challenge)
                told = True
            return self._await_all(order, waiting)
        except Failure as failure:
            if told and failure.code in (*PASSING, "ca_rate_limited"):
                time.sleep(LEFT_STANDING)
            raise

    def _await_all(self, order: Order, waiting: Sequence[Answered]) -> Order | Pending:
        self._polls.came_forward()
        refused: list[Failure] = []
        parked: Pending | None = None
        for authorization, challenge, _ in waiting:
            with kept_for_later(refused):  # the others are waited for, so that every refusal is known at once
                parked = self._await(authorization, challenge.kind) or parked
        if refused:
            raise all_of(refused)
        return parked or self._poll_order(order, lambda status: status != "pending")

    def _answer(self, authorization: Authorization, challenge: Challenge) -> None:
        """Tell the CA to look. Where it did not say that it will, its authorization tells whether it does: told twice,
        a CA may refuse the second time, or look twice, and find nothing once the first look is over."""
        waits = list(RETRY_WAITS)
        while True:
            try:
                self._ca.ask(challenge.url, {}, "answering a challenge", sent_again=0)
                return
            except Failure as failure:
                if failure.of_provider or failure.code not in (*PASSING, "ca_refused"):
                    raise
                time.sleep(waits[0] if waits else 0.0)
                if self._looked_at(authorization, challenge):
                    return
                if failure.code not in ("ca_bad_nonce", "ca_unreachable") or not waits:
                    raise
                del waits[0]

    def _looked_at(self, authorization: Authorization, challenge: Challenge) -> bool:
        """Whether the CA shows that it has been told to look. One that can't be asked now shows nothing."""
        try:
            now = self._authorization(authorization.url)
        except Failure as failure:
            if failure.of_provider or failure.code not in PASSING:
                raise
            return False
        seen = now.challenge(challenge.kind)
        return now.status != "pending" or (seen is not None and seen.status != "pending")

    def _present(self, order: Order, presented: ExitStack) -> list[Answered]:
        """Put every answer in its place, then wait until all can be seen. What can't be put for some names is known at
        once for all of them, before the CA is told to look. `presented` takes the answers away again."""
        waiting: list[Answered] = []
        refused: list[Failure] = []
        authorizations = [self._authorization(url) for url in order.authorizations]
        for authorization in (one for one in authorizations if one.status != "valid"):
            with kept_for_later(refused):
                challenge, solver = self._pick(authorization)
                name, token = authorization.identifier, checked_token(challenge, authorization.identifier)
                presented.callback(solver.clean, name, token)
                solver.present(name, token, f"{token}.{self._key.thumbprint}")
                waiting.append((authorization, challenge, solver))
        for authorization, challenge, solver in () if refused else waiting:
            with kept_for_later(refused):
                solver.settle(authorization.identifier, challenge.token)
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

    def _await(self, authorization: Authorization, kind: str) -> Pending | None:
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
        waited = self._polls.until(
            lambda: self._ca.ask(authorization.url, None, step), ended, f"the validation of {name} is pending"
        )
        return waited if isinstance(waited, Pending) else None

    def _finalize(self, order: Order) -> Order:
        csr = urlsafe_b64encode(signing_request(self._request)).rstrip(b"=").decode()
        try:
            with edges("finalize"):
                answer = self._ca.ask(order.finalize, {"csr": csr}, f"{self._request.names[0]}: finalizing the order")
        except Failure as failure:
            if failure.code not in ("ca_refused", "ca_caa"):
                raise
            answer = self._ca.ask(order.url, None, "asking for the order")
            now = parse_order(order.url, answer.json())
            if now.status not in ("processing", "valid"):  # a lost answer: the CA has it already, else it means no
                raise
            return now
        return parse_order(order.url, answer.json())

    def _poll_order(self, order: Order, ended: Callable[[str], bool]) -> Order | Pending:
        def found(answer: Answer) -> Order | None:
            now = parse_order(order.url, answer.json())
            return now if ended(now.status) else None

        step = f"{self._request.names[0]}: asking for the order"
        return self._polls.until(lambda: self._ca.ask(order.url, None, step), found, f"the order is {order.status}")

    def _download(self, url: str) -> Bundle:
        with edges("download certificate"):
            answer = self._ca.ask(url, None, "downloading the certificate")
        chain = split_pem(answer.body)
        if not 1 <= len(chain) <= LONGEST_CHAIN:
            kind = printable(answer.headers.get("content-type", "no content type"), 100)
            got = f"{len(chain)} certificates" if chain else kind
            said = f"{url}: expected certificates in PEM, at most {LONGEST_CHAIN} certificates, got {got}"
            raise Failure("ca_bad_certificate", said, permanent=bool(chain))
        return Bundle(self._request.privkey, chain)

    def _authorization(self, url: str) -> Authorization:
        """Only of what was asked for: a CA must not choose the names for which root writes into web servers and zones.

        Raises Failure("ca_other_names").
        """
        answer = self._ca.ask(url, None, "asking for an authorization")
        found = parse_authorization(url, answer.json())
        if found.identifier not in {*self._request.names, *self._request.ancestors.values()}:
            asked, got = ", ".join(self._request.names), printable(found.identifier, 200)
            said = f"{url}: expected an authorization of {asked}, the CA sent one of {got}; nothing was presented"
            raise Failure("ca_other_names", said, permanent=True)
        self.persist = found.persist or self.persist
        return found
