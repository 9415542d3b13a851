"""The order flow (RFC 8555 section 7.4): from newOrder to the downloaded chain, or on from where an order stands."""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from jobs.policy.certificate import Bundle
from jobs.policy.failure import Failure
from jobs.policy.persist import Offer
from jobs.policy.proof import split_pem
from jobs.policy.redirects import printable
from jobs.ports import Journal, OrderRequest, Pending, Solver
from jobs.providers.protocol.directory import Directory
from jobs.providers.protocol.order import (
    Authorization,
    Challenge,
    Order,
    checked_token,
    parse_authorization,
    parse_order,
)
from jobs.providers.protocol.problem import PREFIX, Answer, retry_after, words
from jobs.providers.protocol.wire import Key, Wire

FIRST_POLL, LONGEST_POLL = 0.25, 5.0
LONGEST_WAIT = 300.0
"""Seconds after which an order is parked."""
PARKED_FOR = timedelta(minutes=5)


class Flow:
    """One order of one account. Made for a single use in one thread."""

    def __init__(
        self, wire: Wire, directory: Directory, key: Key, kid: str, request: OrderRequest, solvers: Mapping[str, Solver]
    ) -> None:
        self._wire = wire
        self._directory = directory
        self._key = key
        self._kid = kid
        self._request = request
        self._solvers = solvers
        self._deadline = time.monotonic() + LONGEST_WAIT
        self.persist: Offer | None = None
        """How the CA offered dns-persist-01 in an authorization, if it did."""

    def issue(self, journal: Journal) -> Bundle | Pending:
        """newOrder, then on to the end. Raises Failure."""
        order = self._new_order(journal)
        if set(order.names) != set(self._request.names):
            asked, got = ", ".join(self._request.names), printable(", ".join(order.names), 200)
            said = f"{order.url}: expected an order for {asked}, the CA made one for {got}"
            raise Failure("ca_other_names", said, permanent=True)
        return self._go_on(order)

    def resume(self, url: str) -> Bundle | Pending:
        """On with an order that exists. Raises Failure("order_gone") when the CA knows nothing of it."""
        try:
            answer = self._ask(url, None, "asking for the order")
        except Failure as failure:
            if failure.code in ("ca_refused", "ca_not_acme"):
                raise Failure("order_gone", f"{url}: {failure.detail}") from failure
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
        if order.status == "ready":
            order = self._finalize(order)
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
        replaces = {"replaces": self._request.replaces} if self._request.replaces else {}
        try:
            answer = self._ask(self._directory.new_order, payload | replaces, step, again=False)
        except Failure as failure:
            if not replaces or failure.code not in ("ca_already_replaced", "ca_refused"):
                raise _with_names(failure, self._request.names) from failure
            answer = self._ask(self._directory.new_order, payload, step, again=False)
        url = answer.headers.get("location")
        if not url:
            raise Failure("ca_not_acme", f"{step}: the CA answered without the order's address (HTTP {answer.status})")
        journal.order_created(url)
        return parse_order(url, answer.json())

    def _identifier(self, name: str) -> dict[str, str]:
        """With the domain above it through which it is to be validated, if any (RFC 9444 section 4)."""
        above = self._request.ancestors.get(name)
        return {"type": "dns", "value": name} | ({"ancestorDomain": above} if above else {})

    def _authorize(self, order: Order, presented: ExitStack) -> Order | Pending:
        """Present and answer a challenge for every authorization that is not valid yet, then wait for all."""
        waiting = self._present(order, presented)
        for _, challenge, _ in waiting:
            if challenge.status == "pending":
                self._ask(challenge.url, {}, "answering a challenge")
        refused: list[Failure] = []
        parked: Pending | None = None
        for authorization, challenge, _ in waiting:
            with _kept_for_later(refused):  # the others are waited for, so that every refusal is known at once
                parked = self._await(order, authorization, challenge.kind) or parked
        if refused:
            raise _all_of(refused)
        return parked or self._poll_order(order, lambda status: status != "pending")

    def _present(self, order: Order, presented: ExitStack) -> list[tuple[Authorization, Challenge, Solver]]:
        """Put every answer in its place, then wait until all can be seen. What can't be put for some names is known at
        once for all of them, before the CA is told to look. `presented` takes the answers away again."""
        waiting: list[tuple[Authorization, Challenge, Solver]] = []
        refused: list[Failure] = []
        authorizations = [self._authorization(url) for url in order.authorizations]
        for authorization in (one for one in authorizations if one.status != "valid"):
            with _kept_for_later(refused):
                challenge, solver = self._pick(authorization)
                name, token = authorization.identifier, checked_token(challenge, authorization.identifier)
                presented.callback(solver.clean, name, token)
                solver.present(name, token, f"{token}.{self._key.thumbprint}")
                waiting.append((authorization, challenge, solver))
        for authorization, challenge, solver in () if refused else waiting:
            with _kept_for_later(refused):
                solver.settle(authorization.identifier, challenge.token)
        if refused:
            raise _all_of(refused)
        return waiting

    def _pick(self, authorization: Authorization) -> tuple[Challenge, Solver]:
        """The challenge that we are to answer; kinds that we do not know are ignored."""
        name = authorization.identifier
        if authorization.status != "pending":
            raise _refused(authorization, None)
        method = self._request.methods.get(name, "dns-01" if authorization.wildcard else "http-01")
        challenge, solver = authorization.challenge(method), self._solvers.get(method)
        if challenge is None or solver is None:
            offered = ", ".join(one.kind for one in authorization.challenges) or "nothing"
            said = f"{name}: expected a {method} challenge, the CA offers {offered}"
            raise Failure("no_challenge", said, permanent=True, names={name: said})
        return challenge, solver

    def _await(self, order: Order, authorization: Authorization, kind: str) -> Pending | None:
        """Wait for one authorization. Some CAs leave it pending for ever after a failed challenge, so that
        the challenge's own state and error count too."""
        wait = FIRST_POLL
        while True:
            answer = self._ask(authorization.url, None, f"{authorization.identifier}: asking for the validation")
            now = parse_authorization(authorization.url, answer.json())
            challenge = now.challenge(kind)
            if now.status == "valid":
                return None
            failed = challenge is not None and (challenge.status == "invalid" or challenge.error is not None)
            if failed or now.status not in ("pending", "processing"):
                raise _refused(now, challenge)
            parked = self._wait(order.url, answer, wait)
            if parked:
                return parked
            wait = min(wait * 1.6, LONGEST_POLL)

    def _finalize(self, order: Order) -> Order:
        csr = urlsafe_b64encode(_csr(self._request)).rstrip(b"=").decode()
        try:
            answer = self._ask(order.finalize, {"csr": csr}, f"{self._request.names[0]}: finalizing the order")
        except Failure as failure:
            if failure.code not in ("ca_refused", "ca_caa"):
                raise
            answer = self._ask(order.url, None, "asking for the order")
            now = parse_order(order.url, answer.json())
            if now.status not in ("processing", "valid"):  # a lost answer: the CA has it already, else it means no
                raise
            return now
        return parse_order(order.url, answer.json())

    def _poll_order(self, order: Order, ended: Callable[[str], bool]) -> Order | Pending:
        wait = FIRST_POLL
        while True:
            answer = self._ask(order.url, None, f"{self._request.names[0]}: asking for the order")
            now = parse_order(order.url, answer.json())
            if ended(now.status):
                return now
            parked = self._wait(order.url, answer, wait)
            if parked:
                return parked
            wait = min(wait * 1.6, LONGEST_POLL)

    def _wait(self, order_url: str, answer: Answer, wait: float) -> Pending | None:
        """Sleep as long as the CA asks, or as our own growing poll says; past the limit the order is parked."""
        now = datetime.now(UTC)
        asked = retry_after(answer.headers, now)
        seconds = max((asked - now).total_seconds(), 0.0) if asked else wait
        if time.monotonic() + seconds > self._deadline:
            return Pending(order_url, max(asked or now, now + PARKED_FOR), "processing")
        time.sleep(seconds)
        return None

    def _download(self, url: str) -> Bundle:
        answer = self._ask(url, None, "downloading the certificate")
        chain = split_pem(answer.body)
        if not chain:
            kind = answer.headers.get("content-type", "no content type")
            raise Failure("ca_bad_certificate", f"{url}: expected certificates in PEM, got {kind}")
        return Bundle(self._request.privkey, chain)

    def _authorization(self, url: str) -> Authorization:
        """Only of what was asked for: a CA must not choose the names for which root writes into web servers and zones.

        Raises Failure("ca_other_names").
        """
        answer = self._ask(url, None, "asking for an authorization")
        found = parse_authorization(url, answer.json())
        if found.identifier not in {*self._request.names, *self._request.ancestors.values()}:
            asked, got = ", ".join(self._request.names), printable(found.identifier, 200)
            said = f"{url}: expected an authorization of {asked}, the CA sent one of {got}; nothing was presented"
            raise Failure("ca_other_names", said, permanent=True)
        self.persist = found.persist or self.persist
        return found

    def _ask(self, url: str, payload: Any, step: str, *, again: bool = True) -> Answer:
        return self._wire.post(url, payload, self._key, self._kid, self._directory.new_nonce, step, again=again)


def _refused(authorization: Authorization, challenge: Challenge | None) -> Failure:
    """Why a name did not validate, in the CA's words if it gave any."""
    errors = [one.error for one in ([challenge] if challenge else authorization.challenges) if one.error]
    said = words(errors[0]) if errors else f"the CA gave no reason (authorization {authorization.status})"
    text = f"{authorization.identifier}: the CA's validation: {said}"
    caa = bool(errors) and (errors[0] or {}).get("type") == f"{PREFIX}caa"
    code = "ca_caa" if caa else "validation_failed"
    return Failure(code, text, permanent=caa, names={authorization.identifier: text})


def _with_names(failure: Failure, ordered: Sequence[str]) -> Failure:
    """A refusal of one name comes without subproblems, the name stands quoted in the CA's words."""
    if failure.code != "ca_rejected_name" or failure.names:
        return failure
    names = {name: failure.detail for name in ordered if f'"{name}"' in failure.detail}
    return Failure(failure.code, failure.detail, failure.retry_at, failure.permanent, names)


@contextmanager
def _kept_for_later(refused: list[Failure]) -> Iterator[None]:
    """A failure that is about single names must not hide those of the others."""
    try:
        yield
    except Failure as failure:
        if not failure.names:
            raise
        refused.append(failure)


def _all_of(refused: list[Failure]) -> Failure:
    """Several refusals as one."""
    names = {name: text for failure in refused for name, text in failure.names.items()}
    permanent = all(failure.permanent for failure in refused)
    return Failure(refused[0].code, "; ".join(names.values()), permanent=permanent, names=names)


def _csr(request: OrderRequest) -> bytes:
    """PKCS #10 in DER with the names in SAN and an empty subject; no key usage, which CAs refuse or ignore."""
    key: Any = load_pem_private_key(request.privkey, password=None)
    names = x509.SubjectAlternativeName([x509.DNSName(name) for name in request.names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).add_extension(names, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
