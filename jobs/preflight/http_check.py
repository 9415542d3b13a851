"""The HTTP self-check: fetch the token of a name from one address, through its redirects, as a CA would."""

from __future__ import annotations

import asyncio
import errno
import re
import ssl
import time
from dataclasses import dataclass, field, replace

from jobs.policy.finding import Finding
from jobs.policy.preflight_report import Hop
from jobs.policy.redirects import FOLLOWED, AddressKind, RedirectRefused, Target, address_kind, next_target, printable
from jobs.policy.verdict import Outcome
from jobs.policy.who_answered import Here
from jobs.preflight.addresses import addresses
from jobs.preflight.http_client import BODY_LIMIT, Answer, BadAnswer, Exchange, Step, TooLarge
from jobs.preflight.resolver import Lookup

_TOKEN = re.compile(r"(?<=/\.well-known/acme-challenge)/[A-Za-z0-9_-]{20,}")
_NO_ROUTE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


@dataclass(frozen=True, slots=True)
class Question:
    """What is fetched, and within which limits. `timeout` in seconds, for all hops of one address together. `here`:
    the addresses of this host."""

    token: str
    key_authorization: str
    http_port: int
    https_port: int
    max_redirects: int
    timeout: float
    here: Here = field(default_factory=Here)

    @property
    def path(self) -> str:
        return f"/.well-known/acme-challenge/{self.token}"


class _Stopped(Exception):
    """The way ends here. `connected` is False when nobody answered at the address."""

    def __init__(self, code: str, text: str, connected: bool = True) -> None:
        super().__init__(text)
        self.finding = Finding(code, text)
        self.connected = connected


@dataclass
class _Walk:
    """One walk from the first URL to the last answer."""

    lookup: Lookup
    question: Question
    address: str
    left: float
    hops: list[Hop] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)

    async def run(self, name: str) -> None:
        """Ends quietly when the right answer came. Raises _Stopped, RedirectRefused."""
        question = self.question
        target = Target("http", name, question.path)
        seen = {target}
        address, answer = self.address, await self._ask(target, self.address)
        while answer.status in FOLLOWED:
            if answer.status == 303:
                text = f"{_url(target)} redirects with status 303, which public CAs don't follow; use 301 or 302"
                self.warnings.append(Finding("http_redirect_303", text))
            former = target
            target = next_target(former, answer.location or "", question.http_port, question.https_port)
            if target in seen:
                raise _Stopped("http_redirect_loop", f"{name} redirects in a circle, back to {_url(target)}")
            if len(seen) > question.max_redirects:
                text = f"{name} redirects more than {question.max_redirects} times, the last time to {_url(target)}"
                raise _Stopped("http_too_many_redirects", text)
            seen.add(target)
            address, answer = await self._follow(former, target, address)
        self._judge(target, address, answer)

    async def _follow(self, former: Target, target: Target, address: str) -> tuple[str, Answer]:
        """Ask where the redirect leads: the same host at the address that is under test, another one at its own."""
        if former.host == target.host:
            return address, await self._reached(target, address)
        found = await addresses(self.lookup, target.host)
        if found.trouble:
            text = f"{_url(former)} redirects to {_url(target)}: {found.trouble.text}"
            raise _Stopped("http_redirect_unresolved", text)
        *others, final = (*found.ipv6[:2], *found.ipv4[:2])
        for candidate in (*others, final):
            if not self._may_ask(candidate):
                text = f"{_url(former)} redirects to {_url(target)}, whose address {candidate} is not a public one"
                raise RedirectRefused("http_redirect_internal", text)
        for candidate in others:
            try:
                return candidate, await self._ask(target, candidate)
            except _Stopped as stopped:
                if stopped.connected:
                    raise
        return final, await self._reached(target, final)

    def _may_ask(self, address: str) -> bool:
        """Whoever writes a redirect must not choose what this host asks in a network that he doesn't reach himself: it
        goes to public addresses, and from a name that has none, on to this host's own."""
        if address_kind(address) is AddressKind.PUBLIC:
            return True
        return address_kind(self.address) is not AddressKind.PUBLIC and self.question.here.has(address)

    async def _reached(self, target: Target, address: str) -> Answer:
        """A later hop: somebody has answered at this address, so what fails now is no longer a silent address."""
        try:
            return await self._ask(target, address)
        except _Stopped as stopped:
            raise _Stopped(stopped.finding.code, stopped.finding.text) from stopped

    async def _ask(self, target: Target, address: str) -> Answer:
        port = self.question.https_port if target.scheme == "https" else self.question.http_port
        hop = Hop(_url(target), address, 0 if port in (80, 443) else port)
        started = time.monotonic()
        try:
            answer = await self._exchange(target, address, port, hop.where)
        except _Stopped as stopped:
            self.hops.append(replace(hop, code=stopped.finding.code))
            raise
        finally:
            self.left -= time.monotonic() - started
        onward = printable(answer.location or "nowhere", 200) if answer.status in FOLLOWED else ""
        said = {"status": answer.status, "server": answer.server, "front": answer.front, "onward": onward}
        self.hops.append(replace(hop, **said))
        return answer

    async def _exchange(self, target: Target, address: str, port: int, where: str) -> Answer:
        exchange = Exchange()
        try:
            async with asyncio.timeout(max(self.left, 0)):
                return await exchange.get(address, port, target.host, target.path, target.scheme == "https")
        except TimeoutError as error:
            raise self._late(exchange.step, where) from error
        except ssl.SSLError as error:
            reason = printable(error.reason or "no reason given", 60)
            raise _Stopped("http_tls_failed", f"{where}: the TLS handshake failed: {reason}") from error
        except OSError as error:
            raise self._no_connection(error, where, exchange.connected) from error
        except BadAnswer as error:
            raise _Stopped("http_bad_answer", f"{where}: {error}") from error
        except TooLarge as error:
            text = f"{where}: the answer is larger than {BODY_LIMIT} bytes; expected some 90 bytes"
            raise _Stopped("http_too_large", text) from error
        finally:
            exchange.close()

    def _late(self, step: Step, where: str) -> _Stopped:
        """The time is over. Who has begun to answer is there, and slow."""
        limit = f"within {self.question.timeout:g} s"
        if step is Step.CONNECT:
            return _Stopped("http_timeout", f"{where}: did not take the connection {limit}", False)
        if step is Step.WAIT:
            return _Stopped("http_timeout", f"{where}: took the connection, and sent nothing {limit}")
        return _Stopped("http_too_slow", f"{where}: {step} did not end {limit}")

    def _no_connection(self, error: OSError, where: str, connected: bool) -> _Stopped:
        if connected:
            return _Stopped("http_connection_lost", f"{where}: the connection broke off: {error.strerror or error}")
        if isinstance(error, ConnectionRefusedError):
            return _Stopped("http_connection_refused", f"{where}: connection refused", False)
        if error.errno in _NO_ROUTE:
            return _Stopped("http_no_route", f"{where}: this host has no way there: {error.strerror}", False)
        return _Stopped("http_connection_lost", f"{where}: no connection: {error.strerror or error}", False)

    def _judge(self, target: Target, address: str, answer: Answer) -> None:
        who = f"{_url(target)} at {address}, answered by {answer.server or 'an unnamed server'}"
        if answer.status != 200:
            raise _Stopped("http_status", f"{who}: expected status 200, got {answer.status}")
        if answer.body.strip() != self.question.key_authorization.encode("ascii"):
            text = f"{who}: expected the token's content, got {len(answer.body)} bytes of something else"
            raise _Stopped("http_wrong_content", text)


async def fetch(lookup: Lookup, question: Question, name: str, address: str) -> Outcome:
    """The self-check of `name` at `address`. Its texts name hops and servers, never what a body holds."""
    walk = _Walk(lookup, question, address, question.timeout)
    trouble, connected = None, True
    try:
        async with asyncio.timeout(question.timeout * 3):
            await walk.run(name)
    except _Stopped as stopped:
        trouble, connected = stopped.finding, stopped.connected
    except RedirectRefused as refused:
        trouble = Finding(refused.code, refused.text)
    except TimeoutError:
        trouble = Finding("http_timeout", f"{name} at {address}: following its redirects took too long")
    return Outcome(address, trouble, connected, tuple(walk.warnings), tuple(walk.hops))


def _url(target: Target) -> str:
    """The address for a person; our own random token in it would tell nothing."""
    return printable(_TOKEN.sub("/TOKEN", target.url), 200)
