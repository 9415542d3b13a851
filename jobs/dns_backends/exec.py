"""A script of your own.

Called as dehydrated calls its hooks, so that a hook for dns-01 of any DNS service works: `deploy_challenge DOMAIN
TOKEN_FILENAME TOKEN_VALUE`, and `clean_challenge` with the same words. It answers challenges and nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock

from jobs import privileged
from jobs.dns_backends.system import held_by, rdata_of, zone_name, zone_of
from jobs.policy.failure import Failure
from jobs.policy.redirects import printable
from jobs.ports import Place, Record

_CHALLENGE = "_acme-challenge."
_NO_FILE = "-"
"""In the place of TOKEN_FILENAME, which is about http-01."""

_VALUE = re.compile(r"\A[A-Za-z0-9_-]{1,255}\Z")
"""base64url, as dns-01 has it: nothing that a careless script could take for something else."""

_LAST_LINES = 5
_LONGEST = 900


@dataclass(frozen=True)
class Options:
    """Switched off until a script and a zone are named."""

    script: str = field(
        default="",
        metadata={
            "label": "Script",
            "help": "Its full path. It and all directories above it must be root's, and writable by nobody else.",
        },
    )
    zones: tuple[str, ...] = field(
        default=(), metadata={"label": "Zones", "help": "Those it can change; what lies below them belongs to them."}
    )
    timeout: int = field(
        default=300, metadata={"label": "Time limit", "help": "Seconds for one call; then it is stopped."}
    )
    user: str = field(default="", metadata={"label": "Runs as", "help": "An account of this host. Empty: root."})


class Backend:
    """The script's word is its exit status; that the world sees a value is found out afterwards, as for all backends.
    One call at a time, and whatever came of a first call, the value is cleaned by a second one."""

    name = "exec"

    def __init__(self, options: Options, place: Place) -> None:
        self._options = options
        self._turn = Lock()

    def active(self) -> bool:
        return bool(self._options.script and self._options.zones)

    def zone_for(self, name: str) -> str | None:
        return held_by(self._zones, name)

    def writes(self, name: str, kind: str) -> bool:
        return kind == "TXT" and name.startswith(_CHALLENGE)

    def add(self, record: Record) -> None:
        self._call("deploy_challenge", record)

    def remove(self, record: Record) -> None:
        self._call("clean_challenge", record)

    @cached_property
    def _zones(self) -> tuple[str, ...]:
        return tuple(zone_name(zone) for zone in self._options.zones)

    def _call(self, what: str, record: Record) -> None:
        rdata_of(record)
        self._refuse_others(record)
        options, domain = self._options, record.name.removeprefix(_CHALLENGE)
        if options.timeout < 1:
            raise Failure("option_invalid", f"exec: time limit {options.timeout}: expected seconds", permanent=True)
        command = [options.script, what, domain, _NO_FILE, record.value]
        with self._turn:
            answer = privileged.run_script(command, float(options.timeout), options.user)
        if answer.code != 0:
            words = f"{options.script} {what} {domain}: exit {answer.code}, it said: {_last(answer.text)}"
            raise Failure("dns_backend_script_failed", words)

    def _refuse_others(self, record: Record) -> None:
        zone_of(self._zones, record, self.name)
        if not self.writes(record.name, record.kind):
            words = f"{record.name} {record.kind}: expected a TXT record at {_CHALLENGE}NAME; a script is asked for no "
            raise Failure("dns_backend_challenges_only", f"{words}other", permanent=True)
        if not _VALUE.match(record.value):
            words = f"{record.name}: {record.value[:80]!r} is not the value of a challenge (base64url)"
            raise Failure("zone_record_invalid", words, permanent=True)


def _last(text: str) -> str:
    """The last lines of the output, fit for a page."""
    lines = [line.strip() for line in text.splitlines() if line.strip()][-_LAST_LINES:]
    return printable(" / ".join(lines)[-_LONGEST:], _LONGEST) or "nothing"
