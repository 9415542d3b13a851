"""When the CA asks for a renewal (RFC 9773 section 4): one unauthenticated GET for each certificate."""

from __future__ import annotations

from datetime import UTC, datetime

from jobs.policy import ari
from jobs.policy.failure import Failure
from jobs.ports import finish
from jobs.providers.protocol.problem import retry_after
from jobs.providers.protocol.wire import Wire


def ask(wire: Wire, address: str, certificate_id: str, seconds: float) -> ari.Suggestion:
    """The window of one certificate, by one try in `seconds`. `address`: the directory's `renewalInfo`.

    Raises Failure: "ca_bad_window" for an answer that is to be ignored, and as `Wire.get`.
    """
    answer = finish(wire.get(f"{address.rstrip('/')}/{certificate_id}", "asking for the renewal window", seconds))
    now = datetime.now(UTC)
    try:
        return ari.read(answer.json(), retry_after(answer.headers, now), now)
    except ari.BadWindow as error:
        raise Failure("ca_bad_window", f"the renewal window of {certificate_id}: {error}") from error
