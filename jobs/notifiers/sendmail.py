"""Mail by this host's own mail server.

Handed to its program `sendmail`, which Exim, Postfix and small relays such as msmtp have alike. It takes a message into
its own queue, and goes on from there by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from jobs import privileged
from jobs.notifiers.system import LONGEST, address, as_mail
from jobs.policy.failure import Failure
from jobs.policy.redirects import printable
from jobs.ports import Letter

_NEVER = {65: "EX_DATAERR", 67: "EX_NOUSER", 68: "EX_NOHOST"}
"""Exit codes of sysexits.h that are about the message or its recipient, and will be the same again."""

_LONGEST_WORDS = 300


@dataclass(frozen=True)
class Options:
    """Switched off until somebody says so."""

    enabled: bool = field(
        default=False,
        metadata={"label": "Use it", "help": "Beside an SMTP server: what one can't do now, the other tries next."},
    )
    program: str = field(
        default="/usr/sbin/sendmail",
        metadata={"label": "Program", "help": "Its full path. It must be root's, and writable by nobody else."},
    )
    timeout: int = field(default=30, metadata={"label": "Time limit", "help": "Seconds for handing one message over."})


class Notifier:
    """The recipient stands in the message's own header and on no command line; the sender is one argument, which can't
    begin with a hyphen."""

    addressed = True

    def __init__(self, options: Options) -> None:
        self._options = options

    def active(self) -> bool:
        return self._options.enabled

    def check(self) -> None:
        """Whether the program is there and safe to run. Raises Failure("program_missing")."""
        privileged.check_sendmail(self._options.program)

    def send(self, letter: Letter) -> str:
        options, message = self._options, as_mail(letter)
        if not 1 <= options.timeout <= LONGEST:
            words = f"sendmail: time limit {options.timeout}: expected 1 to {LONGEST} seconds"
            raise Failure("notifier_unreachable", words)
        try:
            answer = privileged.sendmail(options.program, address(letter.sender), message, float(options.timeout))
        except Failure as failure:
            raise Failure("notifier_unreachable", failure.detail) from failure
        said = printable(" / ".join(answer.text.split("\n")).strip(" /"), _LONGEST_WORDS)
        if answer.code == 0:
            return said or "taken into the mail server's queue"
        words = f"{options.program}: exit {answer.code}, it said: {said or 'nothing'}"
        if answer.code in _NEVER:
            raise Failure("notifier_refused", words, permanent=True)
        raise Failure("notifier_unreachable", words)
