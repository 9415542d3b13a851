"""A front before Pebble that obeys CAA records, as every public CA does and no test CA; and that can be made to fail.

It names its issuer in the directory. When a record of a name forbids that issuer, the account or the method of
validation (RFC 8659, RFC 8657), the validation fails, and the order is refused at its finalization as well: CAs look at
both times. Everything else passes through: Pebble makes its URLs from the Host header, which is kept.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import dns.exception
import dns.name
import dns.resolver
from cryptography import x509

from jobs.demo.daemons import bind, pebble
from jobs.demo.daemons.front import ERROR, Front, FrontHandler, Reply, problem
from jobs.demo.daemons.starting import only_inside

PORT = 14001


@dataclass(frozen=True)
class Fault:
    """The answer to every new order instead of Pebble's: an HTTP status, the last word of an ACME error type
    (RFC 8555 section 6.7), and Retry-After in seconds."""

    status: int
    kind: str
    retry_after: int | None = None


@dataclass
class Challenge:
    """One that an authorization has offered. `refused`: why CAA forbids it, once it was to be validated."""

    name: str
    method: str
    refused: str = ""


@dataclass
class CaaFront:
    """A running front. `fault` may be set and taken back at any time; `refused` collects what CAA forbade."""

    issuer: str
    bundle: str
    fault: Fault | None = None
    refused: list[str] = field(default_factory=list)
    directory: str = f"https://localhost:{PORT}/dir"
    challenges: dict[str, Challenge] = field(default_factory=dict, repr=False)
    """By the path of its URL."""


def start_caa_front(ca: pebble.Pebble, issuer: str = "ca.test") -> CaaFront:
    """Serve in a thread of this process, by the certificate that Pebble itself has."""
    only_inside()
    front = CaaFront(issuer, str(ca.bundle))
    _CaaFront(front, ca).start()
    return front


@dataclass(frozen=True)
class Asking:
    """Who wants a certificate: the CA's own name, the account there, the method by which the name is validated."""

    issuer: str
    account: str
    method: str


def forbidden(name: str, asking: Asking, resolver: dns.resolver.Resolver) -> str | None:
    """Why the CA must not issue for `name`; None when it may. A lookup that fails forbids."""
    wild = name.startswith("*.")
    domain = dns.name.from_text(name.removeprefix("*."))
    while domain != dns.name.root:
        try:
            records = list(resolver.resolve(domain, "CAA"))
        except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN):
            domain = domain.parent()
            continue
        except dns.exception.DNSException as error:
            return f"looking up CAA for {domain} failed: {type(error).__name__}"
        plain = [record.value.decode() for record in records if record.tag == b"issue"]
        wanted = [record.value.decode() for record in records if record.tag == b"issuewild"] if wild else []
        values = wanted or plain
        permitted = not values or any(_permits(value, asking) for value in values)
        return None if permitted else f"CAA record for {domain} prevents issuance"
    return None


def _permits(value: str, asking: Asking) -> bool:
    issuer, *rest = (part.strip() for part in value.split(";"))
    parameters = [part.partition("=") for part in rest if part]
    accounts = [text.strip() for tag, _, text in parameters if tag.strip() == "accounturi"]
    methods = [text.strip().split(",") for tag, _, text in parameters if tag.strip() == "validationmethods"]
    account_right = not accounts or accounts == [asking.account]
    method_right = not methods or (len(methods) == 1 and asking.method in methods[0])
    return issuer.lower() == asking.issuer and account_right and method_right


class _CaaFront(Front):
    """Knows what its handlers need: the front, and whom to ask for CAA."""

    def __init__(self, front: CaaFront, ca: pebble.Pebble) -> None:
        super().__init__(PORT, ("localhost", pebble.PORT), ca.bundle, ca.bundle.with_suffix(".key"), _Handler)
        self.front = front
        self.resolver = dns.resolver.Resolver(configure=False)
        self.resolver.nameservers, self.resolver.port = [bind.ADDRESS], bind.PORT


class _Handler(FrontHandler):
    server: _CaaFront

    def reply(self, body: bytes) -> Reply:
        wrong = self._problem(body)
        if wrong is not None:
            return wrong
        refused = self._refused_challenge(body)
        if refused:
            return Reply(200, json.dumps(refused).encode(), {"Content-Type": "application/json"})
        return self._changed(self.passed_on(body))

    def _changed(self, reply: Reply) -> Reply:
        """Pebble's own answer, with the CAA identity in the directory."""
        if self.path == "/dir":
            data = reply.json()
            data["meta"] = {**data.get("meta", {}), "caaIdentities": [self.server.front.issuer]}
        elif self.path.startswith("/authZ/") and reply.status == 200:
            data = self._authorization(reply.json())
        else:
            return reply
        return Reply(reply.status, json.dumps(data).encode(), reply.headers)

    def _authorization(self, data: dict[str, Any]) -> dict[str, Any]:
        """The same; once CAA has forbidden one of its challenges, it is invalid. Its challenges are remembered."""
        known = self.server.front.challenges
        star = "*." if data.get("wildcard") else ""
        for challenge in data["challenges"]:
            made = Challenge(star + data["identifier"]["value"], challenge["type"])
            found = known.setdefault(urlsplit(challenge["url"]).path, made)
            if found.refused:
                data["status"] = challenge["status"] = "invalid"
                challenge["error"] = {"type": f"{ERROR}caa", "detail": found.refused, "status": 403}
        return data

    def _refused_challenge(self, body: bytes) -> dict[str, Any] | None:
        """The answer to a request that begins, or looks at, a validation which CAA forbids; None passes it on."""
        front = self.server.front
        found = front.challenges.get(self.path)
        if found is None or self.command != "POST":
            return None
        if json.loads(body)["payload"] and not found.refused:
            asking = Asking(front.issuer, _account(body), found.method)
            found.refused = forbidden(found.name, asking, self.server.resolver) or ""
            front.refused += [found.name] if found.refused else []
        if not found.refused:
            return None
        url = f"https://{self.headers['Host']}{self.path}"
        error = {"type": f"{ERROR}caa", "detail": found.refused, "status": 403}
        return {"type": found.method, "url": url, "status": "invalid", "token": "none", "error": error}

    def _method(self, name: str) -> str:
        """By which the name was validated, as far as this front has seen it."""
        seen = [one.method for one in self.server.front.challenges.values() if one.name == name]
        return "dns-01" if name.startswith("*.") else next(iter(seen), "http-01")

    def _problem(self, body: bytes) -> Reply | None:
        """What the front itself answers to this request; None passes it on."""
        front = self.server.front
        if self.path.startswith("/order-plz") and front.fault is not None:
            after = front.fault.retry_after
            named = {} if after is None else {"Retry-After": str(after)}
            return problem(front.fault.status, front.fault.kind, "as asked for", {}, named)
        if not self.path.startswith("/finalize-order/"):
            return None
        account = _account(body)
        checked = {
            name: forbidden(name, Asking(front.issuer, account, self._method(name)), self.server.resolver)
            for name in _names(body)
        }
        why = {name: text for name, text in checked.items() if text}
        front.refused += why
        parts = [
            {"type": f"{ERROR}caa", "detail": text, "identifier": {"type": "dns", "value": name}}
            for name, text in why.items()
        ]
        return problem(403, "caa", "; ".join(dict.fromkeys(why.values())), {"subproblems": parts}, {}) if why else None


def _names(body: bytes) -> list[str]:
    """The names of the CSR in a signed finalize request (RFC 8555 section 7.4)."""
    payload = json.loads(_decoded(json.loads(body)["payload"]))
    csr = x509.load_der_x509_csr(_decoded(payload["csr"]))
    names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.DNSName)


def _account(body: bytes) -> str:
    """The URL of the account that signed the request (RFC 8555 section 6.2)."""
    kid: str = json.loads(_decoded(json.loads(body)["protected"]))["kid"]
    return kid


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
