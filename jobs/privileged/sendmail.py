"""The verb `sendmail`: a message handed to the host's own mail server, by the program that every one of them has."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from jobs.policy.failure import Failure
from jobs.privileged.programs import Output, refuse_program
from jobs.privileged.scripts import run_apart

_POSTDROP = Path("/usr/sbin/postdrop")
"""Postfix's sendmail hands over to it."""


def sendmail(program: str, sender: str, message: bytes, seconds: float) -> Output:
    """Run it without a shell; the recipients are those of the message's own headers, so no argument holds any. `sender`
    is where complaints go (the envelope's), one argument that is no option.

    Raises Failure("program_missing") also where others than root may change the program, Failure("program_timeout"),
    ValueError for a sender that would be an option.
    """
    if sender.startswith("-"):
        raise ValueError(f"sender: expected none that begins with a hyphen, got {sender!r}")
    check_sendmail(program)
    return run_apart([program, "-t", "-oi", "-f", sender], seconds, message, {})


def check_sendmail(program: str) -> None:
    """Whether it could be run. Raises Failure("program_missing")."""
    try:
        refuse_program(program)
    except Failure as failure:
        raise Failure(failure.code, f"sendmail: {failure.detail}", permanent=True) from None
    if os.geteuid() != 0 and _never_more_rights() and any(map(_gives_rights, (Path(program), _POSTDROP))):
        words = f"sendmail: {program} gets its rights by its mode (set-user-id, set-group-id), which this process has"
        words += " given up (NoNewPrivileges). Use the notifier smtp instead, with this host's own server, 127.0.0.1"
        raise Failure("program_missing", words, permanent=True)


def _never_more_rights() -> bool:
    """no_new_privs of proc(5): what this process starts gets no rights by its mode."""
    return "\nNoNewPrivs:\t1\n" in Path("/proc/self/status").read_text(encoding="ascii", errors="replace")


def _gives_rights(program: Path) -> bool:
    try:
        return bool(program.stat().st_mode & (stat.S_ISUID | stat.S_ISGID))
    except OSError:
        return False
