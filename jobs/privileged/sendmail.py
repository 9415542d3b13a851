"""The verb `sendmail`: a message handed to the host's own mail server, by the program that every one of them has."""

from __future__ import annotations

from jobs.policy.failure import Failure
from jobs.privileged.programs import Output, refuse_program
from jobs.privileged.scripts import run_apart


def sendmail(program: str, sender: str, message: bytes, seconds: float) -> Output:
    """Run it without a shell; the recipients are those of the message's own headers, so no argument holds any. `sender`
    is where complaints go (the envelope's), one argument that is no option.

    Raises Failure("program_missing") also where others than root may change the program, Failure("program_timeout"),
    ValueError for a sender that would be an option.
    """
    if sender.startswith("-"):
        raise ValueError(f"sender: expected none that begins with a hyphen, got {sender!r}")
    refuse_program(program)
    return run_apart([program, "-t", "-oi", "-f", sender], seconds, message, {})


def check_sendmail(program: str) -> None:
    """Whether it could be run. Raises Failure("program_missing")."""
    try:
        refuse_program(program)
    except Failure as failure:
        raise Failure(failure.code, f"sendmail: {failure.detail}", permanent=True) from None
