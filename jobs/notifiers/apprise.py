"""Chats, webhooks and the like, by Apprise.

Slack, Matrix, Telegram, ntfy, Gotify, webhooks and a hundred more, for administrators. The library is an extra of this
program: `pip install 'autossl-panel[apprise]'`.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

from jobs import privileged
from jobs.notifiers.system import LONGEST
from jobs.policy.failure import Failure
from jobs.policy.redirects import printable
from jobs.ports import Letter

_CALL = "jobs.notifiers.system.apprise_call"
_EXTRA = "autossl-panel[apprise]"
_URL = re.compile(r"\A[a-z][a-z0-9+]{1,30}://\S+\Z", re.IGNORECASE)
_PARTS = re.compile(r"[/@:?&=,;#]+")
_SHORTEST_SECRET = 5
_LONGEST_WORDS = 500


@dataclass(frozen=True)
class Options:
    """Switched off until an address is given."""

    urls: str = field(
        default="",
        repr=False,
        metadata={
            "label": "Apprise URLs",
            "help": "Several with spaces in between, such as ntfys://ntfy.sh/TOPIC or jsons://example.org/hook. They"
            f" hold passwords, so they are never shown. The library: pip install '{_EXTRA}'.",
            "secret": True,
        },
    )
    timeout: int = field(default=60, metadata={"label": "Time limit", "help": "Seconds for all of them together."})


class Notifier:
    """All of the URLs get the message in brief; where one does not take it, all are tried again later."""

    addressed = False

    def __init__(self, options: Options) -> None:
        self._options = options

    def active(self) -> bool:
        return bool(self._options.urls.strip())

    def check(self) -> None:
        """Whether the library is there and knows the URLs. Raises Failure("notifier_extra_missing"),
        Failure("notifier_unreachable")."""
        self._call({"urls": self._urls()})

    def send(self, letter: Letter) -> str:
        return self._call({"urls": self._urls(), "title": letter.subject, "body": letter.body.brief})

    def _urls(self) -> list[str]:
        urls = self._options.urls.split()
        if not all(_URL.match(url) for url in urls):
            words = "expected URLs such as ntfys://ntfy.sh/TOPIC, several of them with spaces in between"
            raise Failure("notifier_unreachable", f"apprise: {words}")
        if not 1 <= self._options.timeout <= LONGEST:
            words = f"time limit {self._options.timeout}: expected 1 to {LONGEST} seconds"
            raise Failure("notifier_unreachable", f"apprise: {words}")
        if importlib.util.find_spec("apprise") is None:
            words = f"the library apprise is not installed; run: {sys.executable} -m pip install '{_EXTRA}'"
            raise Failure("notifier_extra_missing", words)
        return urls

    def _call(self, job: dict[str, object]) -> str:
        """The library knows a hundred services, each by code of its own, and keeps no time limit for all of it."""
        command = [sys.executable, "-P", "-W", "ignore", "-m", _CALL]
        environment = {"PYTHONPATH": str(Path(__file__).resolve().parents[2]), "HOME": "/nonexistent"}
        seconds = float(self._options.timeout)
        try:
            answer = privileged.run_apart(command, seconds, json.dumps(job).encode(), environment)
        except Failure as failure:
            if failure.code != "program_timeout":
                raise
            raise Failure("notifier_unreachable", f"apprise: no end after {seconds:g} s") from None
        lines = [line for line in answer.text.splitlines() if line.strip()] or ["it ended without a word"]
        try:
            outcome = json.loads(lines[-1])
            good, said = bool(outcome["good"]), str(outcome["text"])
        except (ValueError, TypeError, LookupError):
            good, said = False, lines[-1]
        words = printable(self._masked(said), _LONGEST_WORDS)
        if not good:
            raise Failure("notifier_unreachable", f"apprise: {words}")
        return words

    def _masked(self, text: str) -> str:
        """The library's own words may hold any part of a URL but the service's name; the longest first."""
        for secret in sorted(set(self._secrets()), key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def _secrets(self) -> Iterator[str]:
        for url in self._options.urls.split():
            rest = url.partition("://")[2]
            for part in (url, rest, *_PARTS.split(rest)):
                if len(part) >= _SHORTEST_SECRET:
                    yield from (part, unquote(part), quote(part, safe=""))
