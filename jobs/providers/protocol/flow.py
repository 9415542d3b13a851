"""The order flow (RFC 8555 section 7.4): from newOrder to the downloaded chain, or on from where an order stands."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from jobs.crash_points import edges, reached
from jobs.policy.certificate import Bundle
from jobs.policy.failure import Failure
from jobs.policy.persist import Offer
from jobs.policy.proof import split_pem
from jobs.policy.redirects import printable
from jobs.ports import Journal, OrderRequest, Pending, Solver, Waits
from jobs.providers.protocol.authorizing import Authorizing
from jobs.providers.protocol.csr import signing_request
from jobs.providers.protocol.directory import Directories
from jobs.providers.protocol.jws import Key
from jobs.providers.protocol.order import Order, parse_order
from jobs.providers.protocol.polls import Polls
from jobs.providers.protocol.problem import Answer, Refused, words
from jobs.providers.protocol.refusals import with_names
from jobs.providers.protocol.signed import NOWHERE, Signed
from jobs.providers.protocol.wire import Wire, require_https

WITHOUT_REPLACES = frozenset({"alreadyReplaced", "conflict", "malformed", "serverInternal", "unauthorized"})
"""What CAs answer to a newOrder whose `replaces` they don't take (RFC 9773 section 5)."""

CONFLICT = 409
LONGEST_CHAIN = 10
"""Certificates of a chain with its leaf: longer ones no client takes, and every handshake would carry them."""


class Flow:
    """One order of one account. Made for a single use, by one thread at a time."""

    def __init__(
        self,
        wire: Wire,
        directories: Directories,
        key: Key,
        kid: str,
        request: OrderRequest,
        solvers: Mapping[str, Solver],
    ) -> None:
        self._wire = wire
        self._directories = directories
        self._key = key
        self._kid = kid
        self._request = request
        self._solvers = solvers
        self.persist: Offer | None = None
        """How the CA offered dns-persist-01 in an authorization, if it did."""

    def issue(self, journal: Journal) -> Waits[Bundle | Pending]:
        """newOrder, then on to the end. Raises Failure."""
        yield from self._begin()
        order = yield from self._new_order(journal)
        self._polls = Polls(order.url, parked_before=False)
        if set(order.names) != set(self._request.names):
            asked, got = ", ".join(self._request.names), printable(", ".join(order.names), 200)
            said = f"{order.url}: expected an order for {asked}, the CA made one for {got}"
            raise Failure("ca_other_names", said, permanent=True)
        return (yield from self._go_on(order))

    def resume(self, url: str) -> Waits[Bundle | Pending]:
        """On with an order that exists. Raises Failure("order_gone") when the CA knows nothing of it."""
        yield from self._begin()
        self._polls = Polls(url, parked_before=True)
        try:
            answer = yield from self._ca.ask(url, None, "asking for the order")
        except Refused as refused:
            if refused.url == url and (refused.status in NOWHERE or refused.code == "ca_refused"):
                yield from self._ca.check_account(refused)
                raise Failure("order_gone", f"{url}: {refused.detail}") from refused
            raise
        order = parse_order(url, answer.json())
        if order.status == "invalid" or set(order.names) != set(self._request.names):
            got = printable(", ".join(order.names), 200)
            said = words(order.error) if order.error else f"it is {order.status}, for {got}"
            raise Failure("order_gone", f"{url}: {said}")
        return (yield from self._go_on(order))

    def _begin(self) -> Waits[None]:
        directory = yield from self._directories.get()
        self._ca = Signed(self._wire, self._directories, directory, self._key, self._kid)

    def _go_on(self, order: Order) -> Waits[Bundle | Pending]:
        """pending -> authorize, ready -> finalize, processing -> poll, valid -> download."""
        if order.status == "pending":
            with ExitStack() as presented:  # every answer is taken away, also when taking away another one fails
                authorizing = Authorizing(self._ca, self._key.thumbprint, self._request, self._solvers, self._polls)
                try:
                    ready = yield from authorizing.authorize(order, presented)
                finally:
                    self.persist = authorizing.persist
            if isinstance(ready, Pending):
                return ready
            order = ready
        answer: Answer | None = None
        for _ in range(2):  # "processing" may have been said too early, by one of the CA's servers that lags behind
            if order.status == "ready":
                order, answer = yield from self._finalize(order)
                self._polls.came_forward()
            if order.status == "processing":
                polled = yield from self._polls.order(
                    self._ca, self._request.names[0], "processing", lambda now: now.status != "processing", answer
                )
                if isinstance(polled, Pending):
                    return polled
                order = polled
        if order.status != "valid" or order.certificate is None:
            said = words(order.error) if order.error else f"the order is {order.status}"
            raise Failure("ca_refused", f"{', '.join(self._request.names)}: finalizing the order: {said}")
        return (yield from self._download(order.certificate))

    def _new_order(self, journal: Journal) -> Waits[Order]:
        payload: dict[str, Any] = {"identifiers": [self._identifier(name) for name in self._request.names]}
        step = f"{self._request.names[0]}: ordering"
        reached("before send newOrder")
        try:
            answer = yield from self._send_order(payload, step)
        except Refused as refused:
            yield from self._ca.check_account(refused)
            raise with_names(refused, self._request.names) from None
        reached("after send newOrder")
        url = answer.headers.get("location")
        if not url:
            raise Failure("ca_not_acme", f"{step}: the CA answered without the order's address (HTTP {answer.status})")
        journal.order_created(require_https(url))
        return parse_order(url, answer.json())

    def _send_order(self, payload: dict[str, Any], step: str) -> Waits[Answer]:
        """newOrder, with the certificate that it replaces where the CA takes that; once more without, where not."""
        replaced = self._request.replaces if self._ca.directory.renewal_info else None
        if replaced is None:
            return (yield from self._ca.new_order(payload, step))
        try:
            return (yield from self._ca.new_order(payload | {"replaces": replaced}, step))
        except Refused as refused:
            if refused.kind not in WITHOUT_REPLACES and refused.status != CONFLICT:
                raise
            return (yield from self._ca.new_order(payload, step))

    def _identifier(self, name: str) -> dict[str, str]:
        """With the domain above it through which it is to be validated, if any (RFC 9444 section 4)."""
        above = self._request.ancestors.get(name)
        return {"type": "dns", "value": name} | ({"ancestorDomain": above} if above else {})

    def _finalize(self, order: Order) -> Waits[tuple[Order, Answer]]:
        csr = urlsafe_b64encode(signing_request(self._request)).rstrip(b"=").decode()
        try:
            with edges("finalize"):
                step = f"{self._request.names[0]}: finalizing the order"
                answer = yield from self._ca.ask(order.finalize, {"csr": csr}, step)
        except Failure as failure:
            if failure.code not in ("ca_refused", "ca_caa"):
                raise
            answer = yield from self._ca.ask(order.url, None, "asking for the order")
            now = parse_order(order.url, answer.json())
            if now.status not in ("processing", "valid"):  # a lost answer: the CA has it already, else it means no
                raise
            return now, answer
        return parse_order(order.url, answer.json()), answer

    def _download(self, url: str) -> Waits[Bundle]:
        with edges("download certificate"):
            answer = yield from self._ca.ask(url, None, "downloading the certificate")
        chain = split_pem(answer.body)
        if not 1 <= len(chain) <= LONGEST_CHAIN:
            kind = printable(answer.headers.get("content-type", "no content type"), 100)
            got = f"{len(chain)} certificates" if chain else kind
            said = f"{url}: expected certificates in PEM, at most {LONGEST_CHAIN} certificates, got {got}"
            raise Failure("ca_bad_certificate", said, permanent=bool(chain))
        return Bundle(self._request.privkey, chain)
