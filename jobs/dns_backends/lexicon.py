"""DNS services, by dns-lexicon.

Cloudflare, deSEC, Gandi, Hetzner, OVH, Route 53 and many more, each by its API. The library is an extra of this
program: `pip install 'autossl-panel[lexicon]'`.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote, quote_plus

from jobs import privileged
from jobs.dns_backends.system import held_by, rdata_of, zone_name, zone_of
from jobs.policy.failure import Failure
from jobs.policy.redirects import printable
from jobs.ports import Place, Record

_CALL = "jobs.dns_backends.system.lexicon_call"
_EXTRA = "autossl-panel[lexicon]"
_UNFIT = frozenset({"auto", "localzone"})
"""One chooses the service by itself, the other edits zone files, which `bind_zonefile` does with care."""

_CAA = frozenset(
    {"cloudflare", "desec", "gandi", "googleclouddns", "hetzner", "powerdns", "rcodezero", "route53"}
)
"""Services whose API takes a CAA value as a zone file has it, and to which the library hands it as it is. Elsewhere its
parts have fields of their own, of which the library knows nothing."""

_SERVICE = re.compile(r"\A[a-z0-9]{2,40}\Z")
_KEY = re.compile(r"\A[A-Za-z0-9_-]{1,60}\Z")
_SAFE_TEXT = re.compile(r"\A[A-Za-z0-9_=:;,./@+ -]{1,255}\Z")
"""The library puts the quotes around a text by itself, and nothing else."""

_OPEN = re.compile(r"\A(?!.*(?:auth|key|pass|psw|secret|token|totp|2fa)).+\Z", re.IGNORECASE)
"""Names of options that hold no secret, such as `pdns_server` or `zone_id`."""

_SHORTEST_SECRET = 4
_LONGEST_WORDS = 900
_PATIENCE = 0.3
"""The part of the time limit in which the service has to show a change, and again to show that it was taken back."""


@dataclass(frozen=True)
class Options:
    """Switched off until a service and a zone are named."""

    service: str = field(
        default="",
        metadata={
            "label": "Service",
            "help": f"Its name in lexicon, such as cloudflare, gandi or ovh. The library: pip install '{_EXTRA}'.",
        },
    )
    zones: tuple[str, ...] = field(
        default=(), metadata={"label": "Zones", "help": "Those of the account there that may be changed."}
    )
    credentials: str = field(
        default="",
        repr=False,
        metadata={
            "label": "Credentials",
            "help": "lexicon's options of the service, such as auth_token=...; several with spaces in between, or as"
            " one JSON object.",
            "secret": True,
        },
    )
    ttl: int = field(
        default=0, metadata={"label": "TTL", "help": "Seconds, where the service demands a longer one. 0: no demand."}
    )
    timeout: int = field(
        default=120, metadata={"label": "Time limit", "help": "Seconds for one change, its proof included."}
    )


class Backend:
    """One change at a time, for many services take whole sets. The proof is what the service's API shows; whether its
    name servers do is found out afterwards, as for all backends."""

    name = "lexicon"

    def __init__(self, options: Options, place: Place) -> None:
        self._options = options
        self._turn = Lock()

    def active(self) -> bool:
        return bool(self._options.service and self._options.zones)

    def zone_for(self, name: str) -> str | None:
        """Without the library nothing is served, which is told once it is asked for."""
        self._refuse_without_library()
        return held_by(self._zones, name)

    def writes(self, name: str, kind: str) -> bool:
        return kind == "TXT" or (kind == "CAA" and self._service in _CAA)

    def add(self, record: Record) -> None:
        self._change(record, present=True)

    def remove(self, record: Record) -> None:
        self._change(record, present=False)

    def _refuse_without_library(self) -> None:
        if self.active() and importlib.util.find_spec("lexicon") is None:
            words = f"the library dns-lexicon is not installed; run: {sys.executable} -m pip install '{_EXTRA}'"
            raise Failure("dns_backend_extra_missing", words, permanent=True)

    @property
    def _service(self) -> str:
        return self._options.service.strip().lower()

    @cached_property
    def _zones(self) -> tuple[str, ...]:
        return tuple(zone_name(zone) for zone in self._options.zones)

    @cached_property
    def _credentials(self) -> dict[str, str]:
        return _read(self._options.credentials)

    def _change(self, record: Record, present: bool) -> None:
        zone, options = self._zone(record), self._options
        if not _SERVICE.match(self._service) or self._service in _UNFIT:
            words = f"lexicon: service {options.service[:40]!r}: expected one such as cloudflare, gandi or ovh"
            raise Failure("option_invalid", words, permanent=True)
        if not 10 <= options.timeout <= 3600 or not 0 <= options.ttl <= 86400:
            words = f"lexicon: time limit {options.timeout}, TTL {options.ttl}: expected 10 to 3600, and 0 to 86400"
            raise Failure("option_invalid", words, permanent=True)
        wanted = Record(record.name, record.kind, record.value, max(record.ttl, options.ttl))
        job = {
            "config": {"provider_name": self._service, self._service: self._credentials}, "zone": zone,
            "record": asdict(wanted), "present": present, "patience": options.timeout * _PATIENCE,
        }
        with self._turn:
            self._judge(record, self._run(job, zone))

    def _zone(self, record: Record) -> str:
        rdata_of(record)
        self._refuse_without_library()
        zone = zone_of(self._zones, record, self.name)
        if not self.writes(record.name, record.kind):
            words = f"{record.name}: lexicon is not known to write {record.kind} records at {self._service}"
            raise Failure("dns_backend_kind_unsupported", words, permanent=True)
        if record.kind == "TXT" and not _SAFE_TEXT.match(record.value):
            words = f"{record.name}: {printable(record.value, 80)!r} holds signs that not every service takes in a text"
            raise Failure("zone_record_invalid", words, permanent=True)
        return zone

    def _run(self, job: Mapping[str, Any], zone: str) -> privileged.Output:
        """The library may ask for the home directory; it has none, and no settings of anybody's are found there."""
        command = [sys.executable, "-P", "-W", "ignore", "-m", _CALL]
        room = str(Path(__file__).resolve().parents[2])
        environment = {"PYTHONPATH": room, "HOME": "/nonexistent"}
        try:
            return privileged.run_apart(command, self._options.timeout, json.dumps(job).encode(), environment)
        except Failure as failure:
            if failure.code != "program_timeout":
                raise
            words = f"{zone}: {self._service} did not do it within {self._options.timeout} s"
            raise Failure("dns_backend_timeout", words) from None

    def _judge(self, record: Record, answer: privileged.Output) -> None:
        """The last line is the outcome, or the words of an error that nobody foresaw."""
        last = next((line for line in reversed(answer.text.splitlines()) if line.strip()), "it ended without a word")
        try:
            code, text = str(json.loads(last)["code"]), str(json.loads(last)["text"])
        except (ValueError, TypeError, LookupError):
            code, text = "dns_backend_service_failed", last
        if code:
            said = printable(self._masked(text), _LONGEST_WORDS)
            raise Failure(code, f"{record.name} {record.kind}, by {self._service}: {said}")

    def _masked(self, text: str) -> str:
        """The longest first: one secret may be part of another."""
        for secret in sorted(self._secrets(), key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def _secrets(self) -> Iterator[str]:
        """Every secret, as it may stand in an address or a header too."""
        values = [value for key, value in self._credentials.items() if not _OPEN.match(key)]
        pairs = [f"{one}:{other}" for one in values for other in values]
        for value in values:
            if len(value) >= _SHORTEST_SECRET:
                yield from (value, quote(value), quote(value, safe=""), quote_plus(value))
        for pair in (*values, *pairs):
            if len(pair) >= _SHORTEST_SECRET:
                yield b64encode(pair.encode()).decode()


def _read(text: str) -> dict[str, str]:
    """`KEY=VALUE` words, or a JSON object of texts. Raises Failure("option_invalid"), which never holds a value."""
    try:
        given = json.loads(text) if text.lstrip().startswith("{") else _pairs(text)
        if not all(_KEY.match(key) and isinstance(value, str | int) for key, value in given.items()):
            raise ValueError("a name or a value is of the wrong kind")
    except ValueError:
        words = "expected KEY=VALUE, several of them with spaces in between, or one JSON object of texts"
        raise Failure("option_invalid", f"lexicon: credentials: {words}", permanent=True) from None
    return {key: str(value) for key, value in given.items()}


def _pairs(text: str) -> dict[str, str]:
    found = {}
    for word in text.split():
        key, equals, value = word.partition("=")
        if not equals:
            raise ValueError("no '='")
        found[key] = value
    return found
